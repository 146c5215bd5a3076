//! Processor time of each stage of scoring: WAV files of a clip and of its decoded versions in, a JSON line out.
//! benches/metrics.py sets the times beside those of other implementations.

use std::hint::black_box;
use std::path::PathBuf;

use anyhow::Result;
use melisma_eval::metrics::zimtohrli;
use melisma_eval::process::measure;
use melisma_eval::resample::Resampler;
use melisma_eval::{Metric, Reference, ScoreOptions, sound_file};

/// What to score.
#[derive(clap::Args)]
pub struct Options {
    /// WAV file of the clip.
    source: PathBuf,
    /// WAV files of its decoded versions.
    decoded: Vec<PathBuf>,
}

/// Scores, measures, prints.
pub fn run(options: &Options) -> Result<()> {
    let source = sound_file::read(&options.source)?;
    let to_zimtohrli = Resampler::new(source.sample_rate_hz, zimtohrli::RATE_HZ);
    let analyse = |channel: &Vec<f32>| black_box(zimtohrli::analyse(&to_zimtohrli.process(channel)));
    let ((), zimtohrli_of_source) = measure(|| source.channels.iter().for_each(|c| drop(analyse(c))));
    let (reference, all_of_source) = measure(|| Reference::new(source));
    let reference_s = all_of_source.cpu_s - zimtohrli_of_source.cpu_s;
    let (mut align_s, mut score_s, mut zimtohrli_s) = (0.0, 0.0, zimtohrli_of_source.cpu_s);
    let mut scores = Vec::new();
    for path in &options.decoded {
        let decoded = sound_file::read(path)?;
        let aligning = ScoreOptions { fractional_alignment: true, gain_matching: false };
        let (prepared, align) = measure(|| reference.prepare(&decoded, aligning));
        let (values, all) = measure(|| reference.score(&prepared.channels));
        let (_, zimtohrli) = measure(|| black_box(reference.zimtohrli(&prepared.channels)));
        align_s += align.cpu_s;
        score_s += all.cpu_s - zimtohrli.cpu_s;
        zimtohrli_s += zimtohrli.cpu_s;
        let value = |metric: Metric| values.get(&metric).copied().unwrap_or(f64::NAN);
        scores.push(format!(
            r#"{{"lag": {}, "fraction": {}, "mel_l1": {}, "zimtohrli": {}}}"#,
            prepared.delay.lag_samples,
            prepared.delay.fraction_samples,
            value(Metric::MelL1),
            value(Metric::Zimtohrli),
        ));
    }
    println!(
        r#"{{"cpu_s": {{"reference": {reference_s}, "align": {align_s}, "score": {score_s}, "zimtohrli": {zimtohrli_s}}}, "scores": [{}]}}"#,
        scores.join(", ")
    );
    Ok(())
}
