//! What a team decides about findings: `audit.toml`, suppressions, baselines, differences.

pub mod suppress;
