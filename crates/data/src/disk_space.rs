//! How much room a disk has.

use std::path::Path;

use crate::DataError;

/// Bytes that an ordinary user may still write to the file system of `folder` (or of the nearest folder above it that
/// exists); `None` where the system does not tell.
#[must_use]
pub fn free_bytes(folder: &Path) -> Option<u64> {
    let there = folder.ancestors().find(|path| path.exists()).unwrap_or(Path::new("."));
    // `a/b` without a folder `a` ends at "", which is the current one.
    let there = if there.as_os_str().is_empty() { Path::new(".") } else { there };
    ask(there)
}

#[cfg(unix)]
fn ask(folder: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(folder).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(not(unix))]
fn ask(_folder: &Path) -> Option<u64> {
    None
}

/// Fails where the room is known and too small.
///
/// # Errors
/// [`DataError::Space`].
pub fn check(folder: &Path, needed_bytes: u64) -> Result<(), DataError> {
    match free_bytes(folder) {
        Some(free_bytes) if free_bytes < needed_bytes => {
            Err(DataError::Space { needed_bytes, free_bytes, folder: folder.to_path_buf() })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_much_is_refused_before_anything_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("not/there/yet");
        assert!(check(&deep, 1).is_ok());
        if cfg!(unix) {
            assert!(free_bytes(&deep).is_some());
            assert!(matches!(check(&deep, u64::MAX), Err(DataError::Space { .. })));
        }
        assert!(check(Path::new("relative/nowhere"), 1).is_ok());
    }
}
