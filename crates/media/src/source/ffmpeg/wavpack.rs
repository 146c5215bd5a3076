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
/// Of a block's flags: the first one of its frame.
const IS_FIRST_OF_FRAME: u32 = 1 << 11;
/// Of a block's flags: bits instead of samples.
const IS_DSD: u32 = 1 << 31;
/// Fewer bytes than that at the end are no block.
const MIN_LOST_BYTES: usize = 64;
/// The largest block that is believed.
const MAX_BLOCK_BYTES: usize = 16 << 20;
/// How far the next block is looked for at once.
const SEARCH_BYTES: usize = 1 << 16;

/// The length of the block whose header starts `bytes`.
pub fn block_bytes(bytes: &[u8]) -> Option<usize> {
    let header = bytes.get(..HEADER_BYTES)?;
    let version = u16::from_le_bytes([header[8], header[9]]);
    let length = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize + 8;
    let is_block = header.starts_with(MAGIC) && (0x402..=0x410).contains(&version);
    (is_block && (HEADER_BYTES..=MAX_BLOCK_BYTES).contains(&length)).then_some(length)
}

/// What the blocks of a file say.
#[derive(Default)]
pub struct Scan {
    /// The good ones, in order, if there are others.
    pub file: Option<Bytes>,
    /// Samples that are missing before the first of them.
    pub lead_samples: u64,
    /// Where the music ends, if bytes are there for all of it: silence stands in for a last block that is damaged.
    pub end_samples: Option<u64>,
    /// Blocks that were left out, since their time was taken already.
    pub left_out: u64,
}

/// Where blocks belong.
#[derive(Default)]
struct Order {
    /// Where the next frame begins; none before the first.
    due: Option<u64>,
    lead_samples: u64,
    is_damaged: bool,
    /// Whether the present frame, of one block for each pair of channels, comes too late.
    is_late: bool,
    left_out: u64,
    /// Samples of the whole file, if the first block says so, and of the longest frame.
    total: Option<u64>,
    longest: u64,
    /// Whether samples are bits (DSD), eight of which are counted as one.
    is_dsd: bool,
}

impl Order {
    /// Whether a block is to be kept: one that comes again or too late is not.
    fn takes(&mut self, header: &[u8]) -> bool {
        let long = |at: usize| header[at..].first_chunk().copied().map_or(0, u32::from_le_bytes);
        let (index, samples, flags) = (u64::from(long(16)), u64::from(long(20)), long(24));
        if samples > 0 && flags & IS_FIRST_OF_FRAME != 0 {
            if self.due.is_none() {
                self.total = Some(long(12)).filter(|total| *total != u32::MAX).map(u64::from);
                self.is_dsd = flags & IS_DSD != 0;
            }
            self.longest = self.longest.max(samples);
            let due = *self.due.get_or_insert_with(|| {
                self.lead_samples = index;
                self.is_damaged |= index > 0;
                index
            });
            self.is_late = index < due;
            self.is_damaged |= index != due;
            self.left_out += u64::from(self.is_late);
            self.due = Some(due.max(index + samples));
        }
        samples == 0 || !self.is_late
    }
}

/// Looks at all blocks of `file`, which is a file of WavPack.
pub fn scan(file: &Bytes) -> Result<Scan, MediaError> {
    let Some(again) = file.rewound()? else { return Ok(Scan::default()) };
    let mut window = Window::new(again);
    let mut kept = tempfile::NamedTempFile::new()?;
    let mut order = Order::default();
    let is_tail_lost = loop {
        let length = block_bytes(window.peek(HEADER_BYTES)?).unwrap_or(usize::MAX / 2);
        let wanted = length.min(MAX_BLOCK_BYTES) + HEADER_BYTES;
        let seen = window.peek(wanted)?;
        if let Some((block, rest)) = seen.split_at_checked(length)
            && (rest.is_empty() || rest.starts_with(MAGIC) || trailing_tags::starts_tag(rest))
        {
            if order.takes(block) {
                kept.write_all(block)?;
            }
            window.consume(length);
            continue;
        }
        // Of tags, each end with its own letters: what is left stands behind the music, or is a last block.
        let is_lost = seen.len() > MIN_LOST_BYTES && !trailing_tags::starts_tag(seen);
        window.consume(1);
        if !find_block(&mut window)? {
            break is_lost;
        }
        order.is_damaged = true;
    };
    let reached = order.due.filter(|_| !order.is_dsd);
    let is_near = |(total, reached): &(u64, u64)| total.saturating_sub(*reached) <= 2 * order.longest;
    let end_samples = match order.total.zip(reached).filter(is_near) {
        Some((total, reached)) if is_tail_lost => Some(total.max(reached)),
        _ => reached,
    };
    let file = if order.is_damaged { Some(Bytes::temporary(kept.into_temp_path())?) } else { None };
    Ok(Scan { file, lead_samples: order.lead_samples, end_samples, left_out: order.left_out })
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
