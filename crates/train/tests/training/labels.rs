//! A classifier of rising and falling sweeps: learned, told of what it has not heard, gone on with, refused.

use crate::common::Studio;
use melisma_data::{Cache, CropConfig, Split};
use melisma_nets::{
    classifiers::{ClassifierConfig, MelCnnConfig},
    safetensors::TensorFile,
    stft::StftConfig,
};
use melisma_train::{
    Error, Finished, Result, TrainEvent, TrainOptions,
    config::{OptimiserConfig, ScheduleConfig},
    labels::{LabelsConfig, LabelsRunConfig, SEGMENTS},
    train_on_cpu,
};
use std::{path::Path, sync::atomic::AtomicBool};

/// Low clips are `deep`, high ones `bright`; the second and the last are told, the third watches.
pub fn labelled() -> Studio {
    let mut studio = Studio::new();
    let count = studio.manifest.entries.len();
    for (place, entry) in studio.manifest.entries.iter_mut().enumerate() {
        entry.genre = Some(if place < count / 2 { "deep" } else { "bright" }.to_owned());
        entry.split = Some(match place {
            1 | 7 => Split::Test,
            2 => Split::Val,
            _ => Split::Train,
        });
    }
    studio
}

pub fn config(steps: u64) -> LabelsConfig {
    LabelsConfig {
        name: "sweeps".to_owned(),
        description: String::new(),
        seed: 3,
        // Five clips are learned from, four a batch.
        run: LabelsRunConfig {
            epochs: steps as f64 * 4.0 / 5.0,
            validate_every: 7,
            checkpoint_every: 5,
            ..LabelsRunConfig::default()
        },
        optimiser: OptimiserConfig { learning_rate: 5e-3, ..OptimiserConfig::default() },
        schedule: ScheduleConfig::default(),
        data: CropConfig {
            sample_rate_hz: 8000,
            channels: 1,
            crop_samples: 4096,
            batch_size: 4,
            ..CropConfig::default()
        },
        classifier: ClassifierConfig::MelCnn(MelCnnConfig {
            stft: StftConfig { fft_samples: 256, hop_samples: 128 },
            bands: 24,
            channels: vec![8, 8],
            hidden: 8,
            dropout: 0.1,
            blanked: [3, 6],
        }),
    }
}

pub fn run(
    studio: &Studio,
    config: &LabelsConfig,
    folder: &Path,
    observer: &mut (dyn FnMut(TrainEvent) + Send),
    stop: &AtomicBool,
) -> Result<Finished> {
    let cache = Cache::new(studio.folder.path().join("cache"), 1 << 30).with_ffmpeg(None);
    let options = TrainOptions { manifest: &studio.manifest, cache: &cache, folder, stop, max_seconds: None };
    train_on_cpu(&config.clone().into(), &options, observer)
}

fn told(folder: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(folder.join("model").join("told.csv")).unwrap();
    text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

#[test]
fn it_tells_clips_that_it_has_not_heard() {
    let studio = labelled();
    let folder = studio.run_folder("sweeps");
    let finished = run(&studio, &config(120), &folder, &mut |_| {}, &AtomicBool::new(false)).unwrap();
    assert!(!finished.interrupted && finished.model.join("weights.safetensors").exists());
    let accuracy = finished.log.iter().rev().find_map(|event| match event {
        TrainEvent::Validated(validated) => Some(validated.measures["accuracy"]),
        _ => None,
    });
    assert_eq!(accuracy, Some(1.0));
    let rows = told(&folder);
    assert_eq!(rows[0], ["path", "id", "label", "way", "bright", "deep"]);
    // Two clips, each told in three ways, and as what they are.
    assert_eq!(rows.len(), 1 + 2 * 3);
    for row in &rows[1..] {
        let [bright, deep]: [f32; 2] = [4, 5].map(|column| row[column].parse().unwrap());
        assert!((bright + deep - 1.0).abs() < 1e-4);
        assert_eq!(row[2] == "bright", bright > deep, "{row:?}");
        if row[3] == "vote" {
            let shares: Vec<f32> = (0..=SEGMENTS).map(|votes| votes as f32 / SEGMENTS as f32).collect();
            assert!(shares.iter().any(|share| (bright - share).abs() < 0.01), "{row:?}");
        }
    }
}

#[test]
fn interrupted_it_ends_where_it_would_have_ended() {
    let studio = labelled();
    let whole = studio.run_folder("whole");
    run(&studio, &config(12), &whole, &mut |_| {}, &AtomicBool::new(false)).unwrap();
    let parts = studio.run_folder("parts");
    let stop = AtomicBool::new(false);
    let mut stop_it = |event: TrainEvent| {
        if matches!(event, TrainEvent::Step { step: 6, .. }) {
            stop.store(true, std::sync::atomic::Ordering::SeqCst);
        }
    };
    let first = run(&studio, &config(12), &parts, &mut stop_it, &stop).unwrap();
    assert!(first.interrupted && first.steps == 7, "{} steps", first.steps);
    run(&studio, &config(12), &parts, &mut |_| {}, &AtomicBool::new(false)).unwrap();
    let file = |folder: &Path, name: &str| std::fs::read(folder.join("model").join(name)).unwrap();
    // Compared as tensors: the format writes what it says beside them in any order.
    let weights = |folder: &Path| TensorFile::from_bytes(&file(folder, "weights.safetensors")).unwrap();
    assert!(weights(&whole) == weights(&parts));
    assert!(file(&whole, "told.csv") == file(&parts, "told.csv"));
    let other = LabelsConfig { seed: 4, ..config(12) };
    let refused = run(&studio, &other, &whole, &mut |_| {}, &AtomicBool::new(false));
    assert!(matches!(refused, Err(Error::OtherRun { what, .. }) if what == "seed"));
}

#[test]
fn one_genre_or_none_is_nothing_to_tell() {
    let mut studio = labelled();
    let refused = |studio: &Studio, name: &str| {
        let ended = run(studio, &config(2), &studio.run_folder(name), &mut |_| {}, &AtomicBool::new(false));
        assert!(matches!(ended, Err(Error::Config(what)) if what.contains("different genre")), "{name}");
    };
    studio.manifest.entries.iter_mut().for_each(|entry| entry.genre = Some("deep".to_owned()));
    refused(&studio, "one");
    studio.manifest.entries.iter_mut().for_each(|entry| entry.genre = None);
    refused(&studio, "none");
}
