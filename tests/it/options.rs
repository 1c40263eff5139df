//! What the options of a dump change, each by itself; and that all options are documented.

mod definer;
mod documented;
mod output;
mod rows;
mod selection;
