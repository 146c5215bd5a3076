//! The codec for WebAssembly.
//!
//! | question | names |
//! |---|---|
//! | how is a whole file in memory decoded to 16-bit PCM? | `melisma_input`, `melisma_decode`, ...: here |
//! | how is a file decoded whose bytes come bit by bit, and sought in? | `melisma_stream_...`: [`stream`] |
//! | how is PCM encoded? | `melisma_encoder_...`: `encoder`, a feature |
//!
//! Of each there is one at a time in an instance of the module. The host asks for room, writes there through the module's
//! memory, and reads where it is told to. No pointer that comes from the host is ever followed, so nothing here is unsafe
//! but the exported names themselves. Places in files and samples of a track are 64-bit floats, which is what a script has.
//!
//! ```text
//! melisma_input(n) -> write n bytes -> melisma_decode() -> 0 -> melisma_pcm(), melisma_samples(), ... -> melisma_release()
//! ```

mod description;
#[cfg(feature = "encoder")]
pub mod encoder;
pub mod stream;

use melisma_codec::{DecodeError, Models, Pcm, PushDecoder, decode, symbol_hash};
use std::cell::RefCell;

/// Everything that a host can ask for.
#[derive(Default)]
struct State {
    file: Vec<u8>,
    /// Interleaved.
    pcm: Vec<i16>,
    sample_rate_hz: u32,
    channels: u32,
    damaged_places: u32,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

/// Bytes of a file that are decoded at a time.
const PIECE_BYTES: usize = 64 << 10;

/// Result of [`melisma_decode`]: the sound is there.
pub const DONE: i32 = 0;
/// The bytes are no `.mlsm` file, or their header is damaged.
pub const NOT_MELISMA: i32 = 1;
/// The file is of a newer version or needs another model.
pub const UNKNOWN_FORMAT: i32 = 2;
/// Something else went wrong.
pub const FAILED: i32 = 3;

impl State {
    fn reserve(&mut self, bytes: usize) -> *mut u8 {
        *self = Self::default();
        if self.file.try_reserve_exact(bytes).is_err() {
            return std::ptr::null_mut();
        }
        self.file.resize(bytes, 0);
        self.file.as_mut_ptr()
    }

    fn decode(&mut self) -> i32 {
        self.pcm.clear();
        let file = std::mem::take(&mut self.file);
        let outcome = self.decode_file(&file);
        self.file = file;
        match outcome {
            Ok(true) => DONE,
            Ok(false) => FAILED,
            Err(error) => status_of(&error),
        }
    }

    /// Decodes piece by piece, so that the sound is never held twice; false if there is no memory for it.
    fn decode_file(&mut self, file: &[u8]) -> Result<bool, DecodeError> {
        let mut decoder = PushDecoder::new(Models::default());
        for piece in file.chunks(PIECE_BYTES) {
            let blocks = match decoder.push(piece) {
                Err(DecodeError::NotMelisma | DecodeError::Header(_)) => return self.decode_by_its_end(file),
                other => other?,
            };
            if !self.take(&blocks) {
                return Ok(false);
            }
        }
        let blocks = match decoder.finish() {
            Err(DecodeError::NotMelisma | DecodeError::Header(_)) => return self.decode_by_its_end(file),
            other => other?,
        };
        if let Some(header) = decoder.header() {
            (self.sample_rate_hz, self.channels) = (header.sample_rate_hz, header.channel_count as u32);
        }
        let is_complete = self.take(&blocks);
        self.damaged_places = decoder.damage().len() as u32;
        Ok(is_complete)
    }

    /// A file with a damaged beginning, by the copy of its header at the end.
    fn decode_by_its_end(&mut self, file: &[u8]) -> Result<bool, DecodeError> {
        let decoded = decode(file)?;
        (self.sample_rate_hz, self.channels) =
            (decoded.header.sample_rate_hz, decoded.header.channel_count as u32);
        self.damaged_places = decoded.damage.len() as u32;
        Ok(self.take(&[decoded.pcm]))
    }

    /// Appends sound; false if there is no memory for it.
    fn take(&mut self, blocks: &[Pcm]) -> bool {
        blocks.iter().all(|block| {
            let room = self.pcm.try_reserve(block.samples() * block.channel_count());
            if room.is_ok() {
                for i in 0..block.samples() {
                    self.pcm.extend(block.channels.iter().map(|channel| to_s16(channel[i])));
                }
            }
            room.is_ok()
        })
    }
}

/// What an error is to the host.
fn status_of(error: &DecodeError) -> i32 {
    match error {
        DecodeError::NotMelisma | DecodeError::Header(_) => NOT_MELISMA,
        DecodeError::Version { .. } | DecodeError::UnknownModel { .. } | DecodeError::NeedsModel { .. } => {
            UNKNOWN_FORMAT
        }
        _ => FAILED,
    }
}

/// Makes `room` so many elements long, filled with the default; null if there is no memory for it.
fn room_of<T: Clone + Default>(room: &mut Vec<T>, length: usize) -> *mut T {
    room.clear();
    if room.try_reserve(length).is_err() {
        return std::ptr::null_mut();
    }
    room.resize(length, T::default());
    room.as_mut_ptr()
}

/// `round(x * 2^15)`, clipped.
fn to_s16(sample: f32) -> i16 {
    (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16
}

fn with<T>(look: impl FnOnce(&mut State) -> T) -> T {
    STATE.with_borrow_mut(look)
}

/// Forgets the last file and makes room for one of `bytes` bytes; null if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_input(bytes: usize) -> *mut u8 {
    with(|state| state.reserve(bytes))
}

/// Decodes the file that was written to [`melisma_input`]: [`DONE`] or what is wrong.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_decode() -> i32 {
    with(State::decode)
}

/// Where the interleaved samples lie, as little-endian 16-bit integers: [`melisma_samples`] times [`melisma_channels`].
#[unsafe(no_mangle)]
pub extern "C" fn melisma_pcm() -> *const i16 {
    with(|state| state.pcm.as_ptr())
}

/// Samples per channel.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_samples() -> usize {
    with(|state| state.pcm.len() / state.channels.max(1) as usize)
}

/// 1 or 2.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_channels() -> u32 {
    with(|state| state.channels)
}

/// Samples per second.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_sample_rate_hz() -> u32 {
    with(|state| state.sample_rate_hz)
}

/// Damaged places; there the sound is silent.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_damaged_places() -> u32 {
    with(|state| state.damaged_places)
}

/// Hash of the file's symbols (`docs/format.md`, "Test vectors"); 0 if it cannot be read.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_symbol_hash() -> u64 {
    with(|state| symbol_hash(&state.file, &Models::default()).map_or(0, |symbols| symbols.hash))
}

/// Forgets file and sound and gives their memory back.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_release() {
    with(|state| *state = State::default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rubbish_is_refused_and_forgotten() {
        let mut state = State::default();
        assert!(!state.reserve(3).is_null());
        state.file.copy_from_slice(b"mp3");
        assert_eq!(state.decode(), NOT_MELISMA);
        assert!(state.reserve(usize::MAX).is_null());
        assert!(state.file.is_empty());
        assert_eq!(state.decode(), NOT_MELISMA);
    }

    #[test]
    fn a_golden_file_is_decoded() {
        let golden = include_bytes!("../../../tests/vectors/mono-8k-mse.mlsm");
        let mut state = State::default();
        state.reserve(golden.len());
        state.file.copy_from_slice(golden);
        assert_eq!(state.decode(), DONE);
        assert_eq!(
            (state.sample_rate_hz, state.channels, state.pcm.len(), state.damaged_places),
            (8_000, 1, 16_000, 0)
        );
        assert!(state.pcm.iter().any(|&sample| sample.unsigned_abs() > 1_000));
        // Without its beginning it is the same, and something to tell.
        let whole = state.pcm.clone();
        state.reserve(golden.len());
        state.file[10..].copy_from_slice(&golden[10..]);
        assert_eq!(state.decode(), DONE);
        assert!(state.pcm == whole && state.damaged_places > 0);
    }
}
