//! Trainings of the plan's kind, in small: shared out, run side by side, skipped when finished, gone on with when not;
//! and every config that comes with the program becomes a network.

#[path = "../../train/tests/training/common.rs"]
#[allow(dead_code, reason = "shared with the tests of training")]
mod common;

use common::{Studio, config};
use melisma_data::Cache;
use melisma_nets::{
    device::Cpu,
    frames::{FramesConfig, FramesKind, Standardise},
    networks::{DenseAeConfig, NetworkConfig, TimeAeConfig},
    statistics::Statistics,
    system::SystemConfig,
};
use melisma_reproduce::plan::{self, Group, Planned};
use melisma_reproduce::results::short_name;
use melisma_reproduce::trainings::{Trainer, train_all};
use melisma_reproduce::{Error, Event};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn every_config_becomes_a_network() {
    for one in plan::study(false).expect("a plan") {
        let system = &one.config.system;
        let mut statistics = Statistics::default();
        if system.frames.is_standardised() {
            let values = system.frames.values();
            let frames: Vec<f32> = (0..4 * values).map(|index| (index % 7) as f32).collect();
            statistics.push(&frames, values).expect("frames");
        }
        let made = system.init::<Cpu>(&statistics, 0, &Default::default());
        assert!(made.is_ok(), "{}: {:?}", one.config.name, made.err());
        assert!(one.config.loss.init::<Cpu>(one.config.data.sample_rate_hz, &Default::default()).is_ok());
        assert_eq!(one.config.run.closed_form, short_name(&one.file) == "linear", "{}", one.config.name);
    }
}

/// A network on samples, one on magnitudes, and one that cannot be.
fn planned(names: &[&str]) -> Vec<Planned> {
    let frames = |kind| FramesConfig { kind, standardise: Standardise::Whole, ..FramesConfig::default() };
    let system = |frames, network| SystemConfig {
        frames,
        network,
        bottleneck: Default::default(),
        corruption: Default::default(),
    };
    let samples = TimeAeConfig { stride: 16, hidden: 8, latents: 4 };
    let magnitudes = DenseAeConfig { latents: 4, ..DenseAeConfig::default() };
    let broken = TimeAeConfig { stride: 0, ..samples.clone() };
    names
        .iter()
        .map(|&name| {
            let (system, group) = match name {
                "samples" => (
                    system(frames(FramesKind::Samples), NetworkConfig::TimeAe(samples.clone())),
                    Group::TimeAe,
                ),
                "broken" => (
                    system(frames(FramesKind::Samples), NetworkConfig::TimeAe(broken.clone())),
                    Group::TimeAe,
                ),
                _ => {
                    let network = NetworkConfig::Dense(magnitudes.clone());
                    (system(frames(FramesKind::LogMagnitude), network), Group::Families)
                }
            };
            let mut config = config(name, system, 12);
            config.data.crop_samples = 1024;
            Planned { config, file: format!("test/{name}"), group, weight: 1.0 }
        })
        .collect()
}

#[test]
fn finished_ones_are_skipped_and_others_go_on() {
    let studio = Studio::new();
    let cache = Cache::new(studio.folder.path().join("cache"), 1 << 30).with_ffmpeg(None);
    let folder = studio.folder.path().join("runs");
    let (stop, begun) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    let stop_after = Mutex::new(None);
    let run = |names: &[&str]| {
        begun.lock().expect("a list").clear();
        let tell = |event| match event {
            Event::Begun { system, first_step, .. } => {
                begun.lock().expect("a list").push((system, first_step));
            }
            Event::Stepped { done, .. } if *stop_after.lock().expect("a number") == Some(done) => {
                stop.store(true, Ordering::SeqCst);
            }
            _ => {}
        };
        let trainer = Trainer {
            manifest: &studio.manifest,
            cache: &cache,
            folder: &folder,
            jobs: 1,
            stop: &stop,
            tell: &tell,
        };
        let result = train_all(&planned(names), 1000.0, &trainer);
        let mut begun = begun.lock().expect("a list").clone();
        begun.sort();
        (result, begun)
    };

    // Interrupted in the first of two trainings.
    *stop_after.lock().expect("a number") = Some(5);
    let (result, begun) = run(&["samples", "magnitudes"]);
    assert!(matches!(result, Err(Error::Interrupted)), "{result:?}");
    assert_eq!(begun.len(), 1);
    let first = begun[0].0.clone();

    // Both are finished; the first goes on where it was.
    *stop_after.lock().expect("a number") = None;
    stop.store(false, Ordering::SeqCst);
    let (result, begun) = run(&["samples", "magnitudes"]);
    let (trained, failures) = result.expect("trained");
    assert!(failures.is_empty(), "{failures:?}");
    assert_eq!(begun.len(), 2);
    assert!(begun.iter().all(|(system, step)| (*step == 5) == (*system == first)), "{begun:?}");
    let names: Vec<&str> = trained.iter().map(|one| one.planned.config.name.as_str()).collect();
    assert_eq!(names, ["samples", "magnitudes"], "in the order of the plan");
    assert!(trained.iter().all(|one| one.pace.steps == 12 && one.model.is_dir()), "time for all of it");

    // Nothing is trained again; one that cannot be trained does not hinder the others.
    let (result, begun) = run(&["samples", "broken", "magnitudes"]);
    let (again, failures) = result.expect("trained");
    assert!(begun.is_empty(), "{begun:?}");
    assert_eq!(
        again.iter().map(|one| &one.model).collect::<Vec<_>>(),
        trained.iter().map(|one| &one.model).collect::<Vec<_>>()
    );
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0].0, "broken");
}
