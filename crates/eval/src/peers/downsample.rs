//! The study's baseline: mix to mono, resample to `kbps / 16` kHz, store 16 bits a sample, and back.

use melisma_signal::Pcm;

use super::{CodecUnderTest, Coded, OperatingPoint, Source};
use crate::error::EvalError;
use crate::process::measure;
use crate::resample::{Resampler, mono};
use crate::sound_file::rounded_to_16_bits;

/// Name in results and on the command line.
pub const NAME: &str = "downsample";

/// Bits of a stored sample.
const BITS: f64 = 16.0;

/// The downsampling baseline.
#[derive(Clone, Copy, Debug)]
pub struct Downsample;

impl CodecUnderTest for Downsample {
    fn name(&self) -> &str {
        NAME
    }

    fn recipe(&self) -> String {
        "mono, kbps/16 kHz, 16 bit, Kaiser polyphase".to_string()
    }

    fn points(&self, rates_kbps: &[f64]) -> Vec<OperatingPoint> {
        rates_kbps.iter().map(|&r| OperatingPoint::rate(r)).collect()
    }

    fn run(&self, source: Source<'_>, point: &OperatingPoint) -> Result<Coded, EvalError> {
        let own_hz = source.pcm.sample_rate_hz;
        let stored_hz = (point.kbps * 1000.0 / BITS).round() as u32;
        if stored_hz == 0 {
            return Err(EvalError::Rate { kbps: point.kbps });
        }
        let (stored, encode) = measure(|| {
            let channel = Resampler::new(own_hz, stored_hz).process(&mono(&source.pcm.channels));
            rounded_to_16_bits(&Pcm { sample_rate_hz: stored_hz, channels: vec![channel] })
        });
        let (channel, decode) = measure(|| Resampler::new(stored_hz, own_hz).process(&stored.channels[0]));
        let bytes = stored.samples() as u64 * 2;
        let pcm = Pcm { sample_rate_hz: own_hz, channels: vec![channel] };
        Ok(Coded { file_bytes: bytes, payload_bytes: bytes, pcm, encode, decode })
    }
}
