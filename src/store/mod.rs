//! Where files live: how one comes to have its name only when it is whole.

mod staged;

pub(crate) use staged::StagedFile;
