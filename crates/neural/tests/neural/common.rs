//! Small models of every family, with random weights, and sound for them.

#[path = "../../../nets/tests/nets/systems.rs"]
pub mod systems;

use burn::tensor::{Tensor, TensorData};
use melisma_nets::{
    device::Cpu,
    frames::FramesKind,
    noise::Noise,
    statistics::Statistics,
    system::{System, SystemConfig},
};
use melisma_neural::{ModelConfig, NeuralCodec, NeuralModel};
use melisma_signal::Pcm;

/// Sections of four seconds then are short.
pub const RATE_HZ: u32 = 1000;

/// Noise that falls with frequency, as music does, in swells.
pub fn sound(seed: u64, samples: usize) -> Vec<f32> {
    let mut noise = Noise::at(seed, &[]);
    let mut value = 0.0;
    (0..samples)
        .map(|n| {
            value = 0.9 * value + 0.1 * noise.normal();
            value * (1.2 + (n as f32 * 0.003).sin())
        })
        .collect()
}

pub fn mono(samples: usize) -> Pcm {
    Pcm { sample_rate_hz: RATE_HZ, channels: vec![sound(7, samples)] }
}

pub fn stereo(samples: usize) -> Pcm {
    Pcm { sample_rate_hz: RATE_HZ, channels: vec![sound(7, samples), sound(8, samples)] }
}

pub fn tensor(sound: &[f32]) -> Tensor<Cpu, 2> {
    Tensor::from_data(TensorData::new(sound.to_vec(), [1, sound.len()]), &Default::default())
}

/// A system with random weights, and the statistics it stands on.
pub fn system(config: &SystemConfig, seed: u64) -> (System<Cpu>, Statistics) {
    let device = Default::default();
    let mut statistics = Statistics::default();
    statistics.push(&systems::raw_frames(config, &device), config.frames.values()).unwrap();
    (config.init(&statistics, seed, &device).unwrap(), statistics)
}

pub fn model_of(name: &str, config: &SystemConfig, seed: u64) -> NeuralModel {
    let (system, statistics) = system(config, seed);
    let config = ModelConfig {
        name: name.to_owned(),
        description: format!("{name} with random weights."),
        sample_rate_hz: RATE_HZ,
        system: config.clone(),
        trained_on: "nothing".to_owned(),
    };
    let clips: Vec<Vec<f32>> = (20..28).map(|seed| sound(seed, 3000)).collect();
    NeuralModel::fit(config, &system, &statistics, &clips, &Default::default()).unwrap()
}

/// All families.
pub fn named() -> Vec<(&'static str, SystemConfig)> {
    systems::named()
}

pub fn config(name: &str) -> SystemConfig {
    named().into_iter().find(|(other, _)| *other == name).unwrap().1
}

pub fn codec(name: &str) -> NeuralCodec {
    NeuralCodec::new(model_of(name, &config(name), 1)).unwrap()
}

pub fn made_up_phases(config: &SystemConfig) -> bool {
    config.frames.kind == FramesKind::LogMagnitude
}

pub fn rms(values: impl Iterator<Item = f32>) -> f64 {
    let (sum, count) = values.fold((0.0, 0), |(sum, count), v| (sum + f64::from(v).powi(2), count + 1));
    (sum / f64::from(count.max(1))).sqrt()
}
