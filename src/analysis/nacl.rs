//! Network ACLs: numbered first match.
