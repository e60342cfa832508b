//! SIGINT and SIGTERM: end at once, with nothing half-written left behind.

use crate::output;

/// Watches for both on a thread of its own, so that they end the program whatever it is doing.
pub fn watch() {
    let spawned = std::thread::Builder::new().name("signals".to_owned()).spawn(|| {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        let status = runtime.block_on(async {
            use tokio::signal::unix::{SignalKind, signal};
            let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) else {
                return std::future::pending().await;
            };
            tokio::select! {
                _ = interrupt.recv() => 130,
                _ = terminate.recv() => 143,
            }
        });
        output::cleanup();
        std::process::exit(status)
    });
    // Without the thread the signals keep their default action, which ends the program as well.
    drop(spawned);
}
