//! The metrics agree with an independent numpy implementation on real music.
//!
//! Runs where `MELISMA_YARDSTICK` (the folder with its `metrics.py`), `MELISMA_TEST_MUSIC` and a Python
//! with numpy, scipy and soundfile (`MELISMA_PYTHON`, default `python3`) are there.

mod common;

use std::path::Path;
use std::process::Command;

use melisma_eval::{Metric, Reference, ScoreOptions};
use melisma_signal::Pcm;

/// Relative tolerance with its reason, for values of order one.
fn tolerance(metric: Metric) -> f64 {
    match metric {
        // Both sides transform in f32: relative errors of a few 2^-24 a bin, averaged over 10^5 bins or
        // more. Squared sums and sums of magnitudes keep that; 1e-5 leaves a decade for the order of
        // summation in numpy's f32 means.
        Metric::StudyComplex8k | Metric::StudyLinear8k | Metric::StudyLinearFull => 1e-5,
        Metric::Snr | Metric::SiSdr | Metric::Gain => 1e-5,
        // Logarithms of bins near the floor see the absolute error of the transform (2^-24 of the
        // largest bin, 1e-5 and more of a bin at -100 dB): 1e-4 of the mean.
        _ => 1e-4,
    }
}

#[test]
fn agrees_with_numpy_on_real_music() {
    let (Some(yardstick), Some(music)) =
        (std::env::var_os("MELISMA_YARDSTICK"), std::env::var_os("MELISMA_TEST_MUSIC"))
    else {
        eprintln!("skipped: MELISMA_YARDSTICK or MELISMA_TEST_MUSIC is not set");
        return;
    };
    let python = common::python();
    if let Err(why) = common::has_packages(&python, "numpy, scipy, soundfile") {
        eprintln!("skipped: {why}");
        return;
    }
    let clips = common::some_clips(Path::new(&music));
    assert!(!clips.is_empty(), "no audio under MELISMA_TEST_MUSIC");
    let scratch = tempfile::tempdir().expect("temporary directory");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/yardstick.py");
    let output = Command::new(&python)
        .arg(script)
        .arg(&yardstick)
        .arg(scratch.path())
        .arg("20")
        .args(&clips)
        .output()
        .expect("python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut wrong = Vec::new();
    for (number, line) in String::from_utf8_lossy(&output.stdout).lines().enumerate() {
        let expected: serde_json::Value = serde_json::from_str(line).expect("a JSON line");
        let figure = |at: &str| expected.pointer(at).and_then(serde_json::Value::as_f64).expect("a figure");
        let (rate, channels) = (figure("/rate") as u32, figure("/channels") as usize);
        let load =
            |kind: &str| read_f32(&scratch.path().join(format!("{number}.{kind}.f32")), rate, channels);
        let (source, decoded) = (load("ref"), load("dec"));

        let reference = Reference::new(source);
        let options = ScoreOptions { fractional_alignment: true, gain_matching: false };
        let delay = reference.prepare(&decoded, options).delay;
        let whole = ScoreOptions { fractional_alignment: false, ..options };
        let prepared = reference.prepare(&decoded, whole);
        let mut scores = reference.score(&prepared.channels);
        // Compared in tests of their own names.
        for metric in [Metric::Zimtohrli, Metric::Nmr, Metric::PeaqOdg, Metric::TwoF] {
            scores.remove(&metric);
        }

        assert_eq!(delay.lag_samples as f64, figure("/lag"), "lag of {line}");
        // One step of the search grid.
        assert!((delay.fraction_samples - figure("/tau")).abs() <= 0.025 + 1e-9, "{delay:?} {line}");
        for (metric, value) in scores {
            let theirs = figure(&format!("/scores/{}", metric.name()));
            let error = (value - theirs).abs() / theirs.abs().max(1.0);
            if error > tolerance(metric) {
                wrong.push(format!(
                    "{} {}: {value} instead of {theirs}",
                    clips[number].display(),
                    metric.name()
                ));
            }
        }
    }
    eprintln!("{} clips", clips.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn read_f32(path: &Path, sample_rate_hz: u32, channel_count: usize) -> Pcm {
    let bytes = std::fs::read(path).expect("written by the script");
    let mut pcm = Pcm::empty(sample_rate_hz, channel_count);
    for (i, raw) in bytes.chunks_exact(4).enumerate() {
        pcm.channels[i % channel_count].push(f32::from_le_bytes([raw[0], raw[1], raw[2], raw[3]]));
    }
    pcm
}
