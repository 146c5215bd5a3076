//! Every loss against finite differences, and every weight of every network reached by a gradient.

use crate::systems::{named, sound};
use burn::{
    backend::{Autodiff, Flex},
    module::{Module, ModuleVisitor, Param},
    tensor::{Tensor, backend::AutodiffBackend},
};
use melisma_nets::{
    loss::{LossConfig, LossKind, LossTerm, total},
    noise::Noise,
    precision::Precision,
    statistics::Statistics,
    stft::StftConfig,
};

type B = Autodiff<Flex>;

const KINDS: [LossKind; 12] = [
    LossKind::FramesMse,
    LossKind::FramesL1,
    LossKind::TimeMse,
    LossKind::TimeL1,
    LossKind::MagnitudeMse,
    LossKind::MagnitudeL1,
    LossKind::LogPowerMse,
    LossKind::LogPowerL1,
    LossKind::ComplexMse,
    LossKind::ComplexL1,
    LossKind::TotalVariation,
    LossKind::Mel,
];

fn dot(a: Tensor<Flex, 2>, b: Tensor<Flex, 2>) -> f32 {
    (a * b).sum().into_scalar()
}

#[test]
fn losses_match_finite_differences() {
    let device = Default::default();
    let shape = [2, 300];
    let mut noise = Noise::at(5, &[]);
    let mut draw = || noise.fill::<Flex, 2>(shape, &device, Noise::normal);
    let (original, estimate) = (draw(), draw());
    let directions: Vec<Tensor<Flex, 2>> = (0..4).map(|_| draw()).collect();
    for kind in KINDS {
        let config = LossConfig {
            terms: vec![LossTerm { kind, weight: 1.5 }],
            stft: StftConfig { fft_samples: 64, hop_samples: 16 },
            mel_fft_samples: vec![64, 32],
            mel_bands: 12,
        };
        let loss = config.init::<B>(8000, &device).unwrap();
        let value = |estimate: Tensor<B, 2>| {
            let pair = [Tensor::from_inner(original.clone()), estimate];
            let frames = pair.clone().map(|sound| sound.unsqueeze_dim(2));
            total(&loss.terms(&frames, || pair.clone())).unwrap()
        };
        let start = Tensor::<B, 2>::from_inner(estimate.clone()).require_grad();
        let here = value(start.clone());
        let gradient = start.grad(&here.backward()).unwrap();
        let steepness = dot(gradient.clone(), gradient.clone()).sqrt();
        // A step that changes the loss by 0.02 %. Rounding of an f32 loss (1e-7 of it, by pairwise sums) then is 0.1 % of
        // the change. Logarithms near a silent bin bend the curve most, along the gradient, which looks that way: by the
        // square of the share of the magnitude that the step is. Kinks of absolute values count by the share crossed.
        let here = here.into_scalar();
        let step = 2e-4 * here / steepness;
        let tolerance = 0.02 * steepness;
        for direction in directions.iter().chain([&gradient]) {
            let direction = direction.clone() / dot(direction.clone(), direction.clone()).sqrt();
            let at = |side: f32| {
                value(Tensor::from_inner(estimate.clone() + direction.clone() * (side * step))).into_scalar()
            };
            let slope = (at(1.0) - at(-1.0)) / (2.0 * step);
            let expected = dot(gradient.clone(), direction.clone());
            assert!((slope - expected).abs() < tolerance, "{kind:?}: {slope} for {expected} ({steepness})");
        }
    }
}

/// Counts weights without a gradient.
struct Dead<'a, A: AutodiffBackend> {
    gradients: &'a A::Gradients,
    names: Vec<String>,
    path: Vec<String>,
    seen: usize,
}

impl<A: AutodiffBackend> ModuleVisitor<A> for Dead<'_, A> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<A, D>>) {
        self.seen += 1;
        let alive = param.val().grad(self.gradients).is_some_and(|gradient| {
            gradient.abs().max().into_data().convert::<f32>().to_vec::<f32>().unwrap()[0] > 0.0
        });
        if !alive {
            self.names.push(self.path.join("."));
        }
    }
}

#[test]
fn every_weight_gets_a_gradient() {
    let device = Default::default();
    for (name, config) in named() {
        let mut statistics = Statistics::default();
        let raw = crate::systems::raw_frames(&config, &device);
        statistics.push(&raw, config.frames.values()).unwrap();
        let system = config.init::<B>(&statistics, 1, &device).unwrap();
        let run = |precision: Precision| {
            let seen = precision.of(&system);
            let output = seen.forward(Tensor::from_inner(sound(&device)), Some(&mut Noise::at(2, &[])));
            let [original, estimate] = output.frames;
            let mut loss = (estimate.clone() - original).square().mean();
            for penalty in output.penalties {
                loss = loss + penalty.value * penalty.weight;
            }
            let gradients = loss.backward();
            let mut dead = Dead { gradients: &gradients, names: Vec::new(), path: Vec::new(), seen: 0 };
            system.visit(&mut dead);
            assert!(dead.names.is_empty(), "{name}, {precision:?}: {:?}", dead.names);
            assert!(dead.seen >= 4, "{name}: only {} weights", dead.seen);
            estimate.inner()
        };
        let (full, mixed) = (run(Precision::Full), run(Precision::Mixed));
        let share = |x: Tensor<Flex, 3>| x.square().mean().into_scalar();
        let error = (share(mixed - full.clone()) / share(full)).sqrt();
        // Numbers rounded to 2^-9 of themselves, in a handful of layers; latents that land on another integer weigh more.
        assert!(error > 0.0 && error < 0.05, "{name}: {error}");
    }
}
