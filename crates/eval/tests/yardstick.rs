//! The metrics agree with an independent numpy implementation on real music, and are faster.
//!
//! Runs where `MELISMA_YARDSTICK` (the folder with its `metrics.py`), `MELISMA_TEST_MUSIC` and a Python
//! with numpy, scipy and soundfile (`MELISMA_PYTHON`, default `python3`) are there.

use std::path::{Path, PathBuf};
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
    let python = std::env::var_os("MELISMA_PYTHON").unwrap_or_else(|| "python3".into());
    let imports = Command::new(&python).args(["-c", "import numpy, scipy, soundfile"]).output();
    if !imports.is_ok_and(|o| o.status.success()) {
        eprintln!("skipped: no Python with numpy, scipy and soundfile");
        return;
    }
    let clips = some_clips(Path::new(&music));
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
    let (mut theirs_cpu_s, mut ours_cpu_s) = ([0.0; 3], [0.0; 3]);
    let mut wrong = Vec::new();
    for (number, line) in String::from_utf8_lossy(&output.stdout).lines().enumerate() {
        let expected: serde_json::Value = serde_json::from_str(line).expect("a JSON line");
        let figure = |at: &str| expected.pointer(at).and_then(serde_json::Value::as_f64).expect("a figure");
        let (rate, channels) = (figure("/rate") as u32, figure("/channels") as usize);
        let load =
            |kind: &str| read_f32(&scratch.path().join(format!("{number}.{kind}.f32")), rate, channels);
        let (source, decoded) = (load("ref"), load("dec"));

        let mut clock = vec![cpu_s()];
        let reference = Reference::new(source);
        clock.push(cpu_s());
        let options = ScoreOptions { fractional_alignment: true, gain_matching: false };
        let delay = reference.prepare(&decoded, options).delay;
        clock.push(cpu_s());
        let whole = ScoreOptions { fractional_alignment: false, ..options };
        let prepared = reference.prepare(&decoded, whole);
        let before_score = cpu_s();
        let scores = reference.score(&prepared.channels);
        let ours = [clock[1] - clock[0], clock[2] - clock[1], cpu_s() - before_score];
        for (i, stage) in ["reference", "align", "score"].into_iter().enumerate() {
            theirs_cpu_s[i] += figure(&format!("/cpu/{stage}"));
            ours_cpu_s[i] += ours[i];
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
    let ratios: Vec<f64> = theirs_cpu_s.iter().zip(ours_cpu_s).map(|(t, o)| t / o).collect();
    eprintln!("{} clips; CPU s numpy {theirs_cpu_s:.3?}, here {ours_cpu_s:.3?}", clips.len());
    eprintln!("times faster: reference, alignment, scores {ratios:.1?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every so many audio files of the folder, at most six.
fn some_clips(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_path_buf()]);
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "ogg" || e == "mp3" || e == "wav" || e == "flac")
            {
                found.push(path);
            }
        }
    }
    found.sort();
    let stride = (found.len() / 6).max(1);
    found.into_iter().step_by(stride).take(6).collect()
}

fn read_f32(path: &Path, sample_rate_hz: u32, channel_count: usize) -> Pcm {
    let bytes = std::fs::read(path).expect("written by the script");
    let mut pcm = Pcm::empty(sample_rate_hz, channel_count);
    for (i, raw) in bytes.chunks_exact(4).enumerate() {
        pcm.channels[i % channel_count].push(f32::from_le_bytes([raw[0], raw[1], raw[2], raw[3]]));
    }
    pcm
}

fn cpu_s() -> f64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 * 1e-9
}
