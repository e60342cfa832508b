//! Which services a workload needs, and why.
