//! A C library that goes wrong in a child: calls that fail or are the last thing that a process
//! does, and a clock that jumps. `tests/fixtures/faulty_libc.c` has it.

use std::path::{Path, PathBuf};

use tokio::process::Command;
use tokio::sync::OnceCell;

/// What goes wrong.
#[derive(Clone, Debug)]
pub(crate) struct LibraryFault {
    library: PathBuf,
    fault: Option<(String, PathBuf)>,
    /// Where it reads by how many seconds its clock is wrong.
    clock: Option<PathBuf>,
}

impl LibraryFault {
    /// The call of this number, of files below a directory or that match a pattern, ends the process
    /// by a signal (`KILL`, `TERM`), fails (`EIO`, `ENOSPC`) or waits (`WAIT`). A file named `struck`
    /// says then that it has come; when it is removed, the call waits no longer.
    pub(crate) async fn call(
        (call, what): (&str, &str),
        number: u64,
        directory: &Path,
        struck: &Path,
    ) -> Self {
        let fault = format!("{call}:{number}:{what}:{}", directory.display());
        let fault = Some((fault, struck.to_owned()));
        Self { library: library().await.to_owned(), fault, clock: None }
    }

    /// The clock is wrong by as many seconds as the file says.
    pub(crate) async fn clock(file: &Path) -> Self {
        Self { library: library().await.to_owned(), fault: None, clock: Some(file.to_owned()) }
    }

    pub(super) fn arm(&self, command: &mut Command) {
        command.env("LD_PRELOAD", &self.library);
        if let Some((fault, struck)) = &self.fault {
            command.env("SNAPDUMP_TEST_FAULT", fault).env("SNAPDUMP_TEST_STRUCK", struck);
        }
        if let Some(clock) = &self.clock {
            command.env("SNAPDUMP_TEST_CLOCK", clock);
        }
    }
}

/// The library, compiled once for all tests of a run.
async fn library() -> &'static Path {
    static LIBRARY: OnceCell<PathBuf> = OnceCell::const_new();
    LIBRARY
        .get_or_init(|| async {
            // Beside this program, where its build put everything else: it is not removed, and not
            // made again by other processes unless they run at the same time.
            let program = std::env::current_exe().unwrap();
            let library = program.with_extension("faulty_libc.so");
            let new = program.with_extension(format!("faulty_libc.{}", std::process::id()));
            let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/faulty_libc.c");
            let output = Command::new("cc")
                .args(["-shared", "-fPIC", "-O1", "-o"])
                .args([&new, &source])
                .output()
                .await
                .expect("a C compiler is installed");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            std::fs::rename(new, &library).unwrap();
            library
        })
        .await
}
