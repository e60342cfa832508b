//! How a subnet reaches the public internet (facts 2.8), Block Public Access included.
