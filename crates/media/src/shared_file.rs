//! One open file read by many: each reader has a place of its own, which the others do not move.
//!
//! The operating system keeps one place for an open file, which threads and forked processes share. Here every read says
//! where it begins.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
    sync::Arc,
};

use crate::MediaError;

/// A file and a place in it. Clones share the file, not the place.
#[derive(Clone, Debug)]
pub struct SharedFile {
    file: Arc<File>,
    position: u64,
    bytes: u64,
}

impl SharedFile {
    /// Opens a file at its beginning.
    ///
    /// # Errors
    /// [`MediaError::File`] if it cannot be opened or is a folder.
    pub fn open(path: &Path) -> Result<Self, MediaError> {
        let wrap = |source| MediaError::File { action: "cannot open", path: path.to_path_buf(), source };
        let file = File::open(path).map_err(wrap)?;
        let about = file.metadata().map_err(wrap)?;
        if about.is_dir() {
            return Err(wrap(io::Error::from(io::ErrorKind::IsADirectory)));
        }
        Ok(Self { file: Arc::new(file), position: 0, bytes: about.len() })
    }

    /// The same file at its beginning.
    #[must_use]
    pub fn from_start(&self) -> Self {
        Self { position: 0, ..self.clone() }
    }

    /// Size when it was opened, in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.bytes
    }
}

impl Read for SharedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        #[cfg(unix)]
        let read = std::os::unix::fs::FileExt::read_at(&*self.file, buffer, self.position)?;
        #[cfg(windows)]
        let read = std::os::windows::fs::FileExt::seek_read(&*self.file, buffer, self.position)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for SharedFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let wanted = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.bytes.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = wanted.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_do_not_move_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("digits");
        std::fs::write(&path, b"0123456789").unwrap();
        let mut first = SharedFile::open(&path).unwrap();
        let mut two = [0; 2];
        first.read_exact(&mut two).unwrap();
        let mut second = first.from_start();
        assert_eq!((first.size_bytes(), second.seek(SeekFrom::End(-3)).unwrap()), (10, 7));
        first.read_exact(&mut two).unwrap();
        assert_eq!(&two, b"23");
        second.seek(SeekFrom::Current(1)).unwrap();
        second.read_exact(&mut two).unwrap();
        assert_eq!(&two, b"89");
        assert!(second.seek(SeekFrom::Current(-11)).is_err());
        assert!(matches!(SharedFile::open(folder.path()), Err(MediaError::File { .. })));
    }
}
