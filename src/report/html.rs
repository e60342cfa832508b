//! HTML: one self-contained page.

use super::{Options, Report};

/// Renders the page.
#[must_use]
pub fn render(_report: &Report, _options: &Options) -> Vec<u8> {
    Vec::new()
}
