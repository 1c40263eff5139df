//! What cannot work is refused by kind, on one line, and leaves nothing behind.

mod connections;
mod damage;
mod files;
mod forged;
mod policy;
mod programs;
mod server;
mod target;
