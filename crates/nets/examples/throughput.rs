//! What a training step of a network costs; `benches/training.py` runs it beside PyTorch.
//!
//! `throughput NETWORK STEPS` prints a line of JSON: seconds a step by the clock and of the processor, and all losses.
//! A step is forward, loss and backward, on noise that stands for sound or band energies. The networks are the study's
//! two, from sound on, and a stack of residual blocks over band energies.

use burn::{
    module::{Module, ModuleVisitor, Param},
    tensor::{
        Tensor,
        backend::{AutodiffBackend, Backend},
    },
};
use melisma_nets::{
    device::{Autodiff, Cpu},
    frames::{FramesConfig, FramesKind, Standardise},
    layers::{ConvNext, ConvNextConfig, Linear, LinearConfig},
    loss::{Loss, LossConfig, LossKind, LossTerm, total},
    networks::{FreqAeConfig, TimeAeConfig},
    noise::Noise,
    statistics::Statistics,
    system::{NetworkConfig, System, SystemConfig},
};
use std::{fs, time::Instant};

type Learning = Autodiff<Cpu>;
const SAMPLES: usize = 65_536;
/// Steps before the measurement.
const WARM_UP: usize = 2;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, steps] = arguments.as_slice() else {
        panic!("throughput NETWORK STEPS");
    };
    let steps = steps.parse().expect("a number of steps");
    match name.as_str() {
        "freq-ae" => {
            let network = NetworkConfig::FreqAe(FreqAeConfig { latents: 128 });
            measure(name, steps, &OfSound::new(network, FramesKind::Complex, Standardise::Nothing, 8));
        }
        "time-ae" => {
            let network = NetworkConfig::TimeAe(TimeAeConfig::default());
            measure(name, steps, &OfSound::new(network, FramesKind::Samples, Standardise::Whole, 16));
        }
        "convnext" => measure(name, steps, &OfBands::new()),
        _ => panic!("no network {name:?}"),
    }
}

/// Something with weights and a loss.
trait Step {
    fn loss(&self) -> Tensor<Learning, 1>;
    fn weights(&self) -> usize;
    fn touch(&self, gradients: &<Learning as AutodiffBackend>::Gradients) -> usize;
}

fn measure(name: &str, steps: usize, step: &dyn Step) {
    let mut started = (Instant::now(), cpu_s());
    let mut losses = Vec::new();
    for index in 0..WARM_UP + steps {
        if index == WARM_UP {
            started = (Instant::now(), cpu_s());
        }
        let loss = step.loss();
        losses.push(loss.clone().into_scalar());
        assert!(step.touch(&loss.backward()) > 0, "no gradients");
    }
    let each = |seconds: f64| seconds / steps as f64;
    println!(
        "{{\"network\":\"{name}\",\"weights\":{},\"cpu_s\":{:.5},\"wall_s\":{:.5},\"losses\":{losses:?}}}",
        step.weights(),
        each(cpu_s() - started.1),
        each(started.0.elapsed().as_secs_f64()),
    );
}

/// Processor time of all threads so far, from `/proc` (Linux): clock ticks of 10 ms.
fn cpu_s() -> f64 {
    let text = fs::read_to_string("/proc/self/stat").expect("/proc is mounted");
    let after_name = &text[text.rfind(')').expect("a name") + 2..];
    let ticks = after_name.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<f64>().expect("a number"));
    ticks.sum::<f64>() / 100.0
}

/// A whole system of the study.
struct OfSound {
    system: System<Learning>,
    loss: Loss<Learning>,
    sound: Tensor<Learning, 2>,
}

impl OfSound {
    fn new(network: NetworkConfig, kind: FramesKind, standardise: Standardise, batch: usize) -> Self {
        let device = Default::default();
        let sound = Noise::at(1, &[]).fill([batch, SAMPLES], &device, |noise| 0.1 * noise.normal());
        let mut statistics = Statistics::default();
        statistics.push(&[-0.1, 0.1], 1).expect("values of one kind");
        let frames = FramesConfig { kind, standardise, ..FramesConfig::default() };
        let config =
            SystemConfig { frames, network, bottleneck: Default::default(), corruption: Default::default() };
        let terms = vec![LossTerm { kind: LossKind::FramesMse, weight: 1.0 }];
        let loss = LossConfig { terms, ..LossConfig::default() };
        Self {
            system: config.init(&statistics, 1, &device).expect("a system that fits"),
            loss: loss.init(8000, &device).expect("a transform that fits"),
            sound,
        }
    }
}

impl Step for OfSound {
    fn loss(&self) -> Tensor<Learning, 1> {
        let frames = self.system.forward(self.sound.clone(), Some(&mut Noise::at(1, &[]))).frames;
        let terms = self.loss.terms(&frames, || self.system.compared(&frames, &self.sound));
        total(&terms, &self.sound.device())
    }

    fn weights(&self) -> usize {
        self.system.num_params()
    }

    fn touch(&self, gradients: &<Learning as AutodiffBackend>::Gradients) -> usize {
        count(&self.system, gradients)
    }
}

/// Residual blocks over band energies.
#[derive(Module, Debug)]
struct Bands<B: Backend> {
    first: Linear<B>,
    stack: ConvNext<B>,
    last: Linear<B>,
}

struct OfBands {
    network: Bands<Learning>,
    energies: Tensor<Learning, 3>,
}

impl OfBands {
    fn new() -> Self {
        const BANDS: usize = 64;
        let (noise, device) = (&mut Noise::at(2, &[]), &Default::default());
        let stack = ConvNextConfig { channels: 192, blocks: 5, kernel: 7, expansion: 4 };
        let network = Bands {
            first: LinearConfig { inputs: BANDS, outputs: stack.channels }.init(noise, device),
            last: LinearConfig { inputs: stack.channels, outputs: BANDS }.init(noise, device),
            stack: stack.init(noise, device),
        };
        Self { network, energies: noise.fill([16, 256, BANDS], device, Noise::normal) }
    }
}

impl Step for OfBands {
    fn loss(&self) -> Tensor<Learning, 1> {
        let Bands { first, stack, last } = &self.network;
        let estimate = last.forward(stack.forward(first.forward(self.energies.clone())));
        melisma_nets::loss::squared([self.energies.clone(), estimate])
    }

    fn weights(&self) -> usize {
        self.network.num_params()
    }

    fn touch(&self, gradients: &<Learning as AutodiffBackend>::Gradients) -> usize {
        count(&self.network, gradients)
    }
}

/// Weights that have a gradient.
fn count(module: &impl Module<Learning>, gradients: &<Learning as AutodiffBackend>::Gradients) -> usize {
    struct Count<'a>(&'a <Learning as AutodiffBackend>::Gradients, usize);
    impl ModuleVisitor<Learning> for Count<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<Learning, D>>) {
            self.1 += param.val().grad(self.0).map_or(0, |gradient| gradient.shape().num_elements());
        }
    }
    let mut count = Count(gradients, 0);
    module.visit(&mut count);
    count.1
}
