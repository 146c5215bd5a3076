//! Reading and writing plain fields: LEB128 integers, fixed little-endian ones, byte strings.

use crate::FormatError;

/// Appends an unsigned LEB128 integer.
pub fn write_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A cursor over untrusted bytes. Every read names its field, so that an error can say what is missing.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
    /// Where `bytes` begins in its file, for messages.
    base: u64,
}

impl<'a> Reader<'a> {
    /// Reads `bytes`, which lie at `base` in their file.
    #[must_use]
    pub fn new(bytes: &'a [u8], base: u64) -> Self {
        Self { bytes, position: 0, base }
    }

    /// Bytes consumed so far.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }

    /// Bytes left.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.position
    }

    /// Takes the next `count` bytes.
    ///
    /// # Errors
    /// [`FormatError::Truncated`] if fewer are left.
    pub fn take(&mut self, count: usize, field: &'static str) -> Result<&'a [u8], FormatError> {
        if count > self.remaining() {
            return Err(FormatError::Truncated { offset: self.base + self.bytes.len() as u64, field });
        }
        let taken = &self.bytes[self.position..self.position + count];
        self.position += count;
        Ok(taken)
    }

    /// Takes all bytes that are left.
    pub fn rest(&mut self) -> &'a [u8] {
        let rest = &self.bytes[self.position..];
        self.position = self.bytes.len();
        rest
    }

    /// Takes one byte.
    ///
    /// # Errors
    /// [`FormatError::Truncated`] at the end.
    pub fn u8(&mut self, field: &'static str) -> Result<u8, FormatError> {
        Ok(self.take(1, field)?[0])
    }

    /// Takes two bytes as a little-endian integer.
    ///
    /// # Errors
    /// [`FormatError::Truncated`] at the end.
    pub fn u16(&mut self, field: &'static str) -> Result<u16, FormatError> {
        let bytes = self.take(2, field)?;
        Ok(u16::from_le_bytes([bytes[0], bytes[1]]))
    }

    /// Takes four bytes as a little-endian integer.
    ///
    /// # Errors
    /// [`FormatError::Truncated`] at the end.
    pub fn u32(&mut self, field: &'static str) -> Result<u32, FormatError> {
        let bytes = self.take(4, field)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// Takes an unsigned LEB128 integer of at most 63 bits.
    ///
    /// # Errors
    /// [`FormatError::Truncated`] at the end, [`FormatError::Value`] beyond 63 bits.
    pub fn varint(&mut self, field: &'static str) -> Result<u64, FormatError> {
        let mut value = 0u64;
        for shift in (0..63).step_by(7) {
            let byte = self.u8(field)?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(FormatError::Value { field, value: u64::MAX, allowed: "below 2^63" })
    }

    /// Takes an unsigned LEB128 integer that must not exceed `limit`.
    ///
    /// # Errors
    /// As [`varint`](Self::varint), and [`FormatError::Value`] beyond the limit.
    pub fn size(
        &mut self,
        field: &'static str,
        limit: usize,
        allowed: &'static str,
    ) -> Result<usize, FormatError> {
        let value = self.varint(field)?;
        if value > limit as u64 {
            return Err(FormatError::Value { field, value, allowed });
        }
        Ok(value as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_round_trip_and_refuse_nonsense() {
        for value in [0u64, 1, 127, 128, 300, 1 << 32, (1 << 63) - 1] {
            let mut out = Vec::new();
            write_varint(&mut out, value);
            let mut reader = Reader::new(&out, 0);
            assert_eq!(reader.varint("v"), Ok(value));
            assert_eq!(reader.remaining(), 0);
            assert!(Reader::new(&out[..out.len() - 1], 5).varint("v").is_err());
        }
        assert!(Reader::new(&[0xFF; 12], 0).varint("v").is_err());
    }
}
