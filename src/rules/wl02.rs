//! WL02: An image in ECR still needs the internet.

use super::{Outcome, Rule, pages, reads};
use crate::analysis::View;
use crate::finding::Severity;

/// An image in ECR still needs the internet.
pub static RULE: Rule = Rule {
    id: "WL02",
    name: "image-needs-internet",
    title: "An image in ECR still needs the internet",
    severity: Severity::High,
    why: "The first pull of a pull-through cache fetches the image from its upstream, over the internet. Windows base layers come from Microsoft unless they \
          were pushed with the image.",
    mend: "Pull the tag once from where the internet is reachable, or push the image itself; push Windows base layers with it.",
    sources: &[pages::PULL_THROUGH, pages::ECR_ENDPOINTS],
    reads: reads::NEEDS,
    check,
};

fn check(_view: &View<'_>, _outcome: &mut Outcome<'_>) {}
