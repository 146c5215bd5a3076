//! A look ahead into a stream of bytes, for parsers that search for the start of the next frame.

use std::io::{self, Read};

use super::bytes::Bytes;

/// Bytes read from the source at once.
const STEP_BYTES: usize = 1 << 16;

/// The bytes that come next, as far as they were asked for.
pub struct Window {
    source: Bytes,
    buffer: Vec<u8>,
    start: usize,
    ended: bool,
    position: u64,
}

impl Window {
    /// Looks into `source` from where it stands.
    pub fn new(source: Bytes) -> Self {
        Self { source, buffer: Vec::new(), start: 0, ended: false, position: 0 }
    }

    /// What comes next: `count` bytes or more, fewer only at the end of the input.
    pub fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        while self.buffer.len() - self.start < count && !self.ended {
            self.buffer.drain(..self.start);
            self.start = 0;
            let missing = count - self.buffer.len();
            let read =
                (&mut self.source).take(missing.max(STEP_BYTES) as u64).read_to_end(&mut self.buffer)?;
            self.ended = read == 0;
        }
        Ok(&self.buffer[self.start..])
    }

    /// What was seen and not gone over.
    pub fn seen(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Goes over `count` bytes that were seen.
    pub fn consume(&mut self, count: usize) {
        let count = count.min(self.buffer.len() - self.start);
        self.start += count;
        self.position += count as u64;
    }

    /// Goes over `count` bytes, seen or not; how many there were.
    pub fn skip(&mut self, count: u64) -> io::Result<u64> {
        let mut left = count;
        while left > 0 {
            let step = usize::try_from(left).unwrap_or(usize::MAX).min(STEP_BYTES);
            let seen = self.peek(step)?.len().min(step);
            if seen == 0 {
                break;
            }
            self.consume(seen);
            left -= seen as u64;
        }
        Ok(count - left)
    }

    /// Takes exactly `count` bytes; `None` if the input ends before.
    pub fn take(&mut self, count: usize) -> io::Result<Option<Vec<u8>>> {
        let taken = self.peek(count)?.get(..count).map(<[u8]>::to_vec);
        if taken.is_some() {
            self.consume(count);
        }
        Ok(taken)
    }

    /// Bytes gone over since the window was made.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The source, for a second look from its start.
    pub fn source(&self) -> &Bytes {
        &self.source
    }
}
