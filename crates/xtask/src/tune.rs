//! The encoder's settings by measurement: successive halving over random candidates, on training clips alone.
//!
//! ```text
//! manifest -> clips -> at each rate: candidates -encode, decode, score-> the better third, on more clips -> ... -> log
//! ```
//! A candidate's cost is the mean over clips of how much worse it is than today's settings, at the same bitrate: the
//! logarithm of the ratio of zimtohrli, half of that of mel L1, and a tenth of each dB of NMR, so that no one metric decides.
//! Source: Karnin, Koren and Somekh 2013, "Almost Optimal Exploration in Multi-Armed Bandits" (sequential halving).

use crate::training_music::{read, training_tracks};
use anyhow::{Context, Result, ensure};
use melisma_codec::{EncoderConfig, RateTarget, StreamFormat, Tune, Tuning, decode, encode};
use melisma_eval::{Metric, Reference, class::Class};
use melisma_signal::{Metadata, Pcm};
use rayon::prelude::*;
use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

/// What to search on, and how widely.
#[derive(clap::Args)]
pub struct Options {
    /// Tab-separated list of tracks with columns `file` and `split`; only split `train` is read.
    #[arg(long)]
    manifest: PathBuf,
    /// Folder that the manifest's files are relative to.
    #[arg(long)]
    root: PathBuf,
    /// Bitrates in kbit/s.
    #[arg(long, value_delimiter = ',', default_value = "8,16,32,64")]
    rates_kbps: Vec<u32>,
    /// Clips of the last round; half of them have attacks.
    #[arg(long, default_value_t = 16)]
    clips: usize,
    /// Candidates of the first round, today's settings among them.
    #[arg(long, default_value_t = 16)]
    candidates: usize,
    /// Start of the random numbers.
    #[arg(long, default_value_t = 1)]
    seed: u32,
    /// File that every measurement is written to.
    #[arg(long, default_value = "docs/results/tuning.tsv")]
    output: PathBuf,
}

/// Seconds of a track that are coded, and where they begin.
const CLIP_SECONDS: f64 = 10.0;
const CLIP_BEGIN_SECONDS: f64 = 5.0;

/// What a dB of NMR, and what a natural logarithm of mel L1, counts against a natural logarithm of zimtohrli.
const NMR_WEIGHT: f64 = 0.1;
const MEL_WEIGHT: f64 = 0.5;

/// Clips of the first round; each round takes twice as many, and keeps a third of its candidates.
const FIRST_CLIPS: usize = 4;

/// Searches at every rate and writes the log.
pub fn run(options: &Options) -> Result<()> {
    let clips = clips(&options.manifest, &options.root, options.clips)?;
    let mut log = String::from(
        "# kbps\tclips\tcost\tzimtohrli\tnmr_db\tmel_l1\tshaping\ttilt\tnoise\tlambda\tanalysis_finer_by\tscale_bits\tunevenness\trotation_bits\tscale_lambda\tband_threshold\tcentroid_share\tmasking\n",
    );
    let mut random = Random(options.seed);
    for &kbps in &options.rates_kbps {
        let format = StreamFormat { sample_rate_hz: 44_100, channel_count: 2, ..StreamFormat::default() };
        let rate = RateTarget::Bitrate(kbps * 1000);
        let today = Tuning::new(Tune::Music).at_rate(rate.nominal_bits_per_sample(&format));
        let mut candidates: Vec<Tuning> = vec![today];
        candidates.extend((1..options.candidates).map(|_| random.near(&today)));
        let mut used = FIRST_CLIPS.min(clips.len());
        loop {
            let measured = measure(&clips[..used], &candidates, rate)?;
            let mut ranked: Vec<(Tuning, Figures)> = candidates.into_iter().zip(measured).collect();
            ranked.sort_by(|a, b| a.1.cost().total_cmp(&b.1.cost()));
            for (tuning, figures) in &ranked {
                log.push_str(&row(kbps, used, tuning, figures)?);
            }
            let best = ranked.first().context("no candidate")?;
            eprint!("{}", row(kbps, used, &best.0, &best.1)?);
            if used == clips.len() {
                break;
            }
            // Today's settings stay, for the others are measured against them.
            let kept = ranked.len().div_ceil(3);
            candidates = vec![today];
            let others = ranked.iter().map(|(tuning, _)| *tuning).filter(|tuning| *tuning != today);
            candidates.extend(others.take(kept));
            used = (2 * used).min(clips.len());
        }
    }
    fs::write(&options.output, log).with_context(|| format!("cannot write {}", options.output.display()))
}

/// A clip with all that scoring needs of it.
pub struct Clip {
    pub pcm: Pcm,
    class: Class,
}

/// Clips spread over the manifest's training tracks, with and without attacks in turn.
pub fn clips(manifest: &Path, root: &Path, count: usize) -> Result<Vec<Clip>> {
    let tracks = training_tracks(manifest, root)?;
    ensure!(!tracks.is_empty(), "{} lists no training track", manifest.display());
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

/// Means over clips against today's settings.
#[derive(Clone, Copy, Default)]
struct Figures {
    /// Logarithm of the ratio of zimtohrli.
    zimtohrli_ln: f64,
    /// Difference of NMR, in dB.
    nmr_db: f64,
    /// Logarithm of the ratio of mel L1.
    mel_ln: f64,
}

impl Figures {
    fn against(here: &[f64; 3], today: &[f64; 3]) -> Self {
        Self {
            zimtohrli_ln: (here[0] / today[0]).ln(),
            nmr_db: here[1] - today[1],
            mel_ln: (here[2] / today[2]).ln(),
        }
    }

    fn cost(&self) -> f64 {
        self.zimtohrli_ln + NMR_WEIGHT * self.nmr_db + MEL_WEIGHT * self.mel_ln
    }
}

/// The cost of one clip's scores against others of it.
pub fn cost_against(here: &[f64; 3], today: &[f64; 3]) -> f64 {
    Figures::against(here, today).cost()
}

/// Codes every clip with every candidate; the first candidate is what the others are measured against.
fn measure(clips: &[Clip], candidates: &[Tuning], rate: RateTarget) -> Result<Vec<Figures>> {
    let scores: Vec<Vec<[f64; 3]>> = clips
        .par_iter()
        .map(|clip| {
            let reference = Reference::new(clip.pcm.clone());
            candidates.iter().map(|tuning| score(&reference, tuning, rate)).collect()
        })
        .collect::<Result<_>>()?;
    let mean = |candidate: usize| {
        let mut sum = Figures::default();
        for clip in &scores {
            let figures = Figures::against(&clip[candidate], &clip[0]);
            sum.zimtohrli_ln += figures.zimtohrli_ln / scores.len() as f64;
            sum.nmr_db += figures.nmr_db / scores.len() as f64;
            sum.mel_ln += figures.mel_ln / scores.len() as f64;
        }
        sum
    };
    Ok((0..candidates.len()).map(mean).collect())
}

/// Zimtohrli, NMR and mel L1 of a clip.
pub fn score(reference: &Reference, tuning: &Tuning, rate: RateTarget) -> Result<[f64; 3]> {
    let mut config = EncoderConfig::default();
    (config.rate, config.tuning) = (rate, Some(*tuning));
    let file = encode(reference.pcm(), &config, &Metadata::default())?;
    let scores = reference.score(&decode(&file)?.pcm.channels);
    let of = |metric: Metric| {
        scores.get(&metric).copied().with_context(|| format!("no {} of a clip", metric.name()))
    };
    Ok([of(Metric::Zimtohrli)?.max(1e-7), of(Metric::Nmr)?, of(Metric::MelL1)?.max(1e-7)])
}

fn row(kbps: u32, clips: usize, tuning: &Tuning, figures: &Figures) -> Result<String> {
    let mut row = String::new();
    let &Figures { zimtohrli_ln, nmr_db, mel_ln } = figures;
    write!(
        row,
        "{kbps}\t{clips}\t{:.4}\t{:.4}\t{nmr_db:.3}\t{:.4}",
        figures.cost(),
        zimtohrli_ln.exp(),
        mel_ln.exp()
    )?;
    let t = tuning;
    write!(row, "\t{}\t{}\t{}\t{:.3}\t{}", t.shaping, t.tilt, t.noise, t.lambda, t.analysis_finer_by)?;
    write!(row, "\t{:.2}\t{:.2}\t{:.1}", t.scale_bits, t.unevenness, t.rotation_bits)?;
    write!(row, "\t{:.2}\t{:.2}", t.scale_lambda, t.band_threshold)?;
    writeln!(row, "\t{:.2}\t{:.2}", t.centroid_share, t.masking)?;
    Ok(row)
}

/// Random numbers, the same on every machine.
struct Random(u32);

impl Random {
    /// Uniform from -1 to 1.
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as f32 / 8_388_608.0 - 1.0
    }

    /// Settings about those given, each within a range that covers what was ever good.
    fn near(&mut self, tuning: &Tuning) -> Tuning {
        let mut moved = |value: f32, by: f32| value + by * self.next();
        let around = |value: f32| value.round().clamp(0.0, 255.0) as u8;
        Tuning {
            shaping: around(moved(f32::from(tuning.shaping), 14.0)),
            tilt: around(moved(f32::from(tuning.tilt), 7.0)),
            noise: around(moved(f32::from(tuning.noise), 10.0)),
            lambda: moved(tuning.lambda, 0.03),
            analysis_finer_by: moved(f32::from(tuning.analysis_finer_by), 24.0).max(0.0) as u16,
            scale_bits: moved(tuning.scale_bits, 0.7).max(0.2),
            unevenness: moved(tuning.unevenness, 0.3).max(0.0),
            rotation_bits: moved(tuning.rotation_bits, 10.0).max(0.0),
            scale_lambda: moved(tuning.scale_lambda, 0.8).max(0.1),
            band_threshold: moved(tuning.band_threshold, 0.12),
            centroid_share: moved(tuning.centroid_share, 0.3).clamp(0.0, 1.0),
            masking: moved(tuning.masking, 0.3).max(0.0),
            ..*tuning
        }
    }
}
