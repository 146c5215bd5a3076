//! The classifier: shapes, what it does not hear, what training changes, and its gradients.

use burn::{
    backend::{Autodiff, Flex},
    module::{Module, ModuleVisitor, Param},
    tensor::{Tensor, backend::AutodiffBackend},
};
use melisma_nets::{
    Error,
    classifiers::{MelCnn, MelCnnConfig},
    noise::Noise,
    stft::StftConfig,
};

type B = Autodiff<Flex>;

const RATE_HZ: u32 = 8000;
const SAMPLES: usize = 2048;

fn config() -> MelCnnConfig {
    MelCnnConfig {
        stft: StftConfig { fft_samples: 256, hop_samples: 64 },
        bands: 20,
        channels: vec![4, 6],
        hidden: 5,
        ..MelCnnConfig::default()
    }
}

fn network<A: burn::tensor::backend::Backend>() -> MelCnn<A> {
    let mut noise = Noise::at(1, &[0]);
    config().init(3, RATE_HZ, SAMPLES, &mut noise, &Default::default()).unwrap()
}

fn sound<A: burn::tensor::backend::Backend>() -> Tensor<A, 2> {
    Noise::at(2, &[]).fill([2, SAMPLES], &Default::default(), Noise::normal) * 0.1
}

fn values(tensor: Tensor<Flex, 2>) -> Vec<f32> {
    tensor.into_data().to_vec().unwrap()
}

#[test]
fn loudness_tells_nothing_and_silence_is_something() {
    let network = network::<Flex>();
    let told = network.forward(sound(), None);
    assert_eq!(told.dims(), [2, 3]);
    let louder = values(network.forward(sound().mul_scalar(4.0), None));
    for (here, louder) in values(told).iter().zip(&louder) {
        assert!((here - louder).abs() < 1e-3, "{here} and {louder}");
    }
    let silent = values(network.forward(Tensor::zeros([1, SAMPLES], &Default::default()), None));
    assert!(silent.iter().all(|value| value.is_finite()), "{silent:?}");
}

#[test]
fn training_leaves_something_out_by_its_noise_alone() {
    let network = network::<Flex>();
    let told = |seed| values(network.forward(sound(), Some(&mut Noise::at(seed, &[]))));
    assert_eq!(told(3), told(3));
    assert_ne!(told(3), told(4));
    assert_ne!(told(3), values(network.forward(sound(), None)));
}

#[test]
fn sizes_that_do_not_fit_are_refused() {
    let refused = |change: fn(&mut MelCnnConfig), samples: usize| {
        let mut changed = config();
        change(&mut changed);
        let made = changed.init::<Flex>(3, RATE_HZ, samples, &mut Noise::at(1, &[0]), &Default::default());
        assert!(matches!(made, Err(Error::Config(_))), "{changed:?}");
    };
    refused(|config| config.channels.clear(), SAMPLES);
    refused(|config| config.channels[1] = 0, SAMPLES);
    refused(|config| config.channels = vec![4; 5], SAMPLES);
    refused(|config| config.hidden = 0, SAMPLES);
    refused(|config| config.dropout = 1.0, SAMPLES);
    refused(|config| config.stft.hop_samples = 100, SAMPLES);
    refused(|config| config.stft.hop_samples = 0, SAMPLES);
    refused(|config| config.bands = 1 << 40, SAMPLES);
    refused(|_| {}, 128);
}

/// Names of weights without a gradient.
struct Dead<'a> {
    gradients: &'a <B as AutodiffBackend>::Gradients,
    seen: usize,
    dead: usize,
}

impl ModuleVisitor<B> for Dead<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
        self.seen += 1;
        let gradient = param.val().grad(self.gradients);
        let is_alive = gradient.is_some_and(|gradient| gradient.abs().max().into_scalar() > 0.0);
        self.dead += usize::from(!is_alive);
    }
}

#[test]
fn every_weight_gets_a_gradient() {
    let network = network::<B>();
    let gradients = network.forward(sound(), None).square().mean().backward();
    let mut dead = Dead { gradients: &gradients, seen: 0, dead: 0 };
    network.visit(&mut dead);
    // Two convolutions with their norms, and two linear maps: two tensors each.
    assert_eq!((dead.seen, dead.dead), (12, 0));
}
