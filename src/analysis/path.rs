//! Paths: one a placement and need.
use super::{Path, View};

/// All paths of the region.
#[must_use]
pub fn paths(_view: &View<'_>) -> Vec<Path> {
    Vec::new()
}
