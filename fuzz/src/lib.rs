//! What the fuzz targets share.
//!
//! A target is one function of some bytes, which panics when something is wrong. With the feature
//! `libfuzzer` it is run by libFuzzer, guided by coverage; without it by [`blind`], which needs
//! nothing but a stable toolchain. `scripts/fuzz` runs all of them.

pub mod blind;
pub mod bytes;
pub mod file;

/// Makes the program of a target.
#[macro_export]
macro_rules! target {
    ($run:expr) => {
        #[cfg(feature = "libfuzzer")]
        libfuzzer_sys::fuzz_target!(|data: &[u8]| $run(data));

        #[cfg(not(feature = "libfuzzer"))]
        fn main() -> std::process::ExitCode {
            $crate::blind::main($run)
        }
    };
}
