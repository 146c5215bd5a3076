//! Every network learns: ten steps give the recorded losses, and many steps on one batch nearly undo its error.

use crate::common::{Studio, config, losses};
use crate::systems::named;
use melisma_nets::{precision::Precision, system::SystemConfig};
use std::{collections::BTreeMap, sync::atomic::AtomicBool};

/// Losses of the first ten steps by network, recorded where `MELISMA_RECORD` is set.
const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/training/ten_steps.json");

#[test]
fn ten_steps_as_recorded() {
    let studio = Studio::new();
    let mut found = BTreeMap::new();
    for (name, system) in named() {
        let config = config(name, system, 10);
        let folder = studio.run_folder(name);
        let finished = studio.train(&config, &folder, &AtomicBool::new(false), &mut |_| ()).unwrap();
        found.insert(name.to_owned(), losses(&finished.log));
    }
    if std::env::var_os("MELISMA_RECORD").is_some() {
        let text = serde_json::to_string_pretty(&found).unwrap();
        std::fs::write(RECORDED, text + "\n").unwrap();
    }
    let recorded: BTreeMap<String, Vec<f32>> =
        serde_json::from_slice(&std::fs::read(RECORDED).unwrap()).unwrap();
    assert_eq!(recorded.keys().collect::<Vec<_>>(), found.keys().collect::<Vec<_>>());
    for (name, expected) in &recorded {
        assert_eq!(expected.len(), 10);
        for (step, (a, b)) in found[name].iter().zip(expected).enumerate() {
            // Machines differ in the order of their sums and in the last bit of sines: 1e-6 at first, more after each
            // step, where Adam divides small gradients by small gradients.
            assert!((a - b).abs() <= 2e-3 * b.abs(), "{name}, step {step}: {a} for {b}");
        }
    }
}

#[test]
fn mixed_precision_learns_alike() {
    let studio = Studio::new();
    let (name, system) = named().into_iter().find(|(name, _)| *name == "deep").unwrap();
    let run = |precision| {
        let mut config = config(name, system.clone(), 10);
        config.run.precision = precision;
        let folder = studio.run_folder(&format!("{precision:?}"));
        losses(&studio.train(&config, &folder, &AtomicBool::new(false), &mut |_| ()).unwrap().log)
    };
    let (full, mixed) = (run(Precision::Full), run(Precision::Mixed));
    assert_ne!(full, mixed);
    for (step, (full, mixed)) in full.iter().zip(&mixed).enumerate() {
        // Products of numbers rounded to 2^-9 of themselves, three layers each way.
        assert!((mixed / full - 1.0).abs() < 0.02, "{step}: {mixed} for {full}");
    }
}

#[test]
fn one_batch_by_heart() {
    let studio = Studio::new();
    std::thread::scope(|scope| {
        for (name, system) in named() {
            let studio = &studio;
            scope.spawn(move || learn_by_heart(studio, name, system));
        }
    });
}

fn learn_by_heart(studio: &Studio, name: &str, system: SystemConfig) {
    // What a linear map through 6 latents of frames of 66 or 33 values leaves of four short crops, or the noise of
    // quantising and drawing, is not learned away; the rest is.
    let share = if ["deep", "variational"].contains(&name) { 0.7 } else { 0.5 };
    let mut config = config(name, system, 300);
    config.run.validate_every = 1000;
    config.run.checkpoint_every = 1000;
    config.system.bottleneck.rate_weight = 0.0;
    config.data.crop_samples = 8000;
    config.data.batch_size = 6;
    let folder = studio.run_folder(name);
    let finished = studio
        .train(&config, &folder, &AtomicBool::new(false), &mut |_| ())
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    let losses = losses(&finished.log);
    eprintln!("{name}: {} -> {}", losses[0], losses[losses.len() - 1]);
    let (first, last) = (losses[0], losses[290..].iter().sum::<f32>() / 10.0);
    assert!(last < share * first, "{name}: {first} -> {last}");
}
