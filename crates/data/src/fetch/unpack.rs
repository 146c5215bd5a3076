//! A ZIP archive to files, trusting nothing in it: no path leaves the folder, nothing is a link, nothing grows beyond
//! what the archive's own directory announces, and that is bounded.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use melisma_media::AtomicFile;
use zip::ZipArchive;
use zip::result::ZipError;

use crate::{DataError, disk_space};

/// What is unpacked at the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnpackLimits {
    /// Files and folders.
    pub entries: usize,
    /// Bytes of all files.
    pub total_bytes: u64,
}

impl Default for UnpackLimits {
    /// A million entries, 2 TiB: above FMA's largest part.
    fn default() -> Self {
        Self { entries: 1_000_000, total_bytes: 2 << 40 }
    }
}

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unpacked {
    /// Files written.
    pub written: usize,
    /// Files that were there already, of the right length.
    pub skipped: usize,
    /// Bytes written.
    pub bytes: u64,
}

/// One file of the archive.
struct Item {
    index: usize,
    name: String,
    target: PathBuf,
    bytes: u64,
}

/// Unpacks `archive` into `folder`. Files appear complete or not at all; those that are there with the right length are
/// skipped, so that an interrupted run goes on. `watch` hears of bytes done and bytes in all.
///
/// # Errors
/// [`DataError::Archive`] before anything is written, for an archive that is damaged or does what it must not; or while
/// writing, for a file whose content does not match its checksum. [`DataError::Space`], [`DataError::File`],
/// [`DataError::Media`].
pub fn unpack(
    archive: &Path,
    folder: &Path,
    limits: &UnpackLimits,
    watch: &mut dyn FnMut(u64, u64),
) -> Result<Unpacked, DataError> {
    let broken = |what: String| DataError::Archive { path: archive.to_path_buf(), what };
    let file = File::open(archive).map_err(DataError::file("cannot open", archive))?;
    let mut zip = ZipArchive::new(std::io::BufReader::new(file)).map_err(|error| broken(told(&error)))?;
    if zip.len() > limits.entries {
        return Err(broken(format!("{} entries, at most {} are unpacked", zip.len(), limits.entries)));
    }
    let (items, total_bytes) = survey(&mut zip, folder, limits).map_err(broken)?;
    let (there, missing): (Vec<Item>, Vec<Item>) =
        items.into_iter().partition(|item| item.target.metadata().is_ok_and(|data| data.len() == item.bytes));
    disk_space::check(folder, missing.iter().map(|item| item.bytes).sum())?;
    let mut done = Unpacked { skipped: there.len(), ..Unpacked::default() };
    let mut done_bytes: u64 = there.iter().map(|item| item.bytes).sum();
    watch(done_bytes, total_bytes);
    for item in missing {
        let parent = item.target.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent).map_err(DataError::file("cannot make the folder", parent))?;
        let mut entry = zip.by_index(item.index).map_err(|error| broken(told(&error)))?;
        let name = &item.name;
        let mut file = AtomicFile::create(&item.target, true)?;
        let mut buffer = vec![0; 1 << 16];
        let mut written = 0;
        loop {
            let count = entry.read(&mut buffer).map_err(|error| broken(format!("{name}: {error}")))?;
            if count == 0 {
                break;
            }
            written += count as u64;
            if written > item.bytes {
                return Err(broken(format!(
                    "{name} is longer than the {} bytes that it announces",
                    item.bytes
                )));
            }
            file.write_all(&buffer[..count]).map_err(DataError::file("cannot write", &item.target))?;
            watch(done_bytes + written, total_bytes);
        }
        if written < item.bytes {
            return Err(broken(format!("{name} ends after {written} of {} bytes", item.bytes)));
        }
        file.commit()?;
        done_bytes += written;
        done.written += 1;
        done.bytes += written;
    }
    Ok(done)
}

/// Looks at all names and lengths before the first byte is written.
fn survey(
    zip: &mut ZipArchive<impl Read + std::io::Seek>,
    folder: &Path,
    limits: &UnpackLimits,
) -> Result<(Vec<Item>, u64), String> {
    let mut items = Vec::new();
    let mut total_bytes = 0u64;
    for index in 0..zip.len() {
        let entry = zip.by_index_raw(index).map_err(|error| told(&error))?;
        let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
        let inside = entry
            .enclosed_name()
            .ok_or_else(|| format!("{name:?} would be written outside of the folder"))?;
        if entry.is_symlink() {
            return Err(format!("{name:?} is a link, and links are not unpacked"));
        }
        if entry.encrypted() {
            return Err(format!("{name:?} is encrypted"));
        }
        if entry.is_dir() {
            continue;
        }
        total_bytes = total_bytes.saturating_add(entry.size());
        if total_bytes > limits.total_bytes {
            return Err(format!("unpacks to more than {} bytes", limits.total_bytes));
        }
        items.push(Item { index, name, target: folder.join(inside), bytes: entry.size() });
    }
    Ok((items, total_bytes))
}

fn told(error: &ZipError) -> String {
    format!("not a usable ZIP archive: {error}")
}
