//! Hand-worked scenes, and comparison with an independent resolver on random worlds.

mod oracle;
mod scenes;
mod servers;
mod unseen;
mod world;
mod zones;
