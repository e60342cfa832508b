//! Security groups: does the union of groups on an interface admit a connection.
