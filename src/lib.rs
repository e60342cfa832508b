//! Does Amazon ECS really work through AWS PrivateLink here?
//!
//! Data flows in one direction: `cli` to `scope` to `collect` (or `snapshot`) to [`inventory`] to [`analysis`] to [`rules`]
//! to [`finding`]s to [`report`]. A module imports only from those before it.

pub mod actions;
pub mod analysis;
pub mod audit;
pub mod aws;
pub mod cli;
pub mod collect;
pub mod demo;
pub mod exit;
pub mod finding;
pub mod governance;
pub mod inventory;
pub mod live;
pub mod output;
pub mod permissions;
pub mod policy;
pub mod query;
pub mod report;
pub mod rules;
pub mod run;
pub mod signals;
pub mod snapshot;
