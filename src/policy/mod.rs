//! Endpoint policies: reads the document of a VPC endpoint and says what it does to a request.
//!
//! - [`Document`] is the policy, read tolerantly; [`problems`] lists what is wrong with it.
//! - [`Request`] is one action with what is known of its caller, resource and context.
//! - [`evaluate`] answers allow, deny, or unknown with the unknowns that make the difference.
//! - [`command`] holds the two subcommands, [`ecs_actions`] what ECS itself asks of each endpoint.
//!
//! Nothing here reads files, clocks or the network, and nothing else of the crate is used.

mod build;
mod choices;
pub mod command;
pub mod condition;
mod document;
pub mod ecs_actions;
mod evaluate;
mod inspect;
mod json;
mod matching;
mod principal;
mod request;
mod search;
#[cfg(test)]
mod tests;

pub use document::{Document, Effect, Element, MAX_CHARACTERS, Problem, ProblemKind, Statement};
pub use evaluate::{Decision, Example, Judgement, Unknown, evaluate};
pub use inspect::{foreign_actions, granted_on_arns_only, is_full_access, matches_published_sample, problems};
pub use principal::{Entry, Principal};
pub use request::{ContextValue, EndpointType, Request, Resource};
