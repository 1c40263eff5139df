//! Inputs as files, for what reads only files.

use std::cell::RefCell;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;

use tempfile::NamedTempFile;

thread_local! {
    static FILE: RefCell<NamedTempFile> = RefCell::new(create());
}

/// In memory where the system has such a directory.
fn create() -> NamedTempFile {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { NamedTempFile::new_in(memory) } else { NamedTempFile::new() }.unwrap()
}

/// Gives `read` a file with these bytes. There is one file, so calls do not nest.
pub fn with_file<T>(bytes: &[u8], read: impl FnOnce(&Path) -> T) -> T {
    FILE.with_borrow_mut(|file| {
        let handle = file.as_file_mut();
        handle.set_len(0).unwrap();
        handle.seek(SeekFrom::Start(0)).unwrap();
        handle.write_all(bytes).unwrap();
        read(file.path())
    })
}
