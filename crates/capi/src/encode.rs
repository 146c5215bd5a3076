//! Sound to a file in memory.

use crate::{
    guard::{Failure, guard},
    pointers,
};
use melisma_codec::{Encoder, EncoderConfig, Pcm, RateTarget, StreamFormat, Tune};
use melisma_media::LoudnessMeter;
use melisma_signal::Metadata;

/// What bits are spent on.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MelismaTune {
    /// Least audible difference.
    #[default]
    Music = 0,
    /// Least squared error.
    Mse = 1,
}

/// How a file is encoded. Fill it by melisma_default_settings, then change what is wanted.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MelismaSettings {
    /// Average bits per second of the whole file, 500 to 2,000,000; 0 if the quality decides.
    pub bitrate: u32,
    /// 0 (smallest) to 10 (best), where no bitrate is given.
    pub quality: f32,
    /// What bits are spent on: a MelismaTune.
    pub tune: u32,
}

/// Quality 5, tuned for music.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_default_settings() -> MelismaSettings {
    MelismaSettings { bitrate: 0, quality: 5.0, tune: MelismaTune::Music as u32 }
}

/// Encodes `samples` samples of each of `channels` (1 or 2) channels, interleaved, at 8,000 to 48,000 samples per second:
/// the bytes of a .mlsm file, whose number is put into `bytes`. `settings` may be NULL. To be given back by melisma_free.
///
/// # Safety
/// `pcm` is NULL or has `samples` times `channels` values; `settings` is NULL or filled; `bytes` is NULL or has room.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn melisma_encode(
    pcm: *const f32,
    samples: usize,
    channels: u32,
    sample_rate: u32,
    settings: *const MelismaSettings,
    bytes: *mut usize,
) -> *mut u8 {
    guard(
        |_| std::ptr::null_mut(),
        || {
            // SAFETY: the caller's promise.
            let bytes = unsafe { pointers::exclusive(bytes, "bytes") }?;
            *bytes = 0;
            let settings = match settings.is_null() {
                true => melisma_default_settings(),
                // SAFETY: the caller's promise.
                false => *unsafe { pointers::shared(settings, "settings") }?,
            };
            let values = samples.checked_mul(channels as usize);
            let values =
                values.ok_or_else(|| Failure::invalid(format!("pcm cannot have {samples} samples")))?;
            // SAFETY: the caller's promise.
            let pcm = unsafe { pointers::slice(pcm, values, "pcm") }?;
            let file = encode(pcm, channels as usize, sample_rate, settings)?.into_boxed_slice();
            *bytes = file.len();
            Ok(Box::into_raw(file).cast())
        },
    )
}

fn encode(
    pcm: &[f32],
    channels: usize,
    sample_rate_hz: u32,
    settings: MelismaSettings,
) -> Result<Vec<u8>, Failure> {
    let mut config = EncoderConfig::default();
    config.rate = match settings.bitrate {
        0 => RateTarget::Quality(settings.quality),
        bitrate => RateTarget::Bitrate(bitrate),
    };
    config.tune = match settings.tune {
        tune if tune == MelismaTune::Music as u32 => Tune::Music,
        tune if tune == MelismaTune::Mse as u32 => Tune::Mse,
        other => return Err(Failure::invalid(format!("tune is {other}, allowed is 0 or 1"))),
    };
    let total_samples = Some((pcm.len() / channels.max(1)) as u64);
    let format = StreamFormat {
        sample_rate_hz,
        channel_count: channels,
        original_sample_rate_hz: None,
        total_samples,
    };
    let mut encoder = Encoder::new(config, format, &Metadata::default())?;
    let mut meter = LoudnessMeter::new(sample_rate_hz, channels)?;
    let mut file = Vec::new();
    // In pieces, so that the sound is not held a second time as a whole.
    for piece in pcm.chunks(PIECE_SAMPLES * channels) {
        let of = |channel: usize| piece.iter().skip(channel).step_by(channels).copied().collect();
        let block = Pcm { sample_rate_hz, channels: (0..channels).map(of).collect() };
        encoder.push(&block, &mut file)?;
        meter.push(&block)?;
    }
    encoder.finish(meter.finish(), &mut file)?;
    Ok(file)
}

/// Samples of each channel that are encoded at a time.
const PIECE_SAMPLES: usize = 1 << 16;

/// Gives the bytes of a file back; `bytes` is their number. NULL is none.
///
/// # Safety
/// Both came from one call of melisma_encode, and the bytes are not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn melisma_free(data: *mut u8, bytes: usize) {
    guard(
        |_| (),
        || {
            if !data.is_null() {
                // SAFETY: the caller's promise: it came from `Box::into_raw`, with this length.
                drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(data, bytes)) });
            }
            Ok(())
        },
    );
}
