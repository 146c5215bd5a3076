//! TTA files with a right table of their frames.
//!
//! `ffmpeg` refuses a file whose table is damaged, and finds frames by nothing else. Each frame ends with its checksum,
//! though, so that its length can be found without the table.
//!
//! Source: True Audio, "TTA1 format description" (header, seek table, frames, each with a CRC-32).

use std::io::Write;

use flate2::Crc;

use super::wavpack::Scan;
use crate::MediaError;
use crate::source::bytes::Bytes;
use crate::source::window::Window;

/// Start of a file.
pub const MAGIC: &[u8] = b"TTA1";
/// The header with its checksum.
const HEADER_BYTES: usize = 22;
/// The largest table that is read: some hundred hours.
const MAX_FRAMES: u64 = 1 << 20;
/// No frame needs more than so many times what its samples do.
const LARGEST_SHARE: u64 = 2;

/// What the header says.
struct Header {
    sample_bytes: u64,
    frame_samples: u64,
    total_samples: u64,
}

impl Header {
    fn parse(head: &[u8]) -> Option<Self> {
        let short = |at: usize| head.get(at..)?.first_chunk().copied().map(u16::from_le_bytes).map(u64::from);
        let long = |at: usize| head.get(at..)?.first_chunk().copied().map(u32::from_le_bytes).map(u64::from);
        let (channels, bits, rate, total_samples) = (short(6)?, short(8)?, long(10)?, long(14)?);
        let frame_samples = rate * 256 / 245;
        (head.starts_with(MAGIC) && frame_samples > 0 && channels > 0).then_some(Self {
            sample_bytes: channels * bits.div_ceil(8),
            frame_samples,
            total_samples,
        })
    }

    fn frames(&self) -> u64 {
        self.total_samples.div_ceil(self.frame_samples)
    }
}

/// Looks at the table of `file`, which is a file of TTA.
pub fn scan(file: &Bytes) -> Result<Scan, MediaError> {
    let mut window = Window::new(file.again(0)?);
    // What was seen may be more than was asked for.
    let head = window.peek(HEADER_BYTES)?.iter().copied().take(HEADER_BYTES).collect::<Vec<u8>>();
    let Some(header) = Header::parse(&head).filter(|header| header.frames() <= MAX_FRAMES) else {
        return Ok(Scan::default());
    };
    window.consume(HEADER_BYTES.min(head.len()));
    let table_bytes = header.frames() as usize * 4;
    let table: Vec<u8> = window.peek(table_bytes + 4)?.iter().copied().take(table_bytes + 4).collect();
    let (Some(entries), Some(sum)) = (table.get(..table_bytes), table.get(table_bytes..table_bytes + 4))
    else {
        return Ok(Scan::default());
    };
    if crc32(entries).to_le_bytes() == sum {
        return Ok(Scan { end_samples: reached(file, &header, entries)?, ..Scan::default() });
    }
    window.consume(table.len());
    let most = (LARGEST_SHARE * header.sample_bytes * header.frame_samples + 64) as usize;
    let mut right = Vec::with_capacity(entries.len());
    for entry in entries.as_chunks::<4>().0 {
        let stated = u32::from_le_bytes(*entry) as usize;
        let seen = window.peek(most)?;
        let is_frame = |bytes: usize| seen.get(..bytes).is_some_and(ends_with_checksum);
        let bytes = if is_frame(stated) { Some(stated) } else { frame_bytes(seen) };
        // A damaged frame is as long as its entry says, if that can be.
        let bytes = bytes.unwrap_or(stated).min(seen.len());
        right.extend((bytes as u32).to_le_bytes());
        window.consume(bytes);
    }
    let end_samples = reached(file, &header, &right)?;
    let mut mended = tempfile::NamedTempFile::new()?;
    let sum = crc32(&right).to_le_bytes();
    mended.write_all(&[&head[..], &right, &sum].concat())?;
    std::io::copy(&mut file.again((HEADER_BYTES + table.len()) as u64)?, &mut mended)?;
    let file = Some(Bytes::temporary(mended.into_temp_path())?);
    Ok(Scan { file, end_samples, ..Scan::default() })
}

/// Samples of the frames that are there in full.
fn reached(file: &Bytes, header: &Header, table: &[u8]) -> Result<Option<u64>, MediaError> {
    let sizes = table.as_chunks::<4>().0.iter().map(|size| u64::from(u32::from_le_bytes(*size)));
    let mut left = file.length_bytes().unwrap_or(0).saturating_sub((HEADER_BYTES + table.len() + 4) as u64);
    let whole = sizes.take_while(|size| {
        let is_there = *size <= left;
        left = left.saturating_sub(*size);
        is_there
    });
    let samples = (whole.count() as u64).saturating_mul(header.frame_samples);
    Ok(Some(samples.min(header.total_samples)))
}

/// The length of the frame at the start of `seen`, by its checksum.
fn frame_bytes(seen: &[u8]) -> Option<usize> {
    let mut crc = Crc::new();
    seen.iter().enumerate().find_map(|(at, byte)| {
        let is_end = at > 0 && seen.get(at..at + 4) == Some(&crc.sum().to_le_bytes());
        crc.update(&[*byte]);
        is_end.then_some(at + 4)
    })
}

fn ends_with_checksum(frame: &[u8]) -> bool {
    frame
        .split_last_chunk::<4>()
        .is_some_and(|(body, sum)| !body.is_empty() && crc32(body).to_le_bytes() == *sum)
}

/// CRC-32 as of Ethernet.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn a_damaged_table_is_made_anew() {
        let (first, second) = ([7u8; 300], [9u8; 200]);
        let framed = |body: &[u8]| [body, &crc32(body).to_le_bytes()].concat();
        let frames = [framed(&first), framed(&second)].concat();
        let header = [MAGIC, &[1, 0, 1, 0, 16, 0, 245, 0, 0, 0, 44, 1, 0, 0, 0, 0, 0, 0]].concat();
        let table: Vec<u8> = [304u32, 204].iter().flat_map(|size| size.to_le_bytes()).collect();
        let sum = crc32(&table).to_le_bytes();
        let whole = [&header[..], &table, &sum, &frames].concat();
        for (at, is_mended) in [(usize::MAX, false), (22, true), (26, true), (30, true)] {
            let mut bytes = whole.clone();
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 0x10;
            }
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(&bytes).unwrap();
            let found = scan(&Bytes::open(file.path()).unwrap()).unwrap();
            assert_eq!((found.file.is_some(), found.end_samples), (is_mended, Some(300)), "{at}");
            if let Some(mut file) = found.file {
                let mut mended = Vec::new();
                file.read_to_end(&mut mended).unwrap();
                assert!(mended == whole, "{at}");
            }
        }
    }
}
