//! A file that appears complete or not at all.
//!
//! Bytes go to a temporary file in the destination's own directory (a rename within one directory
//! is atomic on POSIX and Windows); [`AtomicFile::commit`] flushes it to the disk, renames it, and
//! flushes the directory. Dropping without a commit removes it. Every pending temporary is listed
//! in a registry, so that a handler of Ctrl-C can call [`remove_pending_files`].

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::MediaError;

static PENDING: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
static SERIAL: AtomicU64 = AtomicU64::new(0);

/// Longest part of the destination's name that is repeated in the temporary's (most file systems
/// allow 255 bytes for a name).
const REPEATED_NAME_BYTES: usize = 180;

fn pending() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    // The set stays valid even if a thread panicked while holding it.
    PENDING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes the temporary files of every uncommitted [`AtomicFile`] of this process.
///
/// For a Ctrl-C handler that runs on a thread of its own and ends the process afterwards: it takes
/// a lock, so it must not be called from a raw signal handler. Returns how many were removed.
pub fn remove_pending_files() -> usize {
    let mut set = pending();
    let removed = set.iter().filter(|path| fs::remove_file(path).is_ok()).count();
    set.clear();
    removed
}

/// A temporary file of a process that is known to be gone is removed when it was not written to for so long: it could
/// belong to another machine that shares the folder.
const STALE_AFTER: Duration = Duration::from_secs(10 * 60);
/// The same where it cannot be told whether the process is gone.
const SURELY_STALE_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// Removes the temporary files that processes which were killed have left in `folder`. Returns how many were removed.
pub fn remove_stale_files(folder: &Path) -> usize {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries
        .filter_map(Result::ok)
        .filter(is_stale)
        .filter(|entry| fs::remove_file(entry.path()).is_ok())
        .count()
}

fn is_stale(entry: &fs::DirEntry) -> bool {
    let Some(process) = entry.file_name().to_str().and_then(process_of) else { return false };
    let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
    let age = entry.metadata().and_then(|data| data.modified()).ok().and_then(|time| time.elapsed().ok());
    // Linux shows every process as a folder here; elsewhere nothing is known.
    let is_gone = Path::new("/proc/self").exists() && !Path::new(&format!("/proc/{process}")).exists();
    let least = if is_gone { STALE_AFTER } else { SURELY_STALE_AFTER };
    is_file && process != std::process::id() && age.is_some_and(|age| age >= least)
}

/// The number of the process that made a temporary file of this name, if it is one.
fn process_of(name: &str) -> Option<u32> {
    let (rest, numbers) = name.strip_prefix('.')?.strip_suffix(".partial")?.rsplit_once('.')?;
    let (process, serial) = numbers.split_once('-')?;
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (!rest.is_empty() && all_digits(process) && all_digits(serial)).then(|| process.parse().ok())?
}

/// A file under construction; see the module's text.
#[derive(Debug)]
pub struct AtomicFile {
    file: Option<File>,
    /// `None` when writing straight to a device or a pipe, which cannot be replaced by a rename.
    temporary: Option<PathBuf>,
    destination: PathBuf,
    overwrite: bool,
}

impl AtomicFile {
    /// Opens a temporary file that [`commit`](Self::commit) turns into `destination`.
    ///
    /// A destination that is a device or a named pipe is written directly. A symbolic link is
    /// followed, so that the link survives.
    ///
    /// # Errors
    /// [`MediaError::Exists`] if it exists and `overwrite` is false; [`MediaError::File`].
    pub fn create(destination: &Path, overwrite: bool) -> Result<Self, MediaError> {
        let wrap =
            |source| MediaError::File { action: "cannot create", path: destination.to_path_buf(), source };
        let mut target = destination.to_path_buf();
        if let Ok(found) = fs::metadata(destination) {
            if found.is_dir() {
                return Err(wrap(io::Error::from(io::ErrorKind::IsADirectory)));
            }
            if !found.is_file() {
                let file = OpenOptions::new().write(true).open(destination).map_err(wrap)?;
                return Ok(Self { file: Some(file), temporary: None, destination: target, overwrite });
            }
            if !overwrite {
                return Err(MediaError::Exists(target));
            }
            target = fs::canonicalize(destination).map_err(wrap)?;
        }
        let name = target
            .file_name()
            .ok_or_else(|| wrap(io::Error::from(io::ErrorKind::InvalidInput)))?
            .to_string_lossy()
            .into_owned();
        let mut cut = name.len().min(REPEATED_NAME_BYTES);
        while !name.is_char_boundary(cut) {
            cut -= 1;
        }
        loop {
            let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
            let temporary =
                target.with_file_name(format!(".{}.{}-{serial}.partial", &name[..cut], std::process::id()));
            // Registered before it exists: an interrupt in between finds nothing to remove.
            let mut set = pending();
            match OpenOptions::new().read(true).write(true).create_new(true).open(&temporary) {
                Ok(file) => {
                    set.insert(temporary.clone());
                    if let Ok(replaced) = fs::metadata(&target) {
                        // What is replaced stays readable by the same people; a file system without permissions
                        // has none to keep.
                        let _ = file.set_permissions(replaced.permissions());
                    }
                    return Ok(Self {
                        file: Some(file),
                        temporary: Some(temporary),
                        destination: target,
                        overwrite,
                    });
                }
                // Left behind by a process that had the same number.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(wrap(error)),
            }
        }
    }

    /// Where the file will appear.
    #[must_use]
    pub fn destination(&self) -> &Path {
        &self.destination
    }

    /// Whether the written bytes can be revisited (false for a device or a pipe).
    #[must_use]
    pub fn is_seekable(&self) -> bool {
        self.temporary.is_some()
    }

    /// Makes the file appear under its name, safe against a crash right afterwards.
    ///
    /// # Errors
    /// [`MediaError::Exists`] if it came into being meanwhile and must not be overwritten;
    /// [`MediaError::File`]. The temporary is removed in both cases.
    pub fn commit(mut self) -> Result<(), MediaError> {
        let destination = self.destination.clone();
        let wrap = |source| MediaError::File { action: "cannot finish", path: destination.clone(), source };
        let file = self.file.take().ok_or_else(|| wrap(io::ErrorKind::NotConnected.into()))?;
        let Some(temporary) = self.temporary.clone() else {
            return Ok(()); // a device: nothing to rename, and often nothing to flush
        };
        file.sync_all().map_err(wrap)?;
        drop(file);
        // Under the lock, so that an interrupt either removes the temporary or finds it renamed.
        let mut set = pending();
        if self.overwrite {
            fs::rename(&temporary, &self.destination).map_err(wrap)?;
        } else {
            rename_without_overwriting(&temporary, &self.destination)?;
        }
        set.remove(&temporary);
        self.temporary = None;
        drop(set);
        sync_directory(&self.destination).map_err(wrap)?;
        // A success is a promise: whoever reads the file next must find it.
        fs::metadata(&self.destination).map(|_| ()).map_err(wrap)
    }

    fn inner(&mut self) -> io::Result<&mut File> {
        self.file.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

/// A hard link fails if its name is taken, which a rename does not; file systems without links
/// (FAT) get the check followed by the rename.
fn rename_without_overwriting(temporary: &Path, destination: &Path) -> Result<(), MediaError> {
    let wrap = |source| MediaError::File { action: "cannot finish", path: destination.to_path_buf(), source };
    match fs::hard_link(temporary, destination) {
        Ok(()) => fs::remove_file(temporary).map_err(wrap),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(MediaError::Exists(destination.to_path_buf()))
        }
        Err(_) if destination.exists() => Err(MediaError::Exists(destination.to_path_buf())),
        Err(_) => fs::rename(temporary, destination).map_err(wrap),
    }
}

/// Makes the rename itself durable; only POSIX systems can open a directory for this.
#[cfg(unix)]
fn sync_directory(file: &Path) -> io::Result<()> {
    let parent = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(parent)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_file: &Path) -> io::Result<()> {
    Ok(())
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        self.file = None;
        if let Some(temporary) = self.temporary.take() {
            let mut set = pending();
            // Nothing can be done about a failure here, and the caller is already failing.
            let _ = fs::remove_file(&temporary);
            set.remove(&temporary);
        }
    }
}

impl Read for AtomicFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner()?.read(buffer)
    }
}

impl Write for AtomicFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.inner()?.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner()?.flush()
    }
}

impl Seek for AtomicFile {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.inner()?.seek(position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_files_of_killed_processes_are_removed_and_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        // Linux gives no process a number above 2^22.
        let gone = ".a.mlsm.4294967290-0.partial";
        let own = format!(".b.mlsm.{}-7.partial", std::process::id());
        let names = [gone, own.as_str(), ".c.mlsm.4294967291-0.partial", ".notes.partial", "d.1-2.partial"];
        for name in names {
            let file = File::create(folder.path().join(name)).unwrap();
            let age = if name.starts_with(".c.") { 0 } else { 2 * 24 * 60 * 60 };
            file.set_modified(std::time::SystemTime::now() - Duration::from_secs(age)).unwrap();
        }
        assert_eq!(remove_stale_files(folder.path()), 1);
        for name in names {
            assert_eq!(folder.path().join(name).exists(), name != gone, "{name}");
        }
    }
}
