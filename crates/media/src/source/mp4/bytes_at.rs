//! Bytes at a place that an index names.

use std::io::{self, Read, Seek, SeekFrom};

use crate::source::bytes::Bytes;

/// How far a pipe can go back.
const KEPT_BYTES: usize = 64 << 10;

/// An input and where it stands.
pub struct BytesAt {
    source: Bytes,
    /// Read already, and to be given again.
    pending: Vec<u8>,
    position: u64,
    /// Of a pipe, what was given last.
    recent: Vec<u8>,
}

impl BytesAt {
    /// Counts from where `source` stands.
    pub fn new(source: Bytes) -> Self {
        Self { source, pending: Vec::new(), position: 0, recent: Vec::new() }
    }

    /// Where the next byte comes from.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// How many bytes there are; unknown for a pipe.
    pub fn length(&self) -> Option<u64> {
        self.source.length_bytes()
    }

    /// Goes to a place, or as near as can be: a pipe goes back a little, and the input may end before. Whether it was
    /// reached.
    pub fn go_to(&mut self, offset: u64) -> io::Result<bool> {
        let target = self.length().map_or(offset, |length| length.min(offset));
        let Some(ahead) = target.checked_sub(self.position) else {
            let back = self.position - target;
            if self.length().is_none() {
                let at = usize::try_from(back).ok().and_then(|back| self.recent.len().checked_sub(back));
                let Some(at) = at else { return Ok(false) };
                let again = self.recent.split_off(at);
                self.pending.splice(..0, again);
                self.position = target;
                return Ok(true);
            }
            let back = back.saturating_add(self.pending.len() as u64);
            self.source.seek(SeekFrom::Current(-(back as i64)))?;
            self.pending.clear();
            self.position = target;
            return Ok(target == offset);
        };
        if self.length().is_none() {
            let mut left = ahead;
            while left > 0 {
                let gone = self.read(left.min(KEPT_BYTES as u64) as usize)?.len() as u64;
                if gone == 0 {
                    break;
                }
                left -= gone;
            }
            return Ok(self.position == offset);
        }
        let pending = self.pending.len().min(usize::try_from(ahead).unwrap_or(usize::MAX));
        self.pending.drain(..pending);
        let ahead = ahead - pending as u64;
        self.source.skip(ahead)?;
        self.position += pending as u64 + ahead;
        Ok(self.position == offset)
    }

    /// The next bytes, fewer only at the end of the input.
    pub fn read(&mut self, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes: Vec<u8> = self.pending.drain(..count.min(self.pending.len())).collect();
        let missing = (count - bytes.len()) as u64;
        (&mut self.source).take(missing).read_to_end(&mut bytes)?;
        self.position += bytes.len() as u64;
        if self.length().is_none() {
            self.recent.extend_from_slice(&bytes);
            // Now and then, lest each read moves all of it.
            if self.recent.len() >= 2 * KEPT_BYTES {
                self.recent.drain(..self.recent.len() - KEPT_BYTES);
            }
        }
        Ok(bytes)
    }

    /// Gives bytes that were read last once more.
    pub fn put_back(&mut self, bytes: &[u8]) {
        self.position -= bytes.len() as u64;
        self.recent.truncate(self.recent.len().saturating_sub(bytes.len()));
        self.pending.splice(..0, bytes.iter().copied());
    }

    /// Up to so many bytes before and behind where it stands, and where the first of them lies. It stays there.
    pub fn around(&mut self, before: usize, behind: usize) -> io::Result<(u64, Vec<u8>)> {
        let position = self.position;
        let back = if self.length().is_some() { position } else { self.recent.len() as u64 };
        let start = position - back.min(before as u64);
        self.go_to(start)?;
        let seen = self.read((position - start) as usize + behind)?;
        self.put_back(&seen);
        self.go_to(position)?;
        Ok((start, seen))
    }
}
