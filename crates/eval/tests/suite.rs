//! The suite end to end with small shell codecs: good ones, broken ones, resuming, merging.
#![cfg(unix)]

use melisma_eval::clips::{Clips, ListenConfig};
use melisma_eval::journal::Journal;
use melisma_eval::results::Results;
use melisma_eval::suite::{Event, SuiteConfig, Workplace};
use melisma_eval::{EvalError, Metric, ScoreOptions, sound_file};
use melisma_signal::Pcm;
use std::sync::atomic::AtomicBool;

fn clip(index: usize) -> Result<Pcm, EvalError> {
    if index == 2 {
        return Err(EvalError::clip("not audio"));
    }
    let tone = |i: usize| (i as f32 * 0.05 * (index + 1) as f32).sin() * 0.4;
    Ok(Pcm { sample_rate_hz: 16_000, channels: vec![(0..16_000).map(tone).collect(); 2] })
}

fn config(codecs: &[&str]) -> SuiteConfig {
    SuiteConfig {
        codecs: vec!["downsample".to_string()],
        custom_codecs: codecs.iter().map(|c| (*c).to_string()).collect(),
        rates_kbps: vec![16.0, 64.0],
        perceptual: Vec::new(),
        jobs: 2,
        ..SuiteConfig::default()
    }
}

#[test]
fn failures_are_rows_and_runs_merge() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let path = directory.path().join("journal.jsonl");
    let run_on = |config: &SuiteConfig, fingerprints: [&str; 3]| {
        let clips = Clips {
            names: ["a", "b", "c"].map(str::to_string).to_vec(),
            fingerprints: fingerprints.map(str::to_string).to_vec(),
            load: &clip,
        };
        let (folder, scratch) = (directory.path(), directory.path());
        let stop = AtomicBool::new(false);
        let workplace = Workplace { clips: &clips, folder, scratch, stop: &stop };
        let mut journal = Journal::open(&path).expect("a journal");
        let mut made = 0;
        let mut count = |event| made += usize::from(matches!(event, Event::Measured(_)));
        config.run(&workplace, &mut journal, &mut count).expect("runs");
        made
    };
    let run = |config: &SuiteConfig| run_on(config, ["1", "2", "3"]);
    let first = config(&["copy=cp {in} {out} ;; cp {in} {out}", "crash=false {in} {out} ;; cp {in} {out}"]);
    assert_eq!(run(&first), 3 * 2 * 3);
    assert_eq!(run(&first), 0, "nothing is measured twice");
    let unmatched = SuiteConfig {
        score: ScoreOptions { gain_matching: false, ..ScoreOptions::default() },
        ..first.clone()
    };
    assert_eq!(run(&unmatched), 3 * 2 * 3, "scored in another way");
    assert_eq!(run(&first), 3 * 2 * 3);
    assert_eq!(run_on(&first, ["1", "changed", "3"]), 2 * 3, "one clip is another");
    assert_eq!(run(&first), 2 * 3);
    let listen = ListenConfig { clips: vec!["a".to_string()], seconds: 0.5 };
    let kept = SuiteConfig { listen, ..first.clone() };
    assert_eq!((run(&kept), run(&kept)), (2 * 2, 0), "what did not fail is kept");
    let file = directory.path().join("audio/S44/a/copy-16.flac");
    assert_eq!(sound_file::read(&file).expect("an excerpt").samples(), 8000);
    std::fs::remove_file(&file).expect("removed");
    assert_eq!(run(&kept), 1, "a lost excerpt is made again");
    let second = config(&[
        "silent=cp {in} {out} ;; true {in} {out}",
        "short=cp {in} {out} ;; sh -c 'head -c 20000 \"$0\" > \"$1\"' {in} {out}",
        "noise=cp {in} {out} ;; sh -c 'echo no audio > \"$1\"' {in} {out}",
    ]);
    assert_eq!(run(&second), 3 * 2 * 3, "the baseline was there already");

    let journal = Journal::open(&path).expect("a journal");
    let results = Results::of(&journal, second);
    assert_eq!(results.rows.len(), 3 * 2 * 6);
    assert_eq!(results.listening.len(), 1 + 2 * 2);
    assert!(results.listening.iter().all(|l| directory.path().join(&l.file).is_file() && l.start_s == 0.25));
    for row in &results.rows {
        let error = row.error.clone().unwrap_or_default();
        let expected = match (row.clip.as_str(), row.codec.as_str()) {
            ("c", _) => "clip: not audio",
            (_, "crash") => "encoder: false: exit status: 1",
            (_, "silent") => "decoder: true wrote nothing",
            (_, "short" | "noise") => "decoder: ",
            _ => "",
        };
        assert!(error.starts_with(expected) && error.is_empty() == expected.is_empty(), "{row:?}");
        assert_eq!(error.lines().count(), usize::from(!error.is_empty()));
        if error.is_empty() {
            assert!(row.kbps > 0.0 && row.metric(Metric::SiSdr).is_some());
        }
        if row.codec == "copy" && error.is_empty() {
            assert_eq!((row.metric(Metric::MelL1), row.lag_samples), (Some(0.0), 0));
        }
    }
    results.write(directory.path()).expect("written");
    let read = Results::read(&directory.path().join("results.json")).expect("read");
    assert_eq!(read.rows, results.rows);
    assert_eq!(read.csv().lines().count(), 1 + read.rows.len());
    let compressed = directory.path().join("results.json.gz");
    results.write_json(&compressed).expect("written");
    assert_eq!(Results::read(&compressed).expect("read").rows, results.rows);
    let newer = std::fs::read_to_string(directory.path().join("results.json")).expect("text");
    let newer = newer.replace("\"schema\":1", "\"schema\":99");
    std::fs::write(&path, newer).expect("written");
    assert!(matches!(Results::read(&path), Err(EvalError::NewerSchema { found: 99, .. })));
}
