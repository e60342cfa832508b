//! EP11: No kms endpoint for ECS Exec with a key of your own.

use super::{Rule, from_paths, pages, reads};
use crate::finding::Severity;

/// No kms endpoint for ECS Exec with a key of your own.
pub static RULE: Rule = Rule {
    id: "EP11",
    name: "kms-endpoint-missing",
    title: "No kms endpoint for ECS Exec with a key of your own",
    severity: Severity::High,
    why: "With a customer managed key the session of ECS Exec is encrypted by calls that the task itself makes to KMS. Decrypting injected secrets needs no kms \
          endpoint; only this does.",
    mend: "Create an interface endpoint for kms with private DNS, or remove the key from the Exec configuration of the cluster.",
    sources: &[pages::EXEC],
    reads: reads::NEEDS,
    check: from_paths::check,
};
