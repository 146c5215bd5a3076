//! What an encoder is asked for: how many bits, spent on what, for what kind of sound.

use crate::{
    container::Tune,
    music::{encode::tuning::Tuning, model::Model},
};
use std::sync::Arc;

/// Range of [`RateTarget::Quality`].
pub const QUALITY_RANGE: std::ops::RangeInclusive<f32> = 0.0..=10.0;

/// How many bits a file may have.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum RateTarget {
    /// Constant quality, 0.0 (smallest) to 10.0 (best), at whatever bitrate the music needs.
    Quality(f32),
    /// Average bitrate of the whole file, in bit/s.
    Bitrate(u32),
    /// Size of the whole file in bytes; needs [`StreamFormat::total_samples`].
    SizeBytes(u64),
}

impl RateTarget {
    /// About the bits that each sample of each channel may have; at constant quality, those of ordinary music.
    #[must_use]
    pub fn nominal_bits_per_sample(&self, format: &StreamFormat) -> f64 {
        let samples_per_second = f64::from(format.sample_rate_hz) * format.channel_count as f64;
        match *self {
            // 8 kbit/s at 0, 190 at 10, for stereo at 44.1 kHz.
            Self::Quality(quality) => 8_000.0 * 1.37f64.powf(f64::from(quality)) / 88_200.0,
            Self::Bitrate(bits_per_second) => f64::from(bits_per_second) / samples_per_second,
            Self::SizeBytes(bytes) => {
                let samples = format.total_samples.unwrap_or(0).max(1) as f64 * format.channel_count as f64;
                8.0 * bytes as f64 / samples
            }
        }
    }
}

/// Settings of an encoder.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EncoderConfig {
    /// What bits are spent on.
    pub tune: Tune,
    /// How many bits are spent.
    pub rate: RateTarget,
    /// Whether transients may switch to short blocks; off only to measure what it brings.
    pub block_switching: bool,
    /// Seconds of a section, 0.5..=20: longer ones cost a little less, shorter ones lose less when damaged.
    pub section_seconds: f32,
    /// Base-two logarithm of the samples of a superframe, 8..=12, if not the one that fits the sample rate: a longer one
    /// tells tones apart better and blurs what changes.
    pub superframe_log2: Option<u32>,
    /// Parameters of the encoder's decisions, if not the tune's own.
    pub tuning: Option<Tuning>,
    /// Tables to code with, if not the embedded ones for the tune. The file is of the version that they are for.
    pub model: Option<Arc<Model>>,
}

impl Default for EncoderConfig {
    fn default() -> Self {
        Self {
            tune: Tune::default(),
            rate: RateTarget::Quality(5.0),
            block_switching: true,
            section_seconds: 6.0,
            superframe_log2: None,
            tuning: None,
            model: None,
        }
    }
}

/// The sound that is to be encoded.
#[derive(Clone, Debug, Default)]
pub struct StreamFormat {
    /// Samples per second, 8000..=48000.
    pub sample_rate_hz: u32,
    /// Channels, 1 or 2.
    pub channel_count: usize,
    /// Samples per second of the source, if it was resampled.
    pub original_sample_rate_hz: Option<u32>,
    /// Samples per channel, if known beforehand.
    pub total_samples: Option<u64>,
}
