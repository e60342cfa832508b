//! Endpoint services as data: names, partitions, prefixes, hostnames.
