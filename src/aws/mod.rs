//! The way to AWS: HTTP client, credentials, retries, timeouts, rate limits, and what an error means. Beside [`crate::collect`]
//! the only module that names a type of the SDK.
//!
//! One [`Session`] is one account: its configuration comes from the SDK's own chain, with the command line on top. A session
//! gives out the [`Clients`] of a region; all of them share one HTTP client, one credentials cache and one retry budget.

pub mod error;
pub mod http;
pub mod limits;
pub mod replay;
mod session;
mod watch;
mod xml;

pub use error::{CallError, Kind};
pub use session::{Clients, Session, Setup, SetupError};
pub use watch::CallWatch;
