//! What the options of a dump change, each by itself.

mod definer;
mod output;
mod rows;
mod selection;
