//! What a run survives: an end at any moment, damage, another config, numbers that are none.

use crate::common::{Studio, config, losses};
use melisma_nets::system::SystemConfig;
use melisma_train::{AnyConfig, Error, TrainConfig, TrainEvent, log};
use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

/// One that draws noise, keeps an average, decays its rate and clips: everything that has to be gone on with.
fn eventful(steps: u64) -> TrainConfig {
    let (_, system): (_, SystemConfig) =
        crate::systems::named().into_iter().find(|(name, _)| *name == "freq-ae-plus").unwrap();
    let mut config = config("eventful", system, steps);
    config.optimiser.average_decay = 0.9;
    config.optimiser.clip_norm = 1.0;
    config.schedule.warmup_steps = 3;
    config.schedule.shape = melisma_train::config::Shape::Cosine { last: 0.1 };
    config.data.augment.gain.probability = 0.5;
    config
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn validations(events: &[TrainEvent]) -> Vec<(u64, u32)> {
    let validated = |event: &TrainEvent| match event {
        TrainEvent::Validated(validated) => Some((validated.step, validated.loss.to_bits())),
        _ => None,
    };
    events.iter().filter_map(validated).collect()
}

#[test]
fn killed_at_any_moment_it_gives_the_same() {
    let studio = Studio::new();
    let config = eventful(14);
    let never = AtomicBool::new(false);
    // What lies on the disk when a step is told of is what a kill at that moment leaves, buffers lost.
    let mut left = Vec::new();
    let whole = studio.run_folder("whole");
    let copies = studio.run_folder("copies");
    let mut watch = |event: TrainEvent| {
        if let TrainEvent::Step { step, .. } = event {
            let place = copies.join(step.to_string());
            copy(&whole, &place);
            left.push(place);
        }
    };
    let complete = studio.train(&config, &whole, &never, &mut watch).unwrap();
    assert!(!complete.interrupted && complete.model.exists());
    assert_eq!(left.len(), 14);
    let bits = |events: &[TrainEvent]| losses(events).into_iter().map(f32::to_bits).collect::<Vec<_>>();
    let model = std::fs::read(complete.model.join("model.safetensors")).unwrap();
    for place in left {
        let again = studio.train(&config, &place, &never, &mut |_| ()).unwrap();
        assert_eq!(bits(&again.log), bits(&complete.log), "{place:?}");
        assert_eq!(validations(&again.log), validations(&complete.log), "{place:?}");
        assert_eq!(std::fs::read(again.model.join("model.safetensors")).unwrap(), model, "{place:?}");
    }
}

#[test]
fn stopped_it_goes_on_and_finished_it_stays() {
    let studio = Studio::new();
    let config = eventful(9);
    let folder = studio.run_folder("run");
    let stop = AtomicBool::new(false);
    let mut watch = |event: TrainEvent| {
        if matches!(event, TrainEvent::Step { step: 5, .. }) {
            stop.store(true, Ordering::SeqCst);
        }
    };
    let first = studio.train(&config, &folder, &stop, &mut watch).unwrap();
    assert!(first.interrupted && !first.model.exists());
    assert_eq!(first.steps, 6);
    let never = AtomicBool::new(false);
    let second = studio.train(&config, &folder, &never, &mut |_| ()).unwrap();
    assert!(!second.interrupted);
    assert_eq!(losses(&second.log).len(), 9);
    assert_eq!(losses(&log::read(&folder.join("log.jsonl")).unwrap()), losses(&second.log));
    // Nothing is left to do, and nothing is done.
    let mut heard = 0;
    let third = studio.train(&config, &folder, &never, &mut |_| heard += 1).unwrap();
    assert_eq!(losses(&third.log), losses(&second.log));
    assert_eq!(heard, 0);
    for part in ["config.toml", "curves/loss-eventful.svg", "previews/00000009/1-reconstruction.wav"] {
        assert!(folder.join(part).exists(), "{part}");
    }
}

#[test]
fn a_damaged_checkpoint_costs_the_steps_since_the_one_before() {
    let studio = Studio::new();
    let config = eventful(9);
    let never = AtomicBool::new(false);
    let (folder, copied) = (studio.run_folder("run"), studio.run_folder("copied"));
    let mut watch = |event: TrainEvent| {
        if matches!(event, TrainEvent::Step { step: 8, .. }) {
            copy(&folder, &copied);
        }
    };
    let complete = studio.train(&config, &folder, &never, &mut watch).unwrap();
    let newest = copied.join("checkpoint/0000000008.safetensors");
    let bytes = std::fs::read(&newest).unwrap();
    std::fs::write(&newest, &bytes[..bytes.len() - 1]).unwrap();
    let mut first_step = None;
    let mut watch = |event: TrainEvent| {
        if let TrainEvent::Started { first_step: found, .. } = event {
            first_step = Some(found);
        }
    };
    let again = studio.train(&config, &copied, &never, &mut watch).unwrap();
    assert_eq!(first_step, Some(4));
    assert_eq!(losses(&again.log), losses(&complete.log));
}

#[test]
fn another_config_is_refused() {
    let studio = Studio::new();
    let folder = studio.run_folder("run");
    let never = AtomicBool::new(false);
    let config = eventful(1);
    studio.train(&config, &folder, &never, &mut |_| ()).unwrap();
    let mut other = config.clone();
    other.optimiser.learning_rate *= 2.0;
    let error = studio.train(&other, &folder, &never, &mut |_| ()).unwrap_err();
    assert!(matches!(&error, Error::OtherRun { what, .. } if what == "optimiser"), "{error}");
    let mut watched = config;
    watched.run.preview_every = 1;
    studio.train(&watched, &folder, &never, &mut |_| ()).unwrap();
}

#[test]
fn numbers_that_are_none_name_their_batch() {
    let studio = Studio::new();
    let folder = studio.run_folder("run");
    let mut config = eventful(20);
    config.schedule.warmup_steps = 0;
    config.optimiser.clip_norm = 0.0;
    config.optimiser.learning_rate = 1e30;
    let never = AtomicBool::new(false);
    let error = studio.train(&config, &folder, &never, &mut |_| ()).unwrap_err();
    let Error::NotFinite { step, batch, .. } = &error else { panic!("{error}") };
    assert!(*step > 0);
    assert_eq!(batch.matches(".wav from sample ").count(), 4, "{batch}");
}

#[test]
fn configs_survive_the_way_through_toml() {
    let config = eventful(3);
    let text = AnyConfig::from(config.clone()).to_toml().unwrap();
    assert_eq!(TrainConfig::from_toml(&text).unwrap(), config);
    let changed = TrainConfig::with_overrides(
        &text,
        &["run.steps=7".to_owned(), "name=other".to_owned(), "optimiser.decay=gradient".to_owned()],
    )
    .unwrap();
    assert_eq!((changed.run.steps, changed.name.as_str()), (Some(7), "other"));
    for wrong in ["run.stepz=7", "run", "data.batch_size=0", "name=a/b", "optimiser.betas=[1.0, 2.0]"] {
        assert!(TrainConfig::with_overrides(&text, &[wrong.to_owned()]).is_err(), "{wrong}");
    }
}
