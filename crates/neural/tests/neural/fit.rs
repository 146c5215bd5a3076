//! What fitting measures.

use crate::common::{RATE_HZ, config, named, rms, sound, system};
use burn::tensor::{Tensor, TensorData};
use melisma_nets::{
    bottleneck::Rounding,
    device::Cpu,
    pca::Covariance,
    statistics::Statistics,
    system::{System, SystemConfig},
};
use melisma_neural::{Error, ModelConfig, NeuralCodec, NeuralModel, Target};
use melisma_signal::Pcm;

fn described(system: &SystemConfig) -> ModelConfig {
    ModelConfig {
        name: "test".to_owned(),
        description: String::new(),
        sample_rate_hz: RATE_HZ,
        system: system.clone(),
        trained_on: String::new(),
    }
}

fn fit(config: &SystemConfig, system: &System<Cpu>, statistics: &Statistics) -> NeuralModel {
    let clips: Vec<Vec<f32>> = (40..48).map(|seed| sound(seed, 4000)).collect();
    NeuralModel::fit(described(config), system, statistics, &clips, &Default::default()).unwrap()
}

#[test]
fn learned_steps_stand_and_others_are_measured() {
    for (name, config) in named() {
        let (system, statistics) = system(&config, 1);
        let model = fit(&config, &system, &statistics);
        let steps = &model.quantiser().steps;
        if config.bottleneck.rounding == Rounding::Absent {
            assert!(steps.iter().any(|step| step != &steps[0]), "{name}: {steps:?}");
        } else {
            assert_eq!(*steps, system.steps().unwrap(), "{name}");
            assert!(model.quantiser().centres.iter().all(|&centre| centre == 0.0), "{name}");
        }
    }
}

/// Principal components of the training sound: an encoder and a decoder that are each other's inverse on what they keep.
fn components() -> (SystemConfig, System<Cpu>, Statistics) {
    let config = config("linear");
    let (system, statistics) = system(&config, 1);
    let mut covariance = Covariance::new(config.frames.values()).unwrap();
    for seed in 40..48 {
        let clip = sound(seed, 4000);
        let tensor = Tensor::<Cpu, 2>::from_data(TensorData::new(clip, [1, 4000]), &Default::default());
        covariance.push(&system.modelled(tensor).into_data().to_vec::<f32>().unwrap());
    }
    let system = system.with_components(&covariance.components().unwrap()).unwrap();
    (config, system, statistics)
}

#[test]
fn a_step_of_one_adds_a_tenth_to_the_error() {
    let (config, system, statistics) = components();
    let model = fit(&config, &system, &statistics);
    // Components are orthogonal directions in standardised frames: their gains differ by what frequencies were scaled by.
    let codec = NeuralCodec::new(model).unwrap();
    let pcm = Pcm { sample_rate_hz: RATE_HZ, channels: vec![sound(99, 12_000)] };
    let analysed = codec.analyse(&pcm).unwrap();
    let error = |multiplier| {
        let file = codec.encode(&analysed, Target::Step(multiplier)).unwrap();
        let decoded = codec.decode(&file).unwrap().pcm;
        rms(decoded.channels[0].iter().zip(&pcm.channels[0]).map(|(a, b)| a - b)).powi(2)
    };
    let added = error(1.0) / error(1.0 / 1024.0) - 1.0;
    // Measured over a few pieces, of a signal that swells: within a factor of two.
    assert!((0.04..0.25).contains(&added), "{added}");
    assert!(error(1.0 / 1024.0) < 0.8 * rms(pcm.channels[0].iter().copied()).powi(2));
}

#[test]
fn silence_and_strangers_are_refused() {
    let device = Default::default();
    let (config, system, statistics) = components();
    let fit = |config: ModelConfig, clips: &[Vec<f32>]| {
        NeuralModel::fit(config, &system, &statistics, clips, &device)
    };
    for clips in [vec![], vec![vec![]], vec![vec![0.0; 500]]] {
        assert!(matches!(fit(described(&config), &clips), Err(Error::Fit(_))), "{clips:?}");
    }
    let clips = [sound(1, 2000)];
    let stranger = described(&crate::common::config("deep"));
    assert!(matches!(fit(stranger, &clips), Err(Error::Fit(_))));
    for name in [String::new(), "x".repeat(33)] {
        assert!(matches!(fit(ModelConfig { name, ..described(&config) }, &clips), Err(Error::Fit(_))));
    }
    let slow = ModelConfig { sample_rate_hz: 10, ..described(&config) };
    assert!(matches!(fit(slow, &clips), Err(Error::Fit(_))));
}
