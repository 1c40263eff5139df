//! The REST API and the admin page: the router on a real manager and a real server, the program
//! `serve`, and the page in a browser.

mod api;
mod browser;
mod contract;
mod focus;
mod log;
mod mounted;
mod page;
mod program;
mod states;
mod who;
