//! What the codec's tests share: music of any length, settings, signal-to-noise ratio.

#![allow(dead_code, reason = "every test file uses its own part")]

use melisma_codec::{EncoderConfig, RateTarget, Tune};
use melisma_signal::Pcm;

/// The demo piece, over and over, for so many samples.
pub fn music(sample_rate_hz: u32, channel_count: usize, samples: usize) -> Pcm {
    let piece = melisma_synth::demo_piece(sample_rate_hz);
    let channels =
        piece.channels[..channel_count].iter().map(|c| c.iter().copied().cycle().take(samples).collect());
    Pcm { sample_rate_hz, channels: channels.collect() }
}

/// The defaults but for tune and rate.
pub fn config(tune: Tune, rate: RateTarget) -> EncoderConfig {
    let mut config = EncoderConfig::default();
    (config.tune, config.rate) = (tune, rate);
    config
}

/// Signal-to-noise ratio over all channels in dB.
pub fn snr_db(original: &Pcm, decoded: &Pcm) -> f64 {
    let (mut signal, mut noise) = (0.0, 0.0);
    for (x, y) in original.channels.iter().flatten().zip(decoded.channels.iter().flatten()) {
        signal += f64::from(*x).powi(2);
        noise += (f64::from(*x) - f64::from(*y)).powi(2);
    }
    10.0 * (signal / noise.max(1e-30)).log10()
}

/// Decodes or encodes on the calling thread alone, so that its memory can be counted. Once a thread.
pub fn on_this_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread();
    pool.build().expect("a pool of this thread").install(work)
}

/// A deterministic sound without any synthesis: plucked tones, each with a hard start.
pub fn plucks(sample_rate_hz: u32, channel_count: usize, samples: usize) -> Pcm {
    let channel = |channel: usize| {
        (0..samples).map(move |n| {
            let (note, since) = (n / 1901, (n % 1901) as f32);
            let pitch = 0.05 + 0.013 * ((note * 7 + channel * 3) % 11) as f32;
            0.6 * (since * pitch).sin() * (-since / 500.0).exp()
        })
    };
    Pcm { sample_rate_hz, channels: (0..channel_count).map(|number| channel(number).collect()).collect() }
}
