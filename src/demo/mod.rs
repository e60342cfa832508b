//! The demo: an invented account whose answers are part of the program. They go through the same SDK clients and
//! collectors as those of AWS, so that what is seen is the real thing, without an account and without a network.
//!
//! `scripts/scenes/make.py` makes the answers, and says what is wrong in the account.

mod recording;

use std::sync::Arc;

pub use recording::{Recording, refusal};

use crate::aws::replay::Answers;
use crate::inventory::Time;

const RECORDED: &str = include_str!("demo.answers");

/// Everything that a run of the demo asks for.
#[derive(Debug, Clone)]
pub struct Demo {
    /// The regions of the account.
    pub regions: Vec<String>,
    /// The clock: when the answers were recorded, so that ages and reports stay the same.
    pub now: Option<Time>,
    /// The answers.
    pub answers: Arc<dyn Answers>,
}

/// The demo's account.
#[must_use]
pub fn demo() -> Demo {
    let recording = Recording::parse(RECORDED);
    Demo { regions: recording.regions().into_iter().map(str::to_owned).collect(), now: recording.taken_at().and_then(|t| Time::parse(t).ok()), answers: Arc::new(recording) }
}
