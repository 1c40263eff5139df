//! Whatever breaks, nothing is lost and nothing lies: faults of every kind, injected.
//!
//! [`world`] states once what must hold after each of them.

mod matrix;
mod network;
mod proxy;
mod world;
