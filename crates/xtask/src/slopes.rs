//! Where the best value of each of the encoder's settings lies, from moving one at a time, on training clips alone.
//!
//! ```text
//! clips -each setting moved up and down, encode, decode, score-> slope and bend of the cost -> minimum of the parabola
//! ```
//! The cost is that of [`crate::trial`], against today's settings at the same bitrate. A mean over clips tells where a setting
//! should go at each rate; how far clips differ tells what a choice for each clip could gain.

use crate::{
    training_music::TrainingMusic,
    trial::{Clip, clips, score, todays},
};
use anyhow::{Context, Result};
use melisma_codec::{RateTarget, Tuning};
use melisma_eval::{Reference, objective::Difference};
use rayon::prelude::*;
use std::{fmt::Write, fs, path::PathBuf};

/// What to measure on.
#[derive(clap::Args)]
pub struct Options {
    #[command(flatten)]
    music: TrainingMusic,
    /// Bitrates in kbit/s.
    #[arg(long, value_delimiter = ',', default_value = "16,32,64")]
    rates_kbps: Vec<u32>,
    /// Clips; half of them have attacks.
    #[arg(long, default_value_t = 72)]
    clips: usize,
    /// File that every slope is written to.
    #[arg(long, default_value = "docs/results/slopes.tsv")]
    output: PathBuf,
}

/// A setting: its name, how far it is moved, and the move.
struct Setting {
    name: &'static str,
    unit: f32,
    moved: fn(Tuning, f32) -> Tuning,
}

const SETTINGS: [Setting; 5] = [
    Setting {
        name: "shaping",
        unit: 10.0,
        moved: |tuning, by| Tuning { shaping: byte(tuning.shaping, by), ..tuning },
    },
    Setting { name: "tilt", unit: 5.0, moved: |tuning, by| Tuning { tilt: byte(tuning.tilt, by), ..tuning } },
    Setting {
        name: "noise",
        unit: 10.0,
        moved: |tuning, by| Tuning { noise: byte(tuning.noise, by), ..tuning },
    },
    Setting {
        name: "masking",
        unit: 0.2,
        moved: |tuning, by| Tuning { masking: (tuning.masking + by).max(0.0), ..tuning },
    },
    Setting {
        name: "lambda",
        unit: 0.03,
        moved: |tuning, by| Tuning { lambda: (tuning.lambda + by).max(0.01), ..tuning },
    },
];

fn byte(value: u8, by: f32) -> u8 {
    (f32::from(value) + by).round().clamp(0.0, 255.0) as u8
}

/// Least bend that is believed, in cost at one unit: below, a parabola's minimum is anywhere.
const LEAST_BEND: f64 = 0.004;

/// Furthest that a setting should go at once, in units: as far as the parabola may be believed.
const FURTHEST: f64 = 2.0;

/// What one clip's cost does about a setting: half the difference of the costs above and below, and half their sum.
#[derive(Clone, Copy, Default)]
struct Response {
    slope: f64,
    bend: f64,
}

/// Measures, writes every clip's slopes, and prints where each setting should go.
pub fn run(options: &Options) -> Result<()> {
    let clips = clips(&options.music, options.clips)?;
    let mut log = String::from("# kbps\tclip");
    for Setting { name, unit, .. } in &SETTINGS {
        write!(log, "\t{name} slope per {unit}\tbend")?;
    }
    log.push('\n');
    for &kbps in &options.rates_kbps {
        let found: Vec<[Response; SETTINGS.len()]> =
            clips.par_iter().map(|clip| responses(clip, kbps)).collect::<Result<_>>()?;
        for (number, responses) in found.iter().enumerate() {
            write!(log, "{kbps}\t{number}")?;
            for Response { slope, bend } in responses {
                write!(log, "\t{slope:.4}\t{bend:.4}")?;
            }
            log.push('\n');
        }
        for (number, setting) in SETTINGS.iter().enumerate() {
            println!(
                "{kbps} kbit/s: {}",
                summary(setting, &found.iter().map(|of| of[number]).collect::<Vec<_>>())
            );
        }
    }
    fs::write(&options.output, log).with_context(|| format!("cannot write {}", options.output.display()))
}

fn responses(clip: &Clip, kbps: u32) -> Result<[Response; SETTINGS.len()]> {
    let rate = RateTarget::Bitrate(kbps * 1000);
    let today = todays(rate);
    let reference = Reference::new(clip.pcm.clone());
    let before = score(&reference, &today, rate)?;
    let mut responses = [Response::default(); SETTINGS.len()];
    for (response, Setting { unit, moved, .. }) in responses.iter_mut().zip(&SETTINGS) {
        let cost = |by| {
            score(&reference, &moved(today, by), rate).map(|here| Difference::between(&here, &before).cost())
        };
        let (up, down) = (cost(*unit)?, cost(-unit)?);
        *response = Response { slope: 0.5 * (up - down), bend: 0.5 * (up + down) };
    }
    Ok(responses)
}

/// Where a setting should go for all clips, and what it would gain; and what a choice for each clip would, with hindsight.
fn summary(setting: &Setting, responses: &[Response]) -> String {
    let mean = |of: &dyn Fn(&Response) -> f64| responses.iter().map(of).sum::<f64>() / responses.len() as f64;
    let bend = mean(&|response| response.bend).max(LEAST_BEND);
    let best = |slope: f64| (-0.5 * slope / bend).clamp(-FURTHEST, FURTHEST);
    let cost = |response: &Response, by: f64| response.slope * by + bend * by * by;
    let by = best(mean(&|response| response.slope));
    format!(
        "{} by {:+.2}, cost {:+.4}; for each clip by itself, cost {:+.4}",
        setting.name,
        by * f64::from(setting.unit),
        mean(&|response| cost(response, by)),
        mean(&|response| cost(response, best(response.slope))),
    )
}
