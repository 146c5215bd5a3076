//! Shapes, sizes, repeatability and weights of every system; the study's networks at full size.

use crate::systems::{SAMPLES, named, raw_frames, sound};
use burn::{backend::Flex, module::Module, tensor::Tensor};
use melisma_nets::{
    Error,
    bottleneck::Rounding,
    frames::{FramesConfig, FramesKind, Standardise},
    networks::{Autoencoder, DenseAe, FreqAeConfig, NetworkConfig, TimeAeConfig},
    noise::Noise,
    parameters,
    pca::Covariance,
    statistics::Statistics,
    system::{System, SystemConfig},
};

fn build(config: &SystemConfig, seed: u64) -> System<Flex> {
    let device = Default::default();
    let mut statistics = Statistics::default();
    statistics.push(&raw_frames(config, &device), config.frames.values()).unwrap();
    config.init(&statistics, seed, &device).unwrap()
}

fn values<const D: usize>(tensor: Tensor<Flex, D>) -> Vec<f32> {
    tensor.into_data().to_vec().unwrap()
}

#[test]
fn shapes() {
    let device = Default::default();
    // 512 samples are 33 frames of the transform; the study's two need 13 and 29 for 1 and 5 latents, 37 for 7.
    for (name, config) in named() {
        let system = build(&config, 1);
        let (frames, latents) = match name {
            "freq-ae" => (33, 6),
            "time-ae" => (SAMPLES, 31),
            "time-ae-plus" => (SAMPLES, 33),
            "freq-ae-plus" => (33, 10),
            _ => (33, 33),
        };
        let output = system.forward(sound(&device), None);
        for side in &output.frames {
            assert_eq!(side.dims(), [2, frames, config.frames.values()], "{name}");
        }
        assert_eq!(output.latents.dims()[..2], [2, latents], "{name}");
        let heard = system.sound(output.frames[1].clone(), SAMPLES);
        assert_eq!(heard.dims(), [2, SAMPLES], "{name}");
        assert!(values(heard).iter().all(|value| value.is_finite()), "{name}");
        assert_eq!(system.encode(sound(&device)).dims()[..2], [2, latents], "{name}");
    }
}

#[test]
fn the_study_at_full_size() {
    let device = Default::default();
    let silence = Tensor::<Flex, 2>::zeros([1, 65_536], &device);
    for latents in [512, 256, 128, 64, 32] {
        let frames = FramesConfig { kind: FramesKind::Complex, ..FramesConfig::default() };
        let network = NetworkConfig::FreqAe(FreqAeConfig { latents });
        let config =
            SystemConfig { frames, network, bottleneck: Default::default(), corruption: Default::default() };
        let system = config.init::<Flex>(&Statistics::default(), 1, &device).unwrap();
        let output = system.forward(silence.clone(), None);
        assert_eq!(output.latents.dims(), [1, 126, latents]);
        assert_eq!(output.frames[1].dims(), [1, 513, 2 * 257]);
        let there = (2 * 8 * 25 + 8) + (8 * 32 * 25 + 32) + (62 * 32 * latents + latents);
        let back = (latents * 62 * 32 + 32) + (32 * 8 * 25 + 8) + (8 * 2 * 25 + 2);
        assert_eq!(system.num_params(), there + back);
    }
    let frames = FramesConfig { kind: FramesKind::Samples, ..FramesConfig::default() };
    let network = NetworkConfig::TimeAe(TimeAeConfig::default());
    let config =
        SystemConfig { frames, network, bottleneck: Default::default(), corruption: Default::default() };
    let system = config.init::<Flex>(&Statistics::default(), 1, &device).unwrap();
    let output = system.forward(silence, None);
    assert_eq!(output.latents.dims(), [1, 255, 32]);
    assert_eq!(output.frames[1].dims(), [1, 65_536, 1]);
    assert_eq!(system.num_params(), (512 * 64 + 64) + (64 * 32 + 32) + (32 * 64 + 64) + (64 * 512 + 1));
}

#[test]
fn straight_ways_start_as_transforms_that_lose_nothing() {
    let device = Default::default();
    for (name, mut config) in named() {
        let NetworkConfig::Residual(residual) = &mut config.network else { continue };
        match config.frames.kind {
            FramesKind::Samples => residual.latents = residual.stride,
            FramesKind::Lapped => residual.latents = config.frames.values(),
            _ => continue,
        }
        config.bottleneck.rounding = Rounding::Absent;
        let system = build(&config, 1);
        let [original, estimate] = system.forward(sound(&device), None).frames;
        // Both ends miss the frame beyond them.
        let [batch, time, size] = original.dims();
        let inner = |x: Tensor<Flex, 3>| match config.frames.kind {
            FramesKind::Samples => x.slice([0..batch, 16..time - 16, 0..size]),
            _ => x.slice([0..batch, 0..time - 1, 0..size]),
        };
        let (original, estimate) = (inner(original), inner(estimate));
        let power = |x: Tensor<Flex, 3>| x.square().sum().into_scalar();
        let error = power(estimate - original.clone()) / power(original);
        // Both stacks together are 40 dB down at least; their inputs have about the power of the frames.
        assert!(error < 1e-3, "{name}: {error}");
    }
}

#[test]
fn seeds_decide() {
    let device = Default::default();
    for (name, config) in named() {
        let run = |weights, chance: Option<u64>| {
            let mut noise = chance.map(|seed| Noise::at(seed, &[]));
            values(build(&config, weights).forward(sound(&device), noise.as_mut()).frames[1].clone())
        };
        assert_eq!(run(1, Some(1)), run(1, Some(1)), "{name}");
        assert_ne!(run(1, None), run(2, None), "{name}");
        let random = ["freq-ae-plus", "lapped-plus", "deep", "variational"].contains(&name);
        assert_eq!(run(1, Some(1)) != run(1, Some(2)), random, "{name}");
    }
}

#[test]
fn weights_travel_by_name() {
    let device = Default::default();
    for (name, config) in named() {
        let (from, to) = (build(&config, 1), build(&config, 2));
        let weights = parameters::read(&from);
        let names: std::collections::BTreeSet<_> = weights.iter().map(|tensor| &tensor.name).collect();
        assert_eq!(names.len(), weights.len(), "{name}: names repeat");
        let to = parameters::write(to, weights.clone()).unwrap();
        let run = |system: &System<Flex>| values(system.forward(sound(&device), None).frames[1].clone());
        assert_eq!(run(&from), run(&to), "{name}");

        let mut missing = weights.clone();
        missing.pop();
        let refused = parameters::write(build(&config, 2), missing).unwrap_err();
        assert!(matches!(refused, Error::MissingTensor { .. }), "{name}: {refused}");
        let mut surplus = weights.clone();
        surplus.push(parameters::NamedTensor { name: "x".to_owned(), shape: vec![], values: vec![] });
        let refused = parameters::write(build(&config, 2), surplus).unwrap_err();
        assert!(matches!(refused, Error::SurplusTensors { count: 1, .. }), "{name}: {refused}");
        let mut bent = weights;
        bent[0].shape.push(1);
        let refused = parameters::write(build(&config, 2), bent).unwrap_err();
        assert!(matches!(refused, Error::Shape { .. }), "{name}: {refused}");
    }
}

#[test]
fn components_are_the_linear_autoencoder() {
    let device = Default::default();
    let (_, config) = named().into_iter().find(|(name, _)| *name == "linear").unwrap();
    let size = config.frames.values();
    let raw = raw_frames(&config, &device);
    let mut covariance = Covariance::new(size).unwrap();
    covariance.push(&raw);
    let components = covariance.components().unwrap();
    let frames = Tensor::<Flex, 1>::from_floats(raw.as_slice(), &device).reshape([1, raw.len() / size, size]);
    for kept in [1, 6, 40, size] {
        let network = DenseAe::<Flex>::from_components(&components, kept, &device);
        let back = network.decode(network.encode(frames.clone()));
        let error = f64::from((back - frames.clone()).square().mean().into_scalar());
        // Rounding of f32 products leaves a floor of (66 * 6e-8)^2 of the power, far below 1e-9 of it.
        let power = components.error(0);
        assert!((error - components.error(kept)).abs() < 1e-4 * error + 1e-9 * power, "{kept}: {error}");
    }
}

#[test]
fn parts_that_do_not_fit() {
    let device = Default::default();
    for (name, mut config) in named() {
        config.frames.kind = match config.frames.kind {
            FramesKind::Samples => FramesKind::Complex,
            _ => FramesKind::Samples,
        };
        config.frames.standardise = Standardise::Nothing;
        let made = config.init::<Flex>(&Statistics::default(), 1, &device);
        let bound = ["freq-ae", "time-ae", "time-ae-plus"];
        assert_eq!(made.is_err(), bound.contains(&name), "{name}");
    }
    let (_, mut config) = named().remove(2);
    assert!(config.init::<Flex>(&Statistics::default(), 1, &device).is_err(), "no statistics");
    config.frames.standardise = Standardise::Nothing;
    config.bottleneck.first_step = 0.0;
    assert!(config.init::<Flex>(&Statistics::default(), 1, &device).is_err(), "no step");
}
