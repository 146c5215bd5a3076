//! The encoder's settings by measurement: successive halving over random candidates, on training clips alone.
//!
//! ```text
//! manifest -> clips -> at each rate: candidates -encode, decode, score-> the better third, on more clips -> ... -> log
//! ```
//! A candidate's cost is the mean over clips of that of [`crate::trial`] against today's settings.
//! Source: Karnin, Koren and Somekh 2013, "Almost Optimal Exploration in Multi-Armed Bandits" (sequential halving).

use crate::{
    training_music::TrainingMusic,
    trial::{Clip, clips, score, todays},
};
use anyhow::{Context, Result};
use melisma_codec::{RateTarget, Tuning};
use melisma_eval::{
    Reference,
    objective::{Difference, Heard},
};
use rayon::prelude::*;
use std::{fmt::Write, fs, path::PathBuf};

/// What to search on, and how widely.
#[derive(clap::Args)]
pub struct Options {
    #[command(flatten)]
    music: TrainingMusic,
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

/// Clips of the first round; each round takes twice as many, and keeps a third of its candidates.
const FIRST_CLIPS: usize = 4;

/// Searches at every rate and writes the log.
pub fn run(options: &Options) -> Result<()> {
    let clips = clips(&options.music, options.clips)?;
    let mut log = String::from(
        "# kbps\tclips\tcost\tzimtohrli\tnmr_db\tmel_l1\tshaping\ttilt\tnoise\tlambda\tanalysis_finer_by\tscale_bits\tunevenness\trotation_bits\tscale_lambda\tband_threshold\tcentroid_share\tmasking\n",
    );
    let mut random = Random(options.seed);
    for &kbps in &options.rates_kbps {
        let rate = RateTarget::Bitrate(kbps * 1000);
        let today = todays(rate);
        let mut candidates: Vec<Tuning> = vec![today];
        candidates.extend((1..options.candidates).map(|_| random.near(&today)));
        let mut used = FIRST_CLIPS.min(clips.len());
        loop {
            let measured = measure(&clips[..used], &candidates, rate)?;
            let mut ranked: Vec<(Tuning, Difference)> = candidates.into_iter().zip(measured).collect();
            ranked.sort_by(|a, b| a.1.cost().total_cmp(&b.1.cost()));
            for (tuning, difference) in &ranked {
                log.push_str(&row(kbps, used, tuning, difference)?);
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

/// Codes every clip with every candidate; the first candidate is what the others are measured against.
fn measure(clips: &[Clip], candidates: &[Tuning], rate: RateTarget) -> Result<Vec<Difference>> {
    let scores: Vec<Vec<Heard>> = clips
        .par_iter()
        .map(|clip| {
            let reference = Reference::new(clip.pcm.clone());
            candidates.iter().map(|tuning| score(&reference, tuning, rate)).collect()
        })
        .collect::<Result<_>>()?;
    let mean = |candidate: usize| {
        let mut sum = Difference::default();
        for clip in &scores {
            let difference = Difference::between(&clip[candidate], &clip[0]);
            sum.zimtohrli_ln += difference.zimtohrli_ln / scores.len() as f64;
            sum.nmr_db += difference.nmr_db / scores.len() as f64;
            sum.mel_ln += difference.mel_ln / scores.len() as f64;
        }
        sum
    };
    Ok((0..candidates.len()).map(mean).collect())
}

fn row(kbps: u32, clips: usize, tuning: &Tuning, difference: &Difference) -> Result<String> {
    let mut row = String::new();
    let &Difference { zimtohrli_ln, nmr_db, mel_ln } = difference;
    write!(
        row,
        "{kbps}\t{clips}\t{:.4}\t{:.4}\t{nmr_db:.3}\t{:.4}",
        difference.cost(),
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
