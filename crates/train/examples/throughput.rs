//! What a training step of a network costs; `benches/training.py` runs it beside PyTorch.
//!
//! `throughput NETWORK STEPS` prints a line of JSON: seconds a step by the clock and of the processor, and all losses.
//! A step is forward, loss, backward and AdamW, on noise that stands for sound or band energies. The networks are the study's
//! two, from sound on, and a stack of residual blocks over band energies.

use melisma_nets::{
    burn::{
        self,
        module::Module,
        tensor::{Tensor, backend::Backend},
    },
    device::{Autodiff, Cpu},
    frames::{FramesConfig, FramesKind, Standardise},
    layers::{ConvNext, ConvNextConfig, Linear, LinearConfig},
    loss::{LossConfig, LossKind, LossTerm, squared, total},
    networks::{FreqAeConfig, NetworkConfig, TimeAeConfig},
    noise::Noise,
    statistics::Statistics,
    system::{System, SystemConfig},
};
use melisma_train::{config::OptimiserConfig, optimiser::Optimiser};
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
            of_sound(name, steps, network, FramesKind::Complex, Standardise::Nothing, 8);
        }
        "time-ae" => {
            let network = NetworkConfig::TimeAe(TimeAeConfig::default());
            of_sound(name, steps, network, FramesKind::Samples, Standardise::Whole, 16);
        }
        "convnext" => of_bands(name, steps),
        _ => panic!("no network {name:?}"),
    }
}

fn measure<M: Module<Learning>>(
    name: &str,
    steps: usize,
    mut module: M,
    loss: impl Fn(&M) -> Tensor<Learning, 1>,
) {
    let config = OptimiserConfig::default();
    let mut optimiser = Optimiser::new(&config);
    let mut started = (Instant::now(), cpu_s());
    let mut losses = Vec::new();
    for index in 0..WARM_UP + steps {
        if index == WARM_UP {
            started = (Instant::now(), cpu_s());
        }
        let loss = loss(&module);
        losses.push(loss.clone().into_scalar());
        let gradients = loss.backward();
        (module, _) = optimiser.step(module, &gradients, config.learning_rate, melisma_train::Ranks::alone());
    }
    let each = |seconds: f64| seconds / steps as f64;
    println!(
        "{{\"network\":\"{name}\",\"weights\":{},\"cpu_s\":{:.5},\"wall_s\":{:.5},\"losses\":{losses:?}}}",
        module.num_params(),
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

/// A whole system of the study, from sound to loss.
fn of_sound(
    name: &str,
    steps: usize,
    network: NetworkConfig,
    kind: FramesKind,
    standardise: Standardise,
    batch: usize,
) {
    let device = Default::default();
    let sound: Tensor<Learning, 2> =
        Noise::at(1, &[]).fill([batch, SAMPLES], &device, |noise| 0.1 * noise.normal());
    let mut statistics = Statistics::default();
    statistics.push(&[-0.1, 0.1], 1).expect("values of one kind");
    let frames = FramesConfig { kind, standardise, ..FramesConfig::default() };
    let config =
        SystemConfig { frames, network, bottleneck: Default::default(), corruption: Default::default() };
    let terms = vec![LossTerm { kind: LossKind::FramesMse, weight: 1.0 }];
    let loss = LossConfig { terms, ..LossConfig::default() };
    let loss = loss.init::<Learning>(8000, &device).expect("a transform that fits");
    let system: System<Learning> = config.init(&statistics, 1, &device).expect("a system that fits");
    measure(name, steps, system, |system| {
        let frames = system.forward(sound.clone(), Some(&mut Noise::at(1, &[]))).frames;
        total(&loss.terms(&frames, || system.compared(&frames, &sound))).expect("a term")
    });
}

/// Residual blocks over band energies.
#[derive(Module, Debug)]
struct Bands<B: Backend> {
    first: Linear<B>,
    stack: ConvNext<B>,
    last: Linear<B>,
}

fn of_bands(name: &str, steps: usize) {
    const BANDS: usize = 64;
    let (noise, device) = (&mut Noise::at(2, &[]), &Default::default());
    let stack = ConvNextConfig { channels: 192, blocks: 5, kernel: 7, expansion: 4 };
    let network = Bands {
        first: LinearConfig { inputs: BANDS, outputs: stack.channels }.init(noise, device),
        last: LinearConfig { inputs: stack.channels, outputs: BANDS }.init(noise, device),
        stack: stack.init(noise, device),
    };
    let energies: Tensor<Learning, 3> = noise.fill([16, 256, BANDS], device, Noise::normal);
    measure(name, steps, network, |Bands { first, stack, last }| {
        let estimate = last.forward(stack.forward(first.forward(energies.clone())));
        squared([energies.clone(), estimate])
    });
}
