//! One small system of every family, for tests.

use melisma_nets::burn::{
    backend::Flex,
    tensor::{Device, Tensor, backend::Backend},
};
use melisma_nets::{
    bottleneck::{BottleneckConfig, Rounding},
    frames::{FramesConfig, FramesKind, Standardise},
    networks::{
        Activation, DenseAeConfig, FreqAeConfig, NetworkConfig, RecurrentAeConfig, ResidualAeConfig, Start,
        TimeAeConfig, VariationalAeConfig,
    },
    noise::Noise,
    stft::StftConfig,
    system::{CorruptionConfig, SystemConfig},
};

const STFT: StftConfig = StftConfig { fft_samples: 64, hop_samples: 16 };

/// Samples of a clip of [`sound`].
pub const SAMPLES: usize = 512;

/// Two clips of noise that falls with frequency, as music does.
pub fn sound<B: Backend>(device: &Device<B>) -> Tensor<B, 2> {
    let mut noise = Noise::at(9, &[]);
    let mut value = 0.0;
    noise.fill([2, SAMPLES], device, |noise| {
        value = 0.9 * value + 0.1 * noise.normal();
        value
    })
}

/// What statistics are taken of.
pub fn raw_frames(config: &SystemConfig, device: &Device<Flex>) -> Vec<f32> {
    let plain = FramesConfig { standardise: Standardise::Nothing, ..config.frames };
    let frames = plain.init::<Flex>(&Default::default(), device).unwrap();
    frames.raw(sound(device)).into_data().to_vec().unwrap()
}

/// Names and configurations.
pub fn named() -> Vec<(&'static str, SystemConfig)> {
    let complex = FramesConfig { kind: FramesKind::Complex, stft: STFT, standardise: Standardise::EachValue };
    let magnitude = FramesConfig { kind: FramesKind::LogMagnitude, ..complex };
    let samples = FramesConfig { kind: FramesKind::Samples, stft: STFT, standardise: Standardise::Whole };
    let noise = BottleneckConfig { rounding: Rounding::Noise, first_step: 0.5, rate_weight: 0.01 };
    let straight = BottleneckConfig { rounding: Rounding::StraightThrough, ..noise };
    let clean = CorruptionConfig::default();
    let residual = ResidualAeConfig {
        stride: 4,
        channels: 12,
        latents: 6,
        blocks: 2,
        start: Start::Random,
        kernel: 3,
        expansion: 2,
    };
    let dense = |hidden: &[usize], activation| {
        NetworkConfig::Dense(DenseAeConfig { latents: 6, hidden: hidden.to_vec(), activation })
    };
    let variational =
        VariationalAeConfig { latents: 6, hidden: vec![20], activation: Activation::Relu, beta: 0.1 };
    let list = [
        (
            "freq-ae",
            FramesConfig { standardise: Standardise::Nothing, ..complex },
            NetworkConfig::FreqAe(FreqAeConfig { latents: 6 }),
            BottleneckConfig::default(),
            clean,
        ),
        (
            "time-ae",
            samples,
            NetworkConfig::TimeAe(TimeAeConfig { stride: 16, hidden: 12, latents: 8 }),
            BottleneckConfig::default(),
            clean,
        ),
        ("freq-ae-plus", complex, NetworkConfig::Residual(residual.clone()), noise, clean),
        (
            "time-ae-plus",
            samples,
            NetworkConfig::Residual(ResidualAeConfig {
                stride: 16,
                start: Start::Lapped,
                ..residual.clone()
            }),
            straight,
            clean,
        ),
        (
            "lapped-plus",
            FramesConfig {
                kind: FramesKind::Lapped,
                stft: StftConfig { fft_samples: 32, hop_samples: 16 },
                standardise: Standardise::Centred,
            },
            NetworkConfig::Residual(ResidualAeConfig { stride: 1, start: Start::Lapped, ..residual }),
            noise,
            clean,
        ),
        ("linear", complex, dense(&[], Activation::Identity), BottleneckConfig::default(), clean),
        ("shallow", magnitude, dense(&[], Activation::Tanh), BottleneckConfig::default(), clean),
        (
            "deep",
            complex,
            dense(&[24, 12], Activation::Tanh),
            BottleneckConfig::default(),
            CorruptionConfig { masked: 0.2, noise: 0.1 },
        ),
        (
            "recurrent",
            magnitude,
            NetworkConfig::Recurrent(RecurrentAeConfig { latents: 6, memory: 10 }),
            BottleneckConfig::default(),
            clean,
        ),
        ("variational", complex, NetworkConfig::Variational(variational), BottleneckConfig::default(), clean),
    ];
    list.into_iter()
        .map(|(name, frames, network, bottleneck, corruption)| {
            (name, SystemConfig { frames, network, bottleneck, corruption })
        })
        .collect()
}
