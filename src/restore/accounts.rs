//! Accounts in a file of our own.

use crate::archive::Manifest;
use crate::error::{Error, ErrorKind, Result};
use crate::server::Flavor;

/// Fails for accounts of the other flavour, which this server does not understand.
pub(super) fn check(manifest: &Manifest, flavor: Flavor) -> Result<()> {
    if manifest.accounts.is_empty() || manifest.flavor == flavor.to_string() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Unsupported,
        format!(
            "the file holds accounts of a {} server, which {flavor} does not understand",
            crate::ident::one_line(&manifest.flavor)
        ),
    ))
}
