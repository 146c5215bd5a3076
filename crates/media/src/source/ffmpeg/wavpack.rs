//! WavPack files without their damaged blocks.
//!
//! `ffmpeg` decodes WavPack, and gives up at the first bytes that are no block. Each block says where in the music it
//! belongs, so without those bytes it goes on, and the time that is missing is known.
//!
//! Source: WavPack 4 & 5 Binary File / Block Format, section 2 (block header).

use std::io::Write;

use crate::MediaError;
use crate::source::bytes::Bytes;
use crate::source::trailing_tags;
use crate::source::window::Window;

/// Start of a block.
pub const MAGIC: &[u8] = b"wvpk";
/// Bytes of a block's header; its size counts what follows the first 8.
const HEADER_BYTES: usize = 32;
/// The largest block that is believed.
const MAX_BLOCK_BYTES: usize = 16 << 20;
/// How far the next block is looked for at once.
const SEARCH_BYTES: usize = 1 << 16;

/// The length of the block whose header starts `bytes`.
fn block_bytes(bytes: &[u8]) -> Option<usize> {
    let header = bytes.get(..HEADER_BYTES)?;
    let version = u16::from_le_bytes([header[8], header[9]]);
    let length = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize + 8;
    let is_block = header.starts_with(MAGIC) && (0x402..=0x410).contains(&version);
    (is_block && (HEADER_BYTES..=MAX_BLOCK_BYTES).contains(&length)).then_some(length)
}

/// A temporary file of the whole blocks; `None` if there are no others. `file` is a file.
pub fn without_damage(file: &Bytes) -> Result<Option<Bytes>, MediaError> {
    let Some(again) = file.rewound()? else { return Ok(None) };
    let mut window = Window::new(again);
    let mut kept = tempfile::NamedTempFile::new()?;
    let mut is_damaged = false;
    loop {
        let length = block_bytes(window.peek(HEADER_BYTES)?).unwrap_or(usize::MAX / 2);
        let wanted = length.min(MAX_BLOCK_BYTES) + HEADER_BYTES;
        let seen = window.peek(wanted)?;
        if let Some((block, rest)) = seen.split_at_checked(length)
            && (rest.is_empty() || rest.starts_with(MAGIC) || trailing_tags::starts_tag(rest))
        {
            kept.write_all(block)?;
            window.consume(length);
            continue;
        }
        window.consume(1);
        if !find_block(&mut window)? {
            // What is left stands behind the music, or is a block that is cut off.
            break;
        }
        is_damaged = true;
    }
    if !is_damaged {
        return Ok(None);
    }
    Bytes::temporary(kept.into_temp_path()).map(Some)
}

/// Goes on to the next header of a block; whether there is one.
fn find_block(window: &mut Window) -> std::io::Result<bool> {
    loop {
        let length = window.peek(SEARCH_BYTES)?.len();
        let seen = window.seen();
        if let Some(at) = (0..length).find(|at| block_bytes(&seen[*at..]).is_some()) {
            window.consume(at);
            return Ok(true);
        }
        if length < SEARCH_BYTES {
            return Ok(false);
        }
        window.consume(length - HEADER_BYTES);
    }
}
