//! SHA256SUMS, which `sha256sum --check` reads.

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// Name of the list.
pub const NAME: &str = "SHA256SUMS";

/// Writes the list of `names`, all of them files in `folder`.
pub fn write(folder: &Path, names: &[String]) -> Result<()> {
    let mut list = String::new();
    for name in names.iter().filter(|name| *name != NAME) {
        let path = folder.join(name);
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        for byte in Sha256::digest(&bytes) {
            write!(list, "{byte:02x}")?;
        }
        writeln!(list, "  {name}")?;
    }
    fs::write(folder.join(NAME), list)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_what_sha256sum_writes() {
        let folder = tempfile::tempdir().unwrap();
        // The first example of FIPS 180-2, appendix B.
        fs::write(folder.path().join("abc"), "abc").unwrap();
        write(folder.path(), &["abc".to_owned()]).unwrap();
        let list = fs::read_to_string(folder.path().join(NAME)).unwrap();
        assert_eq!(list, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  abc\n");
    }
}
