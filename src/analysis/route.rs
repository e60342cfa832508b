//! Route tables: which table a subnet uses and which route an address takes.
