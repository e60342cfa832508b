//! EV01: Calls were seen to bypass the endpoint.

use super::{Outcome, Rule, pages, reads};
use crate::analysis::View;
use crate::finding::Severity;

/// Calls were seen to bypass the endpoint.
pub static RULE: Rule = Rule {
    id: "EV01",
    name: "public-path-observed",
    title: "Calls were seen to bypass the endpoint",
    severity: Severity::High,
    why: "CloudTrail records through which endpoint a call came. A call without one proves that it went over the public path, whatever the configuration \
          promises.",
    mend: "Look for a proxy, a NO_PROXY setting, DNS servers of one's own, or an agent that was not restarted.",
    sources: &[pages::CLOUDTRAIL, pages::CLOUDTRAIL_RECORD],
    reads: reads::NOTHING,
    check,
};

fn check(_view: &View<'_>, _outcome: &mut Outcome<'_>) {}
