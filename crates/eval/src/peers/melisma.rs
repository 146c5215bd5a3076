//! Melisma itself, in process: the clip's PCM in, `.mlsm` bytes, PCM out.

use std::panic::{AssertUnwindSafe, catch_unwind};

use melisma_codec::{EncoderConfig, RateTarget, Tune};
use melisma_signal::Metadata;

use super::{CodecUnderTest, Coded, OperatingPoint, Source};
use crate::process::measure;

/// Melisma with one tune.
#[derive(Clone, Debug)]
pub struct MelismaCodec {
    name: &'static str,
    tune: Tune,
    revision: String,
}

impl MelismaCodec {
    /// `melisma` (tuned for listening) or `melisma:mse` (least squared error).
    #[must_use]
    pub fn by_name(name: &str, revision: Option<&str>) -> Option<Self> {
        let (name, tune) = match name {
            "melisma" => ("melisma", Tune::Music),
            "melisma:mse" => ("melisma:mse", Tune::Mse),
            _ => return None,
        };
        Some(Self { name, tune, revision: revision.unwrap_or("unknown revision").to_string() })
    }
}

impl CodecUnderTest for MelismaCodec {
    fn name(&self) -> &str {
        self.name
    }

    fn recipe(&self) -> String {
        format!("melisma {} tune {:?}", self.revision, self.tune)
    }

    fn points(&self, rates_kbps: &[f64]) -> Vec<OperatingPoint> {
        rates_kbps.iter().map(|&r| OperatingPoint::rate(r)).collect()
    }

    fn run(&self, source: Source<'_>, point: &OperatingPoint) -> Result<Coded, String> {
        let mut config = EncoderConfig::default();
        config.tune = self.tune;
        config.rate = RateTarget::Bitrate((point.kbps * 1000.0).round() as u32);
        // One thread, so that its CPU seconds are all there are: the codec works on the current pool.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().map_err(|e| e.to_string())?;
        // A panic of the codec under test is its failure, not the end of the bench.
        let encoding = || melisma_codec::encode(source.pcm, &config, &Metadata::default());
        let (bytes, encode) = pool.install(|| measure(|| catch_unwind(AssertUnwindSafe(encoding))));
        let bytes =
            bytes.map_err(|_| "encoder: panicked".to_string())?.map_err(|e| format!("encoder: {e}"))?;
        let (decoded, decode) = pool.install(|| measure(|| catch_unwind(|| melisma_codec::decode(&bytes))));
        let decoded =
            decoded.map_err(|_| "decoder: panicked".to_string())?.map_err(|e| format!("decoder: {e}"))?;
        let file_bytes = bytes.len() as u64;
        Ok(Coded { file_bytes, payload_bytes: file_bytes, pcm: decoded.pcm, encode, decode })
    }
}
