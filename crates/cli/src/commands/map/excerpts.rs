//! Excerpts for files that browsers cannot play: a few seconds as a small `.mlsm` file, which the page decodes by itself.

use crate::input::{self, Codec};
use crate::progress::Counter;
use melisma_codec::{Encoder, EncoderConfig, RateTarget, StreamFormat};
use melisma_library::Index;
use melisma_media::{AudioSource, Input, LoudnessMeter, OpenOptions};
use melisma_report::map::MapTrack;
use melisma_signal::{Metadata, Pcm};
use rayon::prelude::*;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Length of an excerpt.
const SECONDS: f64 = 6.0;
/// Rate of an excerpt, which is mono.
const BITRATE_BPS: u32 = 16_000;
/// Where listening begins, as a part of the track: most introductions are over there.
const START: f32 = 0.3;
/// What the usual browsers play; of the others some play AIFF, ALAC and Matroska.
const PLAYED: [&str; 11] = ["wav", "wave", "flac", "mp3", "ogg", "oga", "opus", "m4a", "mp4", "aac", "m4b"];

/// Where listening to a track begins.
pub fn start_seconds(seconds: f32) -> f32 {
    (START * seconds).min(seconds - SECONDS as f32).max(0.0)
}

/// Adds excerpts to at most `most` tracks of those that need one, evenly over the library. A file that cannot be read
/// any more has none.
pub fn add(tracks: &mut [MapTrack], index: &Index, folder: &Path, most: usize, quiet: bool) {
    let needs = |path: &str| {
        let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension).to_lowercase();
        !PLAYED.contains(&extension.as_str())
    };
    let needing: Vec<usize> = (0..tracks.len()).filter(|&track| needs(&index.tracks[track].path)).collect();
    let count = needing.len().min(most);
    let chosen: Vec<usize> = (0..count).map(|number| needing[number * needing.len() / count]).collect();
    let counter = Mutex::new(Counter::new(count, "excerpts", quiet));
    let excerpt = |&track: &usize| {
        let known = &index.tracks[track];
        let excerpt = excerpt(&folder.join(&known.path), f64::from(start_seconds(known.sound.seconds)));
        counter.lock().unwrap_or_else(PoisonError::into_inner).one_more(&known.path);
        (track, excerpt.ok())
    };
    let made: Vec<(usize, Option<Vec<u8>>)> = chosen.par_iter().map(excerpt).collect();
    counter.lock().unwrap_or_else(PoisonError::into_inner).clear();
    for (track, excerpt) in made {
        tracks[track].excerpt = excerpt;
    }
}

fn excerpt(file: &Path, start_seconds: f64) -> anyhow::Result<Vec<u8>> {
    let input = Input::Path(file.to_path_buf());
    let is_melisma = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("mlsm"));
    let pcm = if is_melisma { of_melisma(&input, start_seconds)? } else { of_audio(&input, start_seconds)? };
    encode(&mono(pcm))
}

fn of_melisma(input: &Input, start_seconds: f64) -> anyhow::Result<Pcm> {
    let opened = input::open(input)?;
    let codec = Codec::of(opened.reader.header(), None)?;
    let mut sound = codec.play(opened)?;
    let (rate_hz, channels) = (sound.header().sample_rate_hz, sound.header().channel_count);
    let wanted = (SECONDS * f64::from(rate_hz)) as usize;
    let first = (start_seconds * f64::from(rate_hz)) as u64;
    if first > 0 {
        sound.skip_to(first)?;
    }
    let mut pcm = Pcm::empty(rate_hz, channels);
    while pcm.samples() < wanted {
        let Some(block) = sound.next_block()? else { break };
        pcm.append(&block);
    }
    pcm.channels.iter_mut().for_each(|channel| channel.truncate(wanted));
    Ok(pcm)
}

fn of_audio(input: &Input, start_seconds: f64) -> anyhow::Result<Pcm> {
    let options = OpenOptions::default().with_mono(true).with_range(start_seconds, Some(SECONDS));
    Ok(AudioSource::open(input, &options)?.read_to_end()?)
}

fn mono(pcm: Pcm) -> Pcm {
    let share = 1.0 / pcm.channel_count().max(1) as f32;
    let mix = |i| pcm.channels.iter().map(|channel| channel[i]).sum::<f32>() * share;
    let channels = vec![(0..pcm.samples()).map(mix).collect()];
    Pcm { channels, sample_rate_hz: pcm.sample_rate_hz }
}

fn encode(pcm: &Pcm) -> anyhow::Result<Vec<u8>> {
    let mut config = EncoderConfig::default();
    config.rate = RateTarget::Bitrate(BITRATE_BPS);
    let format = StreamFormat {
        sample_rate_hz: pcm.sample_rate_hz,
        channel_count: 1,
        original_sample_rate_hz: None,
        total_samples: Some(pcm.samples() as u64),
    };
    let mut meter = LoudnessMeter::new(pcm.sample_rate_hz, 1)?;
    meter.push(pcm)?;
    let mut encoder = Encoder::new(config, format, &Metadata::default())?;
    let mut file = Vec::new();
    encoder.push(pcm, &mut file)?;
    encoder.finish(meter.finish(), &mut file)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listening_begins_inside_of_the_track() {
        assert!((start_seconds(100.0) - 30.0).abs() < 1e-4, "rounded");
        assert_eq!(start_seconds(7.0), 1.0);
        assert_eq!(start_seconds(3.0), 0.0);
        assert_eq!(start_seconds(f32::NAN), 0.0);
    }

    #[test]
    fn an_excerpt_is_small_and_as_long_as_said() {
        let tone = |i: usize| 0.2 * (0.05 * i as f32).sin();
        let channel: Vec<f32> = (0..(SECONDS * 22_050.0) as usize).map(tone).collect();
        let pcm = Pcm { channels: vec![channel.clone(), channel], sample_rate_hz: 22_050 };
        let file = encode(&mono(pcm)).unwrap();
        let decoded = melisma_codec::decode(&file).unwrap();
        assert_eq!((decoded.pcm.channel_count(), decoded.pcm.samples()), (1, 132_300));
        // 16 kbit/s for 6 s are 12 kB; a sine takes less.
        assert!(file.len() < 15_000, "{} bytes", file.len());
    }
}
