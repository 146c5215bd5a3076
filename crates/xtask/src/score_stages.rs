//! Processor time of each stage of scoring: WAV files of a clip and of its decoded versions in, a JSON line out.
//! benches/metrics.py sets the times beside those of other implementations.

use std::hint::black_box;
use std::path::PathBuf;

use anyhow::Result;
use melisma_eval::metrics::nmr::NmrReference;
use melisma_eval::metrics::peaq::PeaqReference;
use melisma_eval::metrics::zimtohrli;
use melisma_eval::process::measure;
use melisma_eval::resample::Resampler;
use melisma_eval::{Metric, Reference, ScoreOptions, sound_file};

/// The files to score.
#[derive(clap::Args)]
pub struct Options {
    /// WAV file of the clip.
    source: PathBuf,
    /// WAV files of its decoded versions.
    decoded: Vec<PathBuf>,
}

/// Scores each decoded version, measures what each stage took, and prints it.
pub fn run(options: &Options) -> Result<()> {
    let source = sound_file::read(&options.source)?;
    // What the models of hearing keep of the source is measured apart; bringing it to their rate counts for zimtohrli.
    let resampler = Resampler::new(source.sample_rate_hz, zimtohrli::RATE_HZ);
    let mut at_48_khz = Vec::new();
    let ((), zimtohrli) = measure(|| {
        at_48_khz = source.channels.iter().map(|channel| resampler.process(channel)).collect();
        at_48_khz.iter().for_each(|channel: &Vec<f32>| drop(black_box(zimtohrli::analyse(channel))));
    });
    let (_, nmr) = measure(|| black_box(NmrReference::new(&at_48_khz)));
    let (_, peaq) = measure(|| black_box(PeaqReference::new(&at_48_khz)));
    let (mut nmr_s, mut peaq_s, mut zimtohrli_s) = (nmr.cpu_s, peaq.cpu_s, zimtohrli.cpu_s);
    let (reference, all_of_source) = measure(|| Reference::new(source));
    let reference_s = all_of_source.cpu_s - zimtohrli_s - nmr_s - peaq_s;
    let (nmr_reference, peaq_reference) = (NmrReference::new(&at_48_khz), PeaqReference::new(&at_48_khz));
    let (mut align_s, mut score_s) = (0.0, 0.0);
    let mut scores = Vec::new();
    for path in &options.decoded {
        let decoded = sound_file::read(path)?;
        let aligning = ScoreOptions { fractional_alignment: true, gain_matching: false };
        let (prepared, align) = measure(|| reference.prepare(&decoded, aligning));
        let (values, all) = measure(|| reference.score(&prepared.channels));
        let (_, zimtohrli) = measure(|| black_box(reference.zimtohrli(&prepared.channels)));
        let at_48_khz: Vec<Vec<f32>> =
            prepared.channels.iter().map(|channel| resampler.process(channel)).collect();
        let (_, nmr) = measure(|| black_box(nmr_reference.compare(&at_48_khz)));
        let (_, peaq) = measure(|| black_box(peaq_reference.compare(&at_48_khz)));
        align_s += align.cpu_s;
        score_s += all.cpu_s - zimtohrli.cpu_s - nmr.cpu_s - peaq.cpu_s;
        (nmr_s, peaq_s, zimtohrli_s) =
            (nmr_s + nmr.cpu_s, peaq_s + peaq.cpu_s, zimtohrli_s + zimtohrli.cpu_s);
        let value = |metric: Metric| values.get(&metric).copied().unwrap_or(f64::NAN);
        scores.push(format!(
            r#"{{"lag": {}, "fraction": {}, "mel_l1": {}, "zimtohrli": {}, "nmr": {}}}"#,
            prepared.delay.lag_samples,
            prepared.delay.fraction_samples,
            value(Metric::MelL1),
            value(Metric::Zimtohrli),
            value(Metric::Nmr),
        ));
    }
    println!(
        r#"{{"cpu_s": {{"reference": {reference_s}, "align": {align_s}, "score": {score_s}, "zimtohrli": {zimtohrli_s}, "nmr": {nmr_s}, "peaq": {peaq_s}}}, "scores": [{}]}}"#,
        scores.join(", ")
    );
    Ok(())
}
