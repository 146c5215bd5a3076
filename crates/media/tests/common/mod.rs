//! What the tests share: the signal, the fixtures, alignment, files made of others.
#![allow(dead_code)] // each test program uses its own part

pub mod mp4;
pub mod signal;
pub mod tagged;
pub mod tools;

use std::path::PathBuf;

use melisma_media::{AudioSource, Input, MediaError, OpenOptions};
use melisma_signal::Pcm;

pub fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Never starts `ffmpeg`: tests must not depend on what is installed.
pub fn options() -> OpenOptions {
    OpenOptions::default().with_ffmpeg(None)
}

pub fn open_bytes(bytes: Vec<u8>) -> Result<AudioSource, MediaError> {
    AudioSource::from_reader(Box::new(std::io::Cursor::new(bytes)), None, &options())
}

pub fn open_file(name: &str) -> AudioSource {
    AudioSource::open(&Input::Path(fixture(name)), &options()).unwrap()
}

/// Lag (samples, positive: `decoded` is late) with the largest correlation, within +-1500.
pub fn lag(decoded: &[f32], original: &[f32]) -> i64 {
    let span = original.len().min(12_000);
    let correlation = |lag: i64| -> f64 {
        (0..span)
            .filter_map(|n| {
                let at = usize::try_from(n as i64 + lag).ok()?;
                Some(f64::from(*decoded.get(at)? * original[n]))
            })
            .sum()
    };
    (-1500..=1500).map(|lag| (correlation(lag), lag)).max_by(|a, b| a.0.total_cmp(&b.0)).unwrap().1
}

pub fn snr_db(decoded: &[f32], original: &[f32]) -> f64 {
    let signal: f64 = original.iter().map(|x| f64::from(x * x)).sum();
    let noise: f64 = original.iter().zip(decoded).map(|(x, y)| f64::from((x - y) * (x - y))).sum();
    10.0 * (signal / noise.max(1e-30)).log10()
}

pub fn pcm(sample_rate_hz: u32, channels: usize, samples: usize) -> Pcm {
    Pcm { sample_rate_hz, channels: signal::synthesise(sample_rate_hz, channels, samples) }
}
