//! The live half of a run: from a scope to an inventory, with progress on standard error.

use std::sync::Arc;
use std::time::Duration;

use crate::cli::ScopeArgs;
use crate::collect::{self, Progress, Request};
use crate::inventory::{Inventory, Time};
use crate::{demo, exit};

/// What is asked of AWS beside the scope.
#[derive(Debug, Clone, Default)]
pub struct Live {
    /// Ask the demo's recorded answers in place of AWS.
    pub demo: bool,
    /// Ask CloudTrail.
    pub evidence: bool,
    /// Stop after this many seconds.
    pub max_time: Option<u64>,
    /// Show progress.
    pub progress: bool,
    /// Ids beyond ECS that a question names.
    pub also: Vec<String>,
}

/// Collects the inventory.
///
/// # Errors
/// Exit status and message.
pub fn inventory(scope: &ScopeArgs, live: Live) -> Result<Inventory, (i32, String)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| (exit::NOTHING, format!("cannot start: {e}")))?;
    let demo = live.demo.then(demo::demo);
    let regions = demo.as_ref().filter(|_| scope.regions.is_empty()).map_or_else(|| scope.regions.clone(), |d| d.regions.clone());
    let request = Request {
        regions,
        answers: demo.as_ref().map(|d| Arc::clone(&d.answers)),
        vpcs: scope.vpcs.clone(),
        clusters: scope.clusters.clone(),
        also: live.also,
        profile: scope.profile.clone(),
        endpoint_url: scope.endpoint_url.clone(),
        evidence: live.evidence,
        deadline: live.max_time.map(Duration::from_secs),
        ..Request::default()
    };
    let progress: Arc<dyn Progress> = if live.progress { Arc::new(Bar::new()) } else { Arc::new(()) };
    let collected = runtime.block_on(collect::collect(request, progress, || demo.as_ref().and_then(|d| d.now).unwrap_or_else(now)));
    // What still waits for an answer (a name look-up on a thread of its own) must not hold the end up.
    runtime.shutdown_background();
    collected.map_err(|e| (i32::from(e.exit_status()), e.to_string()))
}

/// The clock of a live run.
fn now() -> Time {
    Time(jiff::Timestamp::now())
}

/// One line that counts calls.
struct Bar(indicatif::ProgressBar);

impl Bar {
    fn new() -> Self {
        let bar = indicatif::ProgressBar::new(0).with_prefix("asking AWS");
        if let Ok(style) = indicatif::ProgressStyle::with_template("{spinner} {prefix} {pos}/{len} calls {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }
}

impl Progress for Bar {
    fn started(&self, action: crate::actions::Action) {
        self.0.inc_length(1);
        self.0.set_message(action.name());
    }

    fn finished(&self, _: crate::actions::Action, _: usize) {
        self.0.inc(1);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
