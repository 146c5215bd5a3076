//! `melisma listen prepare`: clips through codecs, at even levels, beside hidden reference and anchors, as a folder.

use crate::commands::bench::clips;
use crate::commands::report::refuse_existing;
use crate::excerpt::{self, Excerpt, Wanted};
use crate::exit::Outcome;
use crate::progress::Counter;
use crate::{examples, interrupt, message, text, values};
use anyhow::{Context, bail, ensure};
use melisma_eval::anchors::{self, low_passed};
use melisma_eval::listening_test::{LOW_ANCHOR, MID_ANCHOR, REFERENCE};
use melisma_media::LoudnessMeter;
use melisma_report::listening_test::{ClipSounds, ListeningTest, Stimulus, TestTrial};
use melisma_signal::Pcm;
use rayon::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Flags of `listen prepare`.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::LISTEN_PREPARE)]
pub struct PrepareArguments {
    /// Music: files and folders, in any format that encode reads; without it: six built-in pieces
    #[arg(value_name = "CLIPS")]
    music: Vec<PathBuf>,
    /// File with a path of music a line; # begins a comment
    #[arg(long, value_name = "FILE")]
    list: Vec<PathBuf>,
    /// The folder to write: index.html, and the sounds of each clip; open index.html in a browser
    #[arg(short, long, value_name = "DIR", default_value = "listening-test")]
    output: PathBuf,
    /// At most so many clips, evenly spread over the music
    #[arg(long, value_name = "N", default_value = "20", value_parser = clap::value_parser!(u16).range(1..=100))]
    clips: u16,
    /// Length of each clip, from its middle: 2 to 20 seconds
    #[arg(long, value_name = "TIME", value_parser = values::seconds, allow_negative_numbers = true, default_value = "8")]
    seconds: f64,
    /// Rates in kbit/s, separated by commas: each is a trial of its own; a codec takes the nearest that it can do
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = values::kbps, default_value = "12,24,48")]
    rates: Vec<f64>,
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "melisma,opus,mp3", help = codecs_help())]
    codecs: Vec<String>,
    /// Heading of the page
    #[arg(long, value_name = "TEXT", default_value = "Listening test")]
    title: String,
    /// Overwrite what is there
    #[arg(short, long)]
    force: bool,
}

/// Lengths that a clip may have, in seconds; ITU-R BS.1534 asks for about 10 and at most 12.
const SECONDS: std::ops::RangeInclusive<f64> = 2.0..=20.0;
/// A trial has hidden reference, two anchors and these: no more than can be compared.
const MOST_CODECS: usize = 6;
/// Every reference is played at this loudness, unless a peak would not fit.
const LOUDNESS_LUFS: f32 = -23.0;
/// Largest sample of any version.
const PEAK: f32 = 0.98;
/// Clips begin and end in this time, so that a loop does not click.
const FADE_S: f64 = 0.01;

/// Help of `--codecs`, from the list of codecs.
fn codecs_help() -> String {
    format!("Codecs, separated by commas, of {}", excerpt::codec_names())
}

impl PrepareArguments {
    /// Codes the clips and writes the folder.
    pub fn run(self, quiet: bool) -> anyhow::Result<Outcome> {
        let page = self.output.join("index.html");
        refuse_existing(&page, self.force)?;
        ensure!(SECONDS.contains(&self.seconds), "--seconds is from 2 to 20");
        ensure!(self.codecs.len() <= MOST_CODECS, "more than {MOST_CODECS} codecs are too many to compare");
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        let wanted = Wanted::find(&self.codecs, &program)?;
        if wanted.iter().all(|codec| codec.codecs.is_err()) {
            bail!("none of the codecs is installed");
        }
        let (names, set) = self.chosen()?;

        let scratch = tempfile::Builder::new().prefix("melisma-listen-").tempdir()?;
        interrupt::remove_too(scratch.path());
        let points = self.rates.len() * wanted.iter().filter(|codec| codec.codecs.is_ok()).count();
        let counter = Mutex::new(Counter::new(set.len() * points, "versions", quiet));
        let id = self.id(&wanted, &set)?;
        let mut written = Vec::with_capacity(set.len());
        for (index, (name, clip)) in names.iter().zip(&set).enumerate() {
            let sounds = self.sounds(name, clip, &wanted, scratch.path(), &counter)?;
            interrupt::wait_if_requested();
            written.push(sounds.write(&id, index, &self.output)?);
        }
        counter.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let test = ListeningTest {
            title: self.title,
            id,
            recipes: wanted.iter().flat_map(Wanted::recipes).collect(),
            clips: written,
        };
        test.write(&self.output, self.force)?;
        if !quiet {
            let trials = text::count(test.clips.len() * self.rates.len(), "trial");
            message::say(&text::printable(&format!(
                "{}: {}, {trials}; open it in a browser",
                page.display(),
                text::count(test.clips.len(), "clip")
            )));
        }
        Ok(Outcome::Success)
    }

    /// The clips that are taken, with their names.
    fn chosen(&self) -> anyhow::Result<(Vec<String>, Vec<clips::Clip>)> {
        let all = clips::gather(&self.music, &self.list, self.seconds)?;
        let names = clips::names(&all);
        let (count, most) = (all.len(), usize::from(self.clips));
        let taken: Vec<usize> =
            if count <= most { (0..count).collect() } else { (0..most).map(|n| n * count / most).collect() };
        let both = names.into_iter().zip(all).enumerate().filter(|(index, _)| taken.contains(index));
        Ok(both.map(|(_, pair)| pair).unzip())
    }

    /// Another test, another name: answers of one are not taken for answers of the other.
    fn id(&self, wanted: &[Wanted], set: &[clips::Clip]) -> anyhow::Result<String> {
        let mut what =
            format!("{} {} {:?} {:?}", env!("CARGO_PKG_VERSION"), self.seconds, self.rates, self.title);
        for (name, recipe) in wanted.iter().flat_map(Wanted::recipes) {
            what += &format!(" {name} {recipe}");
        }
        set.iter().for_each(|clip| what += &clip.fingerprint());
        let mut hash = melisma_signal::random::mix(what.len() as u64);
        for byte in what.bytes() {
            hash = melisma_signal::random::mix(hash ^ u64::from(byte));
        }
        Ok(format!("{hash:016x}"))
    }

    /// One clip in all its versions: the reference, the anchors, then the codecs at each rate.
    fn sounds(
        &self,
        name: &str,
        clip: &clips::Clip,
        wanted: &[Wanted],
        scratch: &Path,
        counter: &Mutex<Counter>,
    ) -> anyhow::Result<ClipSounds> {
        let pcm = clip.load().with_context(|| name.to_owned())?;
        ensure!(pcm.seconds() >= 1.0, "{name}: shorter than a second is too short to judge");
        let excerpt = Excerpt::new(&pcm, scratch)?;
        let reference = excerpt.reference.pcm();
        let points: Vec<(f64, &Wanted)> =
            self.rates.iter().flat_map(|&rate| wanted.iter().map(move |codec| (rate, codec))).collect();
        let coded: Vec<Option<(Pcm, f64)>> = points
            .par_iter()
            .map(|&(rate, codec)| {
                let Some((program, point)) = codec.nearest(rate) else { return Ok(None) };
                let coded = excerpt.coded(program, &point);
                let mut counter = counter.lock().unwrap_or_else(PoisonError::into_inner);
                counter.one_more(&format!("{name}: {} at {rate}", codec.name));
                coded.map(Some).with_context(|| format!("{name}: {} at {rate} kbit/s", codec.name))
            })
            .collect::<anyhow::Result<_>>()?;

        let mut sounds = vec![
            reference.clone(),
            low_passed(reference, anchors::LOW_HZ),
            low_passed(reference, anchors::MID_HZ),
        ];
        let mut trials: Vec<TestTrial> = Vec::new();
        for (&(rate, codec), coded) in points.iter().zip(coded) {
            if trials.last().is_none_or(|trial| trial.nominal_kbps.total_cmp(&rate).is_ne()) {
                let plain = [REFERENCE, LOW_ANCHOR, MID_ANCHOR].into_iter().enumerate();
                let stimulus = |(sound, condition): (usize, &str)| Stimulus {
                    condition: condition.to_owned(),
                    file_kbps: None,
                    sound,
                };
                trials.push(TestTrial { nominal_kbps: rate, stimuli: plain.map(stimulus).collect() });
            }
            if let (Some((pcm, kbps)), Some(trial)) = (coded, trials.last_mut()) {
                let stimulus =
                    Stimulus { condition: codec.name.clone(), file_kbps: Some(kbps), sound: sounds.len() };
                trial.stimuli.push(stimulus);
                sounds.push(pcm);
            }
        }
        even_out(&mut sounds)?;
        Ok(ClipSounds { name: name.to_owned(), sounds, trials })
    }
}

/// Brings the reference, which is the first, to the common loudness, all others by the same gain; fades the ends.
fn even_out(sounds: &mut [Pcm]) -> anyhow::Result<()> {
    let Some(reference) = sounds.first() else { return Ok(()) };
    let mut meter = LoudnessMeter::new(reference.sample_rate_hz, reference.channel_count())?;
    meter.push(reference)?;
    let loudness = meter.finish().map_or(f32::NEG_INFINITY, |loudness| loudness.integrated_lufs);
    let samples = || sounds.iter().flat_map(|sound| sound.channels.iter().flatten());
    let peak = samples().fold(0.0f32, |peak, x| peak.max(x.abs()));
    let room = if peak > 0.0 { PEAK / peak } else { 1.0 };
    let wanted = if loudness.is_finite() { 10f32.powf((LOUDNESS_LUFS - loudness) / 20.0) } else { 1.0 };
    let gain = wanted.min(room);
    for sound in sounds {
        let fade = ((FADE_S * f64::from(sound.sample_rate_hz)) as usize).min(sound.samples() / 2);
        for channel in &mut sound.channels {
            channel.iter_mut().for_each(|x| *x *= gain);
            for n in 0..fade {
                let weight = (n as f32 + 0.5) / fade as f32;
                channel[n] *= weight;
                let last = channel.len() - 1 - n;
                channel[last] *= weight;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use melisma_synth::signals;

    #[test]
    fn versions_are_as_loud_as_before_relative_to_each_other() {
        let tone = signals::stereo(signals::sine(44_100, 3.0, 997.0), signals::sine(44_100, 3.0, 997.0));
        let half = Pcm {
            sample_rate_hz: 44_100,
            channels: tone.channels.iter().map(|c| c.iter().map(|x| x / 2.0).collect()).collect(),
        };
        let mut sounds = [tone, half];
        even_out(&mut sounds).unwrap();
        let mut meter = LoudnessMeter::new(44_100, 2).unwrap();
        meter.push(&sounds[0]).unwrap();
        let loudness = meter.finish().unwrap().integrated_lufs;
        // The fades, 20 ms of 3 s, cost less than this.
        assert!((loudness - LOUDNESS_LUFS).abs() < 0.1, "{loudness}");
        for n in 1000..2000 {
            assert!((sounds[1].channels[0][n] * 2.0 - sounds[0].channels[0][n]).abs() < 1e-6);
        }
        assert!(sounds[0].channels[0][0].abs() < 1e-3 && sounds[0].channels[1].last().unwrap().abs() < 1e-3);
    }

    #[test]
    fn a_peak_that_does_not_fit_takes_the_loudness_with_it() {
        let quiet = signals::scaled(signals::sine(44_100, 3.0, 997.0), 0.001);
        let mut peaked = quiet.clone();
        peaked.channels[0][60_000] = 0.9;
        let mut sounds = [quiet, peaked];
        even_out(&mut sounds).unwrap();
        assert!((sounds[1].channels[0][60_000] - PEAK).abs() < 1e-6);
    }
}
