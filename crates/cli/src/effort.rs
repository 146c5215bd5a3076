//! Encoder settings chosen for one piece of music: excerpts of it are coded with one setting after the other moved, decoded
//! and compared with what they were, and what is heard least is kept.
//!
//! All trials of a piece are of one size, so that only what is heard of them differs; what the settings gain at equal size
//! is in `docs/results/effort.md`.

use anyhow::Context;
use clap::ValueEnum;
use melisma_codec::{EncoderConfig, RateTarget, StreamFormat, Tuning, decode, encode};
use melisma_eval::{
    Reference,
    objective::{Difference, Heard},
};
use melisma_media::AudioSource;
use melisma_signal::{Metadata, Pcm};

/// How much work goes into the choice of settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Effort {
    /// the settings that suit most music
    #[default]
    Normal,
    /// settings tried on excerpts of each file: several times slower
    High,
}

/// Excerpts of a longer piece, evenly spread over it.
const EXCERPTS: u64 = 5;

/// Seconds of one excerpt.
const EXCERPT_SECONDS: f64 = 3.0;

/// Base-two logarithm of the samples of a long superframe, and the sample rates at which it is twice as long as usual.
const LONG_SUPERFRAME_LOG2: u32 = 12;
const LONG_SUPERFRAME_RATES_HZ: std::ops::RangeInclusive<u32> = 32_000..=48_000;

/// A change must lower the cost by this much to be kept: less does not carry over from excerpts to the rest of the music.
const LEAST_GAIN: f64 = 0.005;

/// Times that the interval of qualities which holds the one of equal size is halved.
const QUALITY_HALVINGS: usize = 7;

/// How far a quality may move to make up for what other settings do to the size.
const QUALITY_REACH: f32 = 1.5;

/// Samples that settings are tried on: all of a short piece, of a longer one excerpts, one after the other.
///
/// `total_samples` is the length of what `source` gives.
///
/// # Errors
/// If the source cannot be read.
pub fn excerpts(source: &mut AudioSource, total_samples: u64) -> anyhow::Result<Pcm> {
    let rate_hz = source.sample_rate_hz();
    let excerpt = (EXCERPT_SECONDS * f64::from(rate_hz)) as u64;
    let whole = total_samples <= EXCERPTS * excerpt;
    let begins: Vec<u64> = if whole {
        vec![0]
    } else {
        (0..EXCERPTS).map(|n| total_samples / (2 * EXCERPTS) * (2 * n + 1) - excerpt / 2).collect()
    };
    let length = if whole { total_samples } else { excerpt };
    let mut channels = vec![Vec::new(); source.channel_count()];
    let mut at = 0;
    while let Some(block) = source.next_block()? {
        let end = at + block.samples() as u64;
        for &begin in &begins {
            // The part of the block that lies in the excerpt.
            let (from, to) = (begin.max(at), (begin + length).min(end));
            if from < to {
                for (channel, samples) in channels.iter_mut().zip(&block.channels) {
                    channel.extend_from_slice(&samples[(from - at) as usize..(to - at) as usize]);
                }
            }
        }
        at = end;
        if begins.last().is_some_and(|last| at >= last + length) {
            break;
        }
    }
    Ok(Pcm { sample_rate_hz: rate_hz, channels })
}

/// The settings among those tried whose loss is heard least on `excerpts`, of music that is `total_samples` long, at the
/// size that `config` asks for; `config` itself where none of the others gains.
///
/// # Errors
/// If the excerpts cannot be coded.
pub fn settings(excerpts: Pcm, total_samples: u64, config: &EncoderConfig) -> anyhow::Result<EncoderConfig> {
    let format = StreamFormat {
        sample_rate_hz: excerpts.sample_rate_hz,
        channel_count: excerpts.channel_count(),
        original_sample_rate_hz: None,
        total_samples: Some(total_samples),
    };
    if excerpts.samples() == 0 {
        return Ok(config.clone());
    }
    let bits_per_sample = config.rate.nominal_bits_per_sample(&format);
    let mut best = config.clone();
    best.tuning = Some(Tuning::new(config.tune).at_rate(bits_per_sample));
    let size_bytes = match config.rate {
        RateTarget::Quality(_) => encode(&excerpts, &best, &Metadata::default())?.len() as u64,
        _ => (bits_per_sample * (excerpts.samples() * excerpts.channel_count()) as f64 / 8.0) as u64,
    };
    best.rate = RateTarget::SizeBytes(size_bytes.max(1));
    let reference = Reference::new(excerpts);
    // What cannot be scored, such as silence or less than a frame, is coded as usual.
    let Some(usual) = heard(&reference, &best)? else { return Ok(config.clone()) };
    let mut least_cost = 0.0;
    for ways in changes(format.sample_rate_hz) {
        for change in ways {
            let mut changed = best.clone();
            change(&mut changed);
            let Some(heard) = heard(&reference, &changed)? else { continue };
            let cost = Difference::between(&heard, &usual).cost();
            if cost < least_cost - LEAST_GAIN {
                (best, least_cost) = (changed, cost);
                break;
            }
        }
    }
    if least_cost == 0.0 {
        return Ok(config.clone());
    }
    best.rate = match config.rate {
        RateTarget::Quality(quality) => {
            RateTarget::Quality(quality_of_size(reference.pcm(), &best, quality, size_bytes)?)
        }
        rate => rate,
    };
    Ok(best)
}

/// A change of an encoder's settings.
type Change = Box<dyn Fn(&mut EncoderConfig)>;

/// What is tried, in this order; of each row the first that gains.
fn changes(sample_rate_hz: u32) -> Vec<Vec<Change>> {
    fn of_tuning(change: impl Fn(&mut Tuning) + 'static) -> Change {
        Box::new(move |config| {
            if let Some(tuning) = &mut config.tuning {
                change(tuning);
            }
        })
    }
    let mut rows: Vec<Vec<Change>> = Vec::new();
    if LONG_SUPERFRAME_RATES_HZ.contains(&sample_rate_hz) {
        rows.push(vec![Box::new(|config| config.superframe_log2 = Some(LONG_SUPERFRAME_LOG2))]);
    }
    let by = |value: u8, by: i16| (i16::from(value) + by).clamp(0, 255) as u8;
    rows.push([-6, 6].map(|tilt| of_tuning(move |tuning| tuning.tilt = by(tuning.tilt, tilt))).into());
    rows.push(
        [10, -10].map(|shaping| of_tuning(move |tuning| tuning.shaping = by(tuning.shaping, shaping))).into(),
    );
    rows.push(
        [0.25, -0.25]
            .map(|masking| of_tuning(move |tuning| tuning.masking = (tuning.masking + masking).max(0.0)))
            .into(),
    );
    rows.push([16, -16].map(|noise| of_tuning(move |tuning| tuning.noise = by(tuning.noise, noise))).into());
    rows.push(
        [0.03, -0.03]
            .map(|lambda| of_tuning(move |tuning| tuning.lambda = (tuning.lambda + lambda).max(0.0)))
            .into(),
    );
    rows
}

fn heard(reference: &Reference, config: &EncoderConfig) -> anyhow::Result<Option<Heard>> {
    let file = encode(reference.pcm(), config, &Metadata::default())?;
    let decoded = decode(&file).context("a trial cannot be decoded")?;
    Ok(Heard::of(&reference.score(&decoded.pcm.channels)))
}

/// The quality at which `config` makes `pcm` about `size_bytes` large.
fn quality_of_size(pcm: &Pcm, config: &EncoderConfig, usual: f32, size_bytes: u64) -> anyhow::Result<f32> {
    let clamped = |quality: f32| {
        quality.clamp(*melisma_codec::QUALITY_RANGE.start(), *melisma_codec::QUALITY_RANGE.end())
    };
    let (mut low, mut high) = (clamped(usual - QUALITY_REACH), clamped(usual + QUALITY_REACH));
    let mut config = config.clone();
    for _ in 0..QUALITY_HALVINGS {
        let middle = f32::midpoint(low, high);
        config.rate = RateTarget::Quality(middle);
        let bytes = encode(pcm, &config, &Metadata::default())?.len() as u64;
        if bytes <= size_bytes { low = middle } else { high = middle }
    }
    Ok(low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use melisma_media::{AudioSink, Encoding, Input, OpenOptions, Output, SinkOptions};

    #[test]
    fn excerpts_are_spread_over_a_long_piece_and_a_short_one_is_taken_whole() {
        let (rate_hz, excerpt) = (8_000u32, 24_000usize);
        for (seconds, begins) in [(10, vec![0]), (100, vec![68_000, 228_000, 388_000, 548_000, 708_000])] {
            let total = seconds * rate_hz as usize;
            let ramp: Vec<f32> = (0..total).map(|n| n as f32 / total as f32).collect();
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("ramp.wav");
            let pcm = Pcm { sample_rate_hz: rate_hz, channels: vec![ramp.clone()] };
            let options = SinkOptions::new(Encoding::WavFloat32, rate_hz, 1);
            let mut sink = AudioSink::create(&Output::Path(path.clone()), &options).unwrap();
            sink.write(&pcm).unwrap();
            sink.finish().unwrap();
            let mut source = AudioSource::open(&Input::Path(path), &OpenOptions::default()).unwrap();
            let found = excerpts(&mut source, total as u64).unwrap();
            let length = if begins.len() == 1 { total } else { excerpt };
            let wanted: Vec<f32> =
                begins.iter().flat_map(|&begin| ramp[begin..begin + length].to_vec()).collect();
            assert!(found.channels[0] == wanted, "{seconds} s");
        }
    }
}
