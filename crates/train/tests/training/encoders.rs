//! A classifier of latents: it learns behind an encoder that was trained before, goes on, and refuses what is
//! no encoder for it.

use crate::{
    common::{Studio, config as autoencoder},
    labels::{config as sweeps, labelled, run},
};
use melisma_nets::{
    bottleneck::BottleneckConfig,
    classifiers::{BbnnConfig, ClassifierConfig, EncoderChoice, LatentCnnConfig},
    frames::{FramesConfig, FramesKind, Standardise},
    networks::{NetworkConfig, TimeAeConfig},
    parameters::NamedTensor,
    safetensors::TensorFile,
    stft::StftConfig,
    system::{CorruptionConfig, SystemConfig},
};
use melisma_train::{Error, TrainEvent, labels::LabelsConfig};
use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

/// Trains a small time-domain autoencoder into the folder `name`.
fn train_encoder(studio: &Studio, name: &str, latents: usize, rate_hz: u32) -> String {
    let system = SystemConfig {
        frames: FramesConfig {
            kind: FramesKind::Samples,
            standardise: Standardise::Whole,
            ..FramesConfig::default()
        },
        network: NetworkConfig::TimeAe(TimeAeConfig { stride: 32, hidden: 16, latents }),
        bottleneck: BottleneckConfig::default(),
        corruption: CorruptionConfig::default(),
    };
    let mut config = autoencoder("encoder", system, 30);
    config.data.sample_rate_hz = rate_hz;
    let folder = studio.run_folder(name);
    studio.train(&config, &folder, &AtomicBool::new(false), &mut |_| {}).unwrap();
    folder.display().to_string()
}

/// Of `steps` steps, of which about half are learned behind a frozen encoder.
fn latents(folder: &str, steps: u64) -> LabelsConfig {
    let classifier = ClassifierConfig::LatentCnn(LatentCnnConfig {
        encoder: EncoderChoice { folder: folder.to_owned(), untrained: false },
        frozen_epochs: steps * 2 / 5,
        convolutions: 2,
        channels: 8,
        kernel: 3,
        pool: 4,
        hidden: 8,
    });
    LabelsConfig { classifier, ..sweeps(steps) }
}

fn weights(folder: &Path, file: &str) -> Vec<NamedTensor> {
    let mut file = TensorFile::from_bytes(&std::fs::read(folder.join("model").join(file)).unwrap()).unwrap();
    file.tensors.sort_by(|a, b| a.name.cmp(&b.name));
    file.tensors
}

fn accuracy(log: &[TrainEvent]) -> Option<f64> {
    log.iter().rev().find_map(|event| match event {
        TrainEvent::Validated(validated) => Some(validated.measures["accuracy"]),
        _ => None,
    })
}

/// The weights of the first layer of an encoder, under any name.
fn first_layer(weights: &[NamedTensor]) -> &[f32] {
    &weights.iter().find(|tensor| tensor.name.ends_with("analysis.weight")).unwrap().values
}

#[test]
fn it_learns_first_behind_the_encoder_then_with_it() {
    let studio = labelled();
    let encoder = train_encoder(&studio, "encoder", 6, 8000);
    let trained = weights(Path::new(&encoder), "model.safetensors");
    let folder = studio.run_folder("latents");
    let config = latents(&encoder, 60);
    let finished = run(&studio, &config, &folder, &mut |_| {}, &AtomicBool::new(false)).unwrap();
    assert_eq!(accuracy(&finished.log), Some(1.0));
    assert_ne!(first_layer(&weights(&folder, "weights.safetensors")), first_layer(&trained));
    for (name, untrained) in [("frozen", false), ("random", true)] {
        let mut config = latents(&encoder, 4);
        let ClassifierConfig::LatentCnn(classifier) = &mut config.classifier else { unreachable!() };
        classifier.frozen_epochs = 100;
        classifier.encoder.untrained = untrained;
        let folder = studio.run_folder(name);
        run(&studio, &config, &folder, &mut |_| {}, &AtomicBool::new(false)).unwrap();
        let found = weights(&folder, "weights.safetensors");
        assert_eq!(first_layer(&found) == first_layer(&trained), !untrained, "{name}");
    }
}

#[test]
fn interrupted_before_or_behind_the_thaw_it_ends_where_it_would_have_ended() {
    let studio = labelled();
    let encoder = train_encoder(&studio, "encoder", 6, 8000);
    let config = latents(&encoder, 12);
    let whole = studio.run_folder("whole");
    run(&studio, &config, &whole, &mut |_| {}, &AtomicBool::new(false)).unwrap();
    for last in [2, 8] {
        let parts = studio.run_folder(&format!("parts-{last}"));
        let stop = AtomicBool::new(false);
        let mut stop_it = |event: TrainEvent| {
            if matches!(event, TrainEvent::Step { step, .. } if step == last) {
                stop.store(true, Ordering::SeqCst);
            }
        };
        assert!(run(&studio, &config, &parts, &mut stop_it, &stop).unwrap().interrupted);
        run(&studio, &config, &parts, &mut |_| {}, &AtomicBool::new(false)).unwrap();
        assert!(
            weights(&whole, "weights.safetensors") == weights(&parts, "weights.safetensors"),
            "after {last}"
        );
    }
    // The same name, another model.
    let parts = studio.run_folder("other");
    let stop = AtomicBool::new(true);
    assert!(run(&studio, &config, &parts, &mut |_| {}, &stop).unwrap().interrupted);
    std::fs::remove_dir_all(&encoder).unwrap();
    train_encoder(&studio, "encoder", 5, 8000);
    let refused =
        run(&studio, &config, &parts, &mut |_| {}, &AtomicBool::new(false)).unwrap_err().to_string();
    assert!(refused.contains("began with the encoder of model"), "{refused}");
}

#[test]
fn what_is_no_encoder_for_it_is_refused() {
    let studio = labelled();
    let slow = train_encoder(&studio, "slow", 6, 4000);
    let empty = studio.run_folder("empty").display().to_string();
    for (folder, expected) in [
        ("", "--set classifier.encoder.folder=RUN"),
        (empty.as_str(), "holds no encoder to hear with"),
        (slow.as_str(), "hears 4000 Hz, the data are of 8000 Hz"),
    ] {
        let ended = run(
            &studio,
            &latents(folder, 2),
            &studio.run_folder("refused"),
            &mut |_| panic!("nothing is done before the encoder is there"),
            &AtomicBool::new(false),
        );
        let refused = ended.unwrap_err();
        assert!(matches!(refused, Error::Config(_) | Error::Encoder { .. }), "{refused:?}");
        assert!(refused.to_string().contains(expected), "{refused}");
        std::fs::remove_dir_all(studio.run_folder("refused")).unwrap();
    }
}

#[test]
fn inception_blocks_tell_sweeps_too() {
    let studio = labelled();
    let classifier = ClassifierConfig::Bbnn(BbnnConfig {
        stft: StftConfig { fft_samples: 256, hop_samples: 128 },
        bands: 16,
        channels: 4,
        blocks: 2,
    });
    let config = LabelsConfig { classifier, ..sweeps(60) };
    let folder = studio.run_folder("inception");
    let finished = run(&studio, &config, &folder, &mut |_| {}, &AtomicBool::new(false)).unwrap();
    assert_eq!(accuracy(&finished.log), Some(1.0));
}
