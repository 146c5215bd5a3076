//! PCM to a `.mlsm` file, piece by piece.
//!
//! ```text
//! tags(n), cover(n), write them -> open(rate, channels, samples, quality, bitrate) -> 0
//!   -> { room(n) -> write channel(0), channel(1); push -> output, output_bytes }* -> finish -> output, output_bytes
//! ```

use crate::{DONE, FAILED, room_of};
use ebur128::{EbuR128, Mode};
use melisma_codec::{EncodeError, Encoder, EncoderConfig, Pcm, QUALITY_RANGE, RateTarget, StreamFormat};
use melisma_signal::{Loudness, Metadata, Picture};
use std::cell::RefCell;

/// One file that is made.
#[derive(Default)]
struct Work {
    /// Type of the cover, then `NAME=value` of each tag, a zero byte behind each.
    tags: Vec<u8>,
    cover: Vec<u8>,
    /// None before the beginning and after the end.
    making: Option<(Encoder, EbuR128)>,
    block: Pcm,
    output: Vec<u8>,
    message: String,
}

thread_local! {
    static WORK: RefCell<Work> = RefCell::default();
}

impl Work {
    fn metadata(&self) -> Metadata {
        let text = String::from_utf8_lossy(&self.tags);
        let mut fields = text.split_terminator('\0');
        let mime = fields.next().unwrap_or_default().to_owned();
        let tags = fields
            .filter_map(|field| field.split_once('='))
            .map(|(name, value)| (name.to_uppercase(), value.to_owned()))
            .collect();
        let picture = (!self.cover.is_empty()).then(|| Picture { mime, data: self.cover.clone() });
        Metadata { tags, picture }
    }

    /// A bitrate of 0 means: by quality.
    fn open(&mut self, format: StreamFormat, quality: f32, bits_per_second: u32) -> i32 {
        let mut config = EncoderConfig::default();
        config.rate = match bits_per_second {
            0 => RateTarget::Quality(quality.clamp(*QUALITY_RANGE.start(), *QUALITY_RANGE.end())),
            bitrate => RateTarget::Bitrate(bitrate),
        };
        let (rate, channels) = (format.sample_rate_hz, format.channel_count);
        self.block = Pcm::empty(rate, channels);
        self.output.clear();
        let encoder = match Encoder::new(config, format, &self.metadata()) {
            Ok(encoder) => encoder,
            Err(error) => return self.fail(error),
        };
        let mode = Mode::I | Mode::TRUE_PEAK | Mode::HISTOGRAM;
        match EbuR128::new(channels as u32, rate, mode) {
            Ok(meter) => {
                self.making = Some((encoder, meter));
                DONE
            }
            Err(error) => self.fail(error),
        }
    }

    fn fail(&mut self, error: impl std::fmt::Display) -> i32 {
        self.making = None;
        self.message = error.to_string();
        FAILED
    }

    fn room(&mut self, samples: usize) -> bool {
        self.block.channels.iter_mut().all(|channel| !room_of(channel, samples).is_null())
    }

    fn push(&mut self) -> i32 {
        self.output.clear();
        let Some((encoder, meter)) = &mut self.making else { return self.fail("no file was begun") };
        for sample in self.block.channels.iter_mut().flatten() {
            if !sample.is_finite() {
                *sample = 0.0;
            }
        }
        if let Err(error) = encoder.push(&self.block, &mut self.output) {
            return self.fail(error);
        }
        let planes: Vec<&[f32]> = self.block.channels.iter().map(Vec::as_slice).collect();
        match meter.add_frames_planar_f32(&planes) {
            Ok(()) => DONE,
            Err(error) => self.fail(error),
        }
    }

    fn finish(&mut self) -> i32 {
        self.output.clear();
        let Some((encoder, meter)) = self.making.take() else { return self.fail("no file was begun") };
        let peak = (0..self.block.channel_count() as u32)
            .filter_map(|channel| meter.true_peak(channel).ok())
            .fold(0.0, f64::max);
        // As for every file of ours: silence, and what is too short to be gated, has no loudness to tell.
        let loudness = meter
            .loudness_global()
            .ok()
            .map(|lufs| Loudness { integrated_lufs: lufs as f32, true_peak: peak as f32 });
        let outcome: Result<_, EncodeError> = encoder.finish(loudness, &mut self.output);
        match outcome {
            Ok(_) => DONE,
            Err(error) => self.fail(error),
        }
    }
}

fn with<T>(look: impl FnOnce(&mut Work) -> T) -> T {
    WORK.with_borrow_mut(look)
}

/// Room for `bytes` bytes: type of the cover, then `NAME=value` of each tag, a zero byte behind each; null if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_encoder_tags(bytes: usize) -> *mut u8 {
    with(|work| room_of(&mut work.tags, bytes))
}

/// Room for a cover of `bytes` bytes; null if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_encoder_cover(bytes: usize) -> *mut u8 {
    with(|work| room_of(&mut work.cover, bytes))
}

/// Begins a file of `samples` samples per channel, by quality (0 to 10) or, unless that is 0, by bitrate in bit/s;
/// 0 or 3, see [`melisma_encoder_message`]. An `original_rate` of 0 means: the sound was not resampled.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_encoder_open(
    sample_rate_hz: u32,
    channels: usize,
    samples: f64,
    original_rate: u32,
    quality: f32,
    bits_per_second: u32,
) -> i32 {
    let format = StreamFormat {
        sample_rate_hz,
        channel_count: channels,
        original_sample_rate_hz: (original_rate > 0).then_some(original_rate),
        total_samples: Some(samples as u64),
    };
    with(|work| work.open(format, quality, bits_per_second))
}

/// Makes room for a block of so many samples per channel: 0, or 3 if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_encoder_room(samples: usize) -> i32 {
    with(|work| if work.room(samples) { DONE } else { work.fail("there is no memory for the sound") })
}

/// Where a channel of the block is to be written; null if there is no such channel.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_encoder_channel(channel: usize) -> *mut f32 {
    with(|work| {
        work.block.channels.get_mut(channel).map_or(std::ptr::null_mut(), |samples| samples.as_mut_ptr())
    })
}

/// Takes the block; 0 or 3. What is final of the file then lies at [`melisma_encoder_output`].
#[unsafe(no_mangle)]
pub extern "C" fn melisma_encoder_push() -> i32 {
    with(Work::push)
}

/// Ends the file; 0 or 3. Its last bytes then lie at [`melisma_encoder_output`].
#[unsafe(no_mangle)]
pub extern "C" fn melisma_encoder_finish() -> i32 {
    with(Work::finish)
}

/// Where the next bytes of the file lie.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_encoder_output() -> *const u8 {
    with(|work| work.output.as_ptr())
}

/// How many they are.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_encoder_output_bytes() -> usize {
    with(|work| work.output.len())
}

/// Where the words lie that say what is wrong, in UTF-8.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_encoder_message() -> *const u8 {
    with(|work| work.message.as_ptr())
}

/// Bytes of those.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_encoder_message_bytes() -> usize {
    with(|work| work.message.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pushed_in_pieces_is_one_file() {
        let mut work =
            Work { tags: b"image/png\0title=Half a second\0rubbish\0".to_vec(), ..Work::default() };
        work.cover = vec![1, 2, 3];
        let format = StreamFormat { sample_rate_hz: 8000, channel_count: 1, ..StreamFormat::default() };
        assert_eq!(work.open(format.clone(), 5.0, 24_000), DONE);
        let mut file = Vec::new();
        for piece in 0..8 {
            assert!(work.room(500));
            for (i, sample) in work.block.channels[0].iter_mut().enumerate() {
                *sample = ((piece * 500 + i) as f32 * 0.2).sin() * 0.5;
            }
            assert_eq!(work.push(), DONE);
            file.append(&mut work.output);
        }
        assert_eq!(work.finish(), DONE);
        file.append(&mut work.output);
        let decoded = melisma_codec::decode(&file).unwrap();
        assert_eq!(decoded.pcm.samples(), 4000);
        assert_eq!(decoded.header.metadata.tags, [("TITLE".to_owned(), "Half a second".to_owned())]);
        assert_eq!(decoded.header.metadata.picture.unwrap().data, [1, 2, 3]);
        // A sine of amplitude 0.5 in one channel: -9 dB, and nothing for what K-weighting does at 255 Hz.
        let loudness = decoded.trailer.unwrap().loudness.unwrap();
        assert!((loudness.integrated_lufs + 9.7).abs() < 0.5, "{loudness:?}");
        assert!((loudness.true_peak - 0.5).abs() < 0.02, "{loudness:?}");
        assert_eq!(work.push(), FAILED);
        assert_eq!(work.open(StreamFormat { channel_count: 6, ..format }, 5.0, 0), FAILED);
        assert!(work.message.contains("6 channels"), "{}", work.message);
    }
}
