//! Whatever breaks, nothing is lost and nothing lies: faults of every kind, injected.
//!
//! [`world`] states once what must hold after each of them.

mod child;
mod hostile_server;
mod matrix;
mod network;
mod private;
mod processes;
mod proxy;
mod recorded;
mod server;
mod world;
