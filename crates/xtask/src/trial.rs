//! One clip of training music coded with given settings, and what is heard of it: what a search for settings is made of.

use crate::training_music::{TrainingMusic, read};
use anyhow::{Context, Result};
use melisma_codec::{EncoderConfig, RateTarget, StreamFormat, Tune, Tuning, decode, encode};
use melisma_eval::{Reference, class::Class, objective::Heard};
use melisma_signal::{Metadata, Pcm};

/// Seconds of a track that are coded, and where they begin.
const CLIP_SECONDS: f64 = 10.0;
const CLIP_BEGIN_SECONDS: f64 = 5.0;

/// Today's settings for stereo at 44.1 kHz at a bitrate.
pub fn todays(rate: RateTarget) -> Tuning {
    let format = StreamFormat { sample_rate_hz: 44_100, channel_count: 2, ..StreamFormat::default() };
    Tuning::new(Tune::Music).at_rate(rate.nominal_bits_per_sample(&format))
}

/// A clip with all that scoring needs of it.
pub struct Clip {
    pub pcm: Pcm,
    class: Class,
}

/// Clips spread over the manifest's training tracks, with and without attacks in turn.
pub fn clips(music: &TrainingMusic, count: usize) -> Result<Vec<Clip>> {
    let tracks = music.tracks("train")?;
    // A stride that is prime to the number of tracks visits all of them, far apart.
    let (mut attacks, mut others) = (Vec::new(), Vec::new());
    for number in 0..tracks.len() {
        let half = count.div_ceil(2);
        if attacks.len() >= half && others.len() >= half {
            break;
        }
        let pcm = excerpt(read(&tracks[number * STRIDE % tracks.len()])?);
        if pcm.channel_count() != 2 || pcm.sample_rate_hz != 44_100 || pcm.seconds() < CLIP_SECONDS - 0.1 {
            continue;
        }
        let class = Class::measured(&pcm);
        let side = if class == Class::Attacks { &mut attacks } else { &mut others };
        if side.len() < half {
            side.push(Clip { pcm, class });
        }
    }
    let count = attacks.iter().filter(|clip: &&Clip| clip.class == Class::Attacks).count();
    eprintln!("{count} clips with attacks, {} others", others.len());
    let mut clips = Vec::new();
    let (mut attacks, mut others) = (attacks.into_iter(), others.into_iter());
    loop {
        match (attacks.next(), others.next()) {
            (None, None) => return Ok(clips),
            (first, second) => clips.extend(first.into_iter().chain(second)),
        }
    }
}

/// Tracks between one clip and the next.
const STRIDE: usize = 53;

fn excerpt(pcm: Pcm) -> Pcm {
    let at = |seconds: f64| ((seconds * f64::from(pcm.sample_rate_hz)) as usize).min(pcm.samples());
    let range = at(CLIP_BEGIN_SECONDS)..at(CLIP_BEGIN_SECONDS + CLIP_SECONDS);
    let channels = pcm.channels.iter().map(|channel| channel[range.clone()].to_vec()).collect();
    Pcm { sample_rate_hz: pcm.sample_rate_hz, channels }
}

/// What is heard of a clip that is coded with `tuning` at a bitrate.
pub fn score(reference: &Reference, tuning: &Tuning, rate: RateTarget) -> Result<Heard> {
    let mut config = EncoderConfig::default();
    (config.rate, config.tuning) = (rate, Some(*tuning));
    let file = encode(reference.pcm(), &config, &Metadata::default())?;
    let scores = reference.score(&decode(&file)?.pcm.channels);
    Heard::of(&scores).context("a clip that cannot be scored")
}
