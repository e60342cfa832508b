//! SIGINT and SIGTERM: end at once, with nothing half-written left behind.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::{exit, output};

/// How long the end waits for somebody to tidy up.
const PATIENCE: Duration = Duration::from_millis(1500);

static STOPPING: AtomicBool = AtomicBool::new(false);
static HELD: Mutex<usize> = Mutex::new(0);
static RELEASED: Condvar = Condvar::new();

/// Watches for both on a thread of its own, so that they end the program whatever it is doing.
pub fn watch() {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
    let (interrupt, terminate) = {
        // Here and not on the thread, so that none comes before it is watched for.
        let _entered = runtime.enter();
        use tokio::signal::unix::{SignalKind, signal};
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    };
    let (Ok(mut interrupt), Ok(mut terminate)) = (interrupt, terminate) else { return };
    let spawned = std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let status = runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => exit::INTERRUPTED,
                _ = terminate.recv() => exit::TERMINATED,
            }
        });
        STOPPING.store(true, Ordering::SeqCst);
        output::cleanup();
        let held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        drop(RELEASED.wait_timeout_while(held, PATIENCE, |held| *held > 0));
        std::process::exit(status)
    });
    // Without the thread nobody would act on a signal.
    if let Err(error) = spawned {
        tracing::warn!(%error, "signals are not watched for");
    }
}

/// Whether a signal has come: whoever writes something in parts gives up and tidies.
pub fn stopping() -> bool {
    STOPPING.load(Ordering::SeqCst)
}

/// While this lives, a signal waits a moment for what is half-written to be tidied away.
#[derive(Debug)]
pub struct Hold(());

/// Asks for that moment.
#[must_use]
pub fn hold() -> Hold {
    *HELD.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    Hold(())
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        *held = held.saturating_sub(1);
        RELEASED.notify_all();
    }
}

/// Waits for the end that a signal has begun.
pub fn wait_for_the_end() -> ! {
    loop {
        std::thread::park();
    }
}
