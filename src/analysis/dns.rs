//! What a hostname resolves to from a VPC: the set of answers that what was seen allows.
