//! Classifiers beside the mel CNN: shapes, published sizes, what learns, and what is refused.

use burn::{
    backend::{Autodiff, Flex},
    module::Module,
    tensor::{Tensor, backend::Backend},
};
use melisma_nets::{
    Error,
    classifiers::{
        Bbnn, BbnnConfig, Classifier, ClassifierConfig, LatentCnn, LatentCnnConfig, Purpose, Training,
    },
    frames::{FramesConfig, FramesKind},
    networks::{NetworkConfig, TimeAeConfig},
    noise::Noise,
    parameters,
    statistics::Statistics,
    stft::StftConfig,
    system::{System, SystemConfig},
};

type B = Autodiff<Flex>;

const RATE_HZ: u32 = 8000;

fn sound<A: Backend>(samples: usize) -> Tensor<A, 2> {
    Noise::at(2, &[]).fill([2, samples], &Default::default(), Noise::normal) * 0.1
}

fn encoder<A: Backend>(stride: usize, latents: usize) -> System<A> {
    let config = SystemConfig {
        frames: FramesConfig { kind: FramesKind::Samples, ..FramesConfig::default() },
        network: NetworkConfig::TimeAe(TimeAeConfig { stride, hidden: 6, latents }),
        bottleneck: Default::default(),
        corruption: Default::default(),
    };
    config.init(&Statistics::default(), 5, &Default::default()).unwrap()
}

fn small() -> LatentCnnConfig {
    LatentCnnConfig {
        frozen_epochs: 2,
        channels: 4,
        kernel: 3,
        pool: 2,
        hidden: 5,
        ..LatentCnnConfig::default()
    }
}

fn bbnn<A: Backend>(config: &BbnnConfig, labels: usize, samples: usize) -> Result<Bbnn<A>, Error> {
    config.init(labels, RATE_HZ, samples, &mut Noise::at(1, &[0]), &Default::default())
}

fn small_bbnn() -> BbnnConfig {
    BbnnConfig { stft: StftConfig { fft_samples: 256, hop_samples: 64 }, bands: 12, channels: 4, blocks: 2 }
}

/// Values of a weight whose gradient is there and not 0 everywhere, by name.
fn alive<M: Module<B>>(module: &M, loss: Tensor<B, 1>) -> Vec<(String, bool)> {
    use burn::{
        module::{ModuleVisitor, Param},
        tensor::backend::AutodiffBackend,
    };
    struct Alive<'a>(&'a <B as AutodiffBackend>::Gradients, Vec<String>, Vec<(String, bool)>);
    impl ModuleVisitor<B> for Alive<'_> {
        fn enter_module(&mut self, name: &str, _container: &str) {
            self.1.push(name.to_owned());
        }
        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.1.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
            let gradient = param.val().grad(self.0);
            let is_alive = gradient.is_some_and(|gradient| gradient.abs().max().into_scalar() > 0.0);
            self.2.push((self.1.join("."), is_alive));
        }
    }
    let gradients = loss.backward();
    let mut found = Alive(&gradients, Vec::new(), Vec::new());
    module.visit(&mut found);
    found.2
}

#[test]
fn published_sizes() {
    let network: Bbnn<Flex> = bbnn(&BbnnConfig::default(), 10, 30 * 22_050).unwrap();
    let weights: usize = parameters::read(&network)
        .iter()
        .filter(|tensor| !tensor.name.contains("norm"))
        .map(|tensor| tensor.values.len())
        .sum();
    // The paper's table of parameters.
    assert_eq!(weights, 180_458);
    // The study's full layers: 608 to 100 to 8. Their latents are 32 values, 256 samples apart.
    let network: LatentCnn<Flex> = LatentCnnConfig::default()
        .init(8, 131_072, encoder(256, 32), &mut Noise::at(1, &[0]), &Default::default())
        .unwrap();
    let weights = parameters::read(&network);
    for (name, shape) in
        [("hidden.weight", [608, 100]), ("labels.weight", [100, 8]), ("convolutions.0.weight", [160, 32])]
    {
        let found = weights.iter().find(|tensor| tensor.name == name);
        assert_eq!(found.map(|tensor| tensor.shape.as_slice()), Some(shape.as_slice()), "{name}");
    }
}

#[test]
fn every_weight_of_bbnn_gets_a_gradient() {
    let network: Bbnn<B> = bbnn(&small_bbnn(), 3, 2048).unwrap();
    let told = network.forward(sound(2048));
    assert_eq!(told.dims(), [2, 3]);
    for (name, is_alive) in alive(&network, told.square().mean()) {
        assert!(is_alive, "{name}");
    }
}

#[test]
fn the_encoder_learns_after_its_epochs() {
    let config = ClassifierConfig::LatentCnn(small());
    let purpose = Purpose { labels: 3, sample_rate_hz: RATE_HZ, samples: 512 };
    let device = Default::default();
    let network: Classifier<B> =
        config.init(purpose, Some(encoder(16, 5)), &mut Noise::at(1, &[0]), &device).unwrap();
    for (epoch, learns) in [(0, false), (1, false), (2, true), (9, true)] {
        let mut noise = Noise::at(3, &[]);
        let told = network.forward(sound(512), Some(Training { noise: &mut noise, epoch }));
        assert_eq!(told.dims(), [2, 3]);
        for (name, is_alive) in alive(&network, told.square().mean()) {
            let is_decoder = name.contains("expand") || name.contains("synthesis");
            let expected = if name.contains("encoder") { learns && !is_decoder } else { true };
            assert_eq!(is_alive, expected, "{name} in epoch {epoch}");
        }
    }
}

/// A graph that is cut off behind the encoder stays in memory, for no gradient ever passes through it: 16 MB a step.
#[test]
fn nothing_is_cut_off_behind_a_frozen_encoder() {
    let network: LatentCnn<B> =
        small().init(3, 512, encoder(16, 5), &mut Noise::at(1, &[0]), &Default::default()).unwrap();
    let heard = sound::<B>(512).require_grad();
    let gradients = network.forward(heard.clone(), Some(0)).square().mean().backward();
    assert!(heard.grad(&gradients).is_some());
}

#[test]
fn sizes_that_do_not_fit_are_refused() {
    let refused = |what: &str, ended: Result<(), Error>| {
        assert!(matches!(ended, Err(Error::Config(_))), "{what}: {ended:?}");
    };
    let latent = |change: fn(&mut LatentCnnConfig), samples: usize| {
        let mut config = small();
        change(&mut config);
        config
            .init(3, samples, encoder::<Flex>(16, 5), &mut Noise::at(1, &[0]), &Default::default())
            .map(drop)
    };
    refused("too short", latent(|_| {}, 96));
    refused("no convolutions", latent(|config| config.convolutions = 0, 512));
    refused("no channels", latent(|config| config.channels = 0, 512));
    refused("a kernel of 0", latent(|config| config.kernel = 0, 512));
    refused("a maximum of 0", latent(|config| config.pool = 0, 512));
    refused("too many convolutions", latent(|config| config.convolutions = 9, 512));
    let of_mel = |change: fn(&mut BbnnConfig), samples: usize| {
        let mut config = small_bbnn();
        change(&mut config);
        bbnn::<Flex>(&config, 3, samples).map(drop)
    };
    refused("too short", of_mel(|_| {}, 256));
    refused("one band", of_mel(|config| config.bands = 1, 2048));
    refused("no channels", of_mel(|config| config.channels = 0, 2048));
    refused("no blocks", of_mel(|config| config.blocks = 0, 2048));
    let config = ClassifierConfig::LatentCnn(small());
    let purpose = Purpose { labels: 3, sample_rate_hz: RATE_HZ, samples: 512 };
    let made = config.init::<Flex>(purpose, None, &mut Noise::at(1, &[0]), &Default::default());
    refused("no encoder", made.map(drop));
}
