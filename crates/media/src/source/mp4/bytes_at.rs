//! Bytes at a place that an index names.

use std::io::{self, Read, Seek, SeekFrom};

use crate::source::bytes::Bytes;

/// An input and where it stands.
pub struct BytesAt {
    source: Bytes,
    /// Read already, and to be given again.
    pending: Vec<u8>,
    position: u64,
}

impl BytesAt {
    /// Counts from where `source` stands.
    pub fn new(source: Bytes) -> Self {
        Self { source, pending: Vec::new(), position: 0 }
    }

    /// Where the next byte comes from.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// How many bytes there are; unknown for a pipe.
    pub fn length(&self) -> Option<u64> {
        self.source.length_bytes()
    }

    /// Goes to a place, or as near as can be: a pipe does not go back, and the input may end before. Whether it
    /// was reached.
    pub fn go_to(&mut self, offset: u64) -> io::Result<bool> {
        let target = self.length().map_or(offset, |length| length.min(offset));
        let Some(ahead) = target.checked_sub(self.position) else {
            if self.length().is_none() {
                return Ok(false);
            }
            let back = (self.position - target).saturating_add(self.pending.len() as u64);
            self.source.seek(SeekFrom::Current(-(back as i64)))?;
            self.pending.clear();
            self.position = target;
            return Ok(target == offset);
        };
        let pending = self.pending.len().min(usize::try_from(ahead).unwrap_or(usize::MAX));
        self.pending.drain(..pending);
        let ahead = ahead - pending as u64;
        let gone = if self.length().is_some() {
            self.source.skip(ahead)?;
            ahead
        } else {
            io::copy(&mut (&mut self.source).take(ahead), &mut io::sink())?
        };
        self.position += pending as u64 + gone;
        Ok(self.position == offset)
    }

    /// The next bytes, fewer only at the end of the input.
    pub fn read(&mut self, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes: Vec<u8> = self.pending.drain(..count.min(self.pending.len())).collect();
        let missing = (count - bytes.len()) as u64;
        (&mut self.source).take(missing).read_to_end(&mut bytes)?;
        self.position += bytes.len() as u64;
        Ok(bytes)
    }

    /// Gives bytes that were read last once more.
    pub fn put_back(&mut self, bytes: &[u8]) {
        self.position -= bytes.len() as u64;
        self.pending.splice(..0, bytes.iter().copied());
    }
}
