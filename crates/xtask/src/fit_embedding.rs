//! The table of the embedding from unlabelled music: `crates/understanding/model/embedding.bin`.
//!
//! The only thing that is known of two pieces of sound is whether they are of one track. Axes along which pieces of one track
//! differ (another part of it, another bitrate) are made narrow, what then still differs between tracks is evened out: within-class
//! covariance normalisation (Hatch, Kajarekar and Stolcke, "Within-class covariance normalization for SVM-based speaker
//! recognition", Interspeech 2006) with the track as the class, and a partial whitening of what is between.
//!
//! ```text
//! tracks -encode at RATES_KBPS, whole and halves-> features -scale, principal components-> [KEPT]
//!   -differences within tracks made round-> -principal components of the tracks' middles, partly whitened-> [dimension]
//! ```

use crate::training_music::{TrainingMusic, read};
use anyhow::{Context, Result, ensure};
use melisma_codec::{EncoderConfig, Models, RateTarget, encode};
use melisma_explore::{Pca, Points};
use melisma_signal::Metadata;
use melisma_understanding::{EmbeddingTable, Scaling, TrackSketch, features};
use rayon::prelude::*;
use std::path::{Path, PathBuf};

/// The music to learn from, and how much is kept.
#[derive(clap::Args)]
pub struct Options {
    #[command(flatten)]
    music: TrainingMusic,
    /// Principal components that are kept.
    #[arg(long, default_value_t = 100)]
    kept: usize,
    /// What is added to the variance within tracks along each axis, as a share of the mean variance.
    #[arg(long, default_value_t = 1.0)]
    shrinkage: f64,
    /// Axes are divided by this power of the variance between tracks.
    #[arg(long, default_value_t = 0.25)]
    whitening: f64,
    /// Dimensions of the embedding.
    #[arg(long, default_value_t = 96)]
    dimensions: usize,
    /// File that the table is written to.
    #[arg(long, default_value = "crates/understanding/model/embedding.bin")]
    output: PathBuf,
}

/// Bitrates that each track is coded at.
const RATES_KBPS: [u32; 2] = [6, 16];

/// Pieces of a track in halves of it: the whole, and each half.
const PIECES: [[usize; 2]; 3] = [[0, 2], [0, 1], [1, 2]];

/// Features of the pieces of a track: `[rate * PIECES.len() + piece][feature]`
type Track = Vec<Vec<f32>>;

/// Learns and writes the table, and says how well it keeps the pieces of unheard tracks together.
pub fn run(options: &Options) -> Result<()> {
    let [train, val] = ["train", "val"].map(|split| -> Result<Vec<Track>> {
        let paths = options.music.tracks(split)?;
        eprintln!("{split}: {} tracks", paths.len());
        paths.par_iter().map(|path| pieces(path).with_context(|| path.display().to_string())).collect()
    });
    let (train, val) = (train?, val?);
    ensure!(train.len() > options.dimensions, "{} are too few tracks to learn from", train.len());
    let table = fit(&train, options)?;
    let before = |features: &[f32]| table.scaling.apply(features);
    for (name, tracks) in [("train", &train), ("val", &val)] {
        let (scaled, learned) = (found(tracks, before), found(tracks, |features| table.point(features)));
        eprintln!(
            "{name}: of a half at {} kbit/s, the nearest other half at {} kbit/s is its own: {scaled:.3} by scaled \
             features, {learned:.3} by the embedding",
            RATES_KBPS[0],
            RATES_KBPS[RATES_KBPS.len() - 1]
        );
    }
    let bytes = table.to_bytes();
    std::fs::write(&options.output, &bytes).with_context(|| options.output.display().to_string())?;
    eprintln!("{}: {} bytes", options.output.display(), bytes.len());
    Ok(())
}

/// Features of the pieces of a track at each rate.
fn pieces(path: &Path) -> Result<Track> {
    let pcm = read(path)?;
    let mut out = Vec::new();
    for kbps in RATES_KBPS {
        let mut config = EncoderConfig::default();
        config.rate = RateTarget::Bitrate(kbps * 1000);
        let sketch = TrackSketch::of_file(&encode(&pcm, &config, &Metadata::default())?, &Models::default())?;
        let half = |n: usize| n * sketch.frames() / 2;
        out.extend(PIECES.map(|[begin, end]| features(&sketch.excerpt(half(begin)..half(end)))));
    }
    Ok(out)
}

/// Learns the table.
fn fit(tracks: &[Track], options: &Options) -> Result<EmbeddingTable> {
    let wholes: Vec<Vec<f32>> = tracks.iter().map(|track| track[PIECES.len()].clone()).collect();
    let scaling = Scaling::of(&wholes);
    let scaled: Vec<Vec<f32>> = tracks.iter().flatten().map(|piece| scaling.apply(piece)).collect();
    let first = Pca::fit(&points(&scaled)?, options.kept)?;
    let kept = rows(&first.project(&points(&scaled)?)?);
    let each = tracks[0].len();
    let middles: Vec<Vec<f32>> = kept.chunks(each).map(middle).collect();
    // Differences of the pieces of a track from its middle.
    let off = |(number, piece): (usize, &Vec<f32>)| -> Vec<f32> {
        piece.iter().zip(&middles[number / each]).map(|(value, middle)| value - middle).collect()
    };
    let within = Pca::fit(&points(&kept.iter().enumerate().map(off).collect::<Vec<_>>())?, options.kept)?;
    let spare = options.shrinkage * within.total_variance / options.kept as f64;
    let round: Vec<Vec<f64>> = within
        .axes
        .iter()
        .zip(&within.variances)
        .map(|(axis, variance)| axis.iter().map(|weight| weight / (variance + spare).sqrt()).collect())
        .collect();
    let rounded: Vec<Vec<f32>> =
        middles.iter().map(|middle| round.iter().map(|axis| along(axis, middle) as f32).collect()).collect();
    let between = Pca::fit(&points(&rounded)?, options.dimensions)?;
    let axes: Vec<Vec<f64>> = between
        .axes
        .iter()
        .zip(&between.variances)
        .map(|(axis, variance)| {
            let scale = variance.max(1e-9).powf(-options.whitening);
            let in_kept = combine(axis, &round);
            combine(&in_kept, &first.axes).iter().map(|weight| weight * scale).collect()
        })
        .collect();
    // Points lie around the middle of all pieces.
    let offset =
        |axis: &Vec<f64>| axis.iter().zip(&first.mean).map(|(weight, mean)| weight * mean).sum::<f64>();
    Ok(EmbeddingTable {
        offsets: axes.iter().map(|axis| offset(axis) as f32).collect(),
        axes: axes.iter().map(|axis| axis.iter().map(|&weight| weight as f32).collect()).collect(),
        scaling,
    })
}

fn points(rows: &[Vec<f32>]) -> Result<Points> {
    Points::new(rows.first().map_or(0, Vec::len), rows.concat()).context("rows of different lengths")
}

fn rows(points: &Points) -> Vec<Vec<f32>> {
    points.iter().map(<[f32]>::to_vec).collect()
}

fn middle(pieces: &[Vec<f32>]) -> Vec<f32> {
    (0..pieces[0].len())
        .map(|axis| pieces.iter().map(|piece| piece[axis]).sum::<f32>() / pieces.len() as f32)
        .collect()
}

fn along(axis: &[f64], point: &[f32]) -> f64 {
    axis.iter().zip(point).map(|(weight, &value)| weight * f64::from(value)).sum()
}

/// The sum of `axes`, each as often as its weight says.
fn combine(weights: &[f64], axes: &[Vec<f64>]) -> Vec<f64> {
    let mut sum = vec![0.0; axes.first().map_or(0, Vec::len)];
    for (weight, axis) in weights.iter().zip(axes) {
        sum.iter_mut().zip(axis).for_each(|(sum, value)| *sum += weight * value);
    }
    sum
}

/// Share of the first halves at the lowest rate of which, of all tracks' second halves at the highest rate, the nearest is of the
/// same track, by the cosine.
fn found(tracks: &[Track], point: impl Fn(&[f32]) -> Vec<f32> + Sync) -> f64 {
    let unit = |features: &Vec<f32>| {
        let point = point(features);
        let length = point.iter().map(|value| value * value).sum::<f32>().sqrt().max(1e-9);
        point.into_iter().map(|value| value / length).collect::<Vec<f32>>()
    };
    let of = |place: usize| -> Vec<Vec<f32>> { tracks.iter().map(|track| unit(&track[place])).collect() };
    let (queries, answers) = (of(1), of((RATES_KBPS.len() - 1) * PIECES.len() + 2));
    let is_found = |(number, query): &(usize, &Vec<f32>)| {
        let cosine = |answer: &[f32]| query.iter().zip(answer).map(|(a, b)| a * b).sum::<f32>();
        (0..answers.len()).max_by(|&a, &b| cosine(&answers[a]).total_cmp(&cosine(&answers[b])))
            == Some(*number)
    };
    queries.iter().enumerate().filter(is_found).count() as f64 / tracks.len().max(1) as f64
}
