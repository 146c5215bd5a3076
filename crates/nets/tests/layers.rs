//! Layers that are matrix products against Burn's own convolutions and against plain loops.

use burn::{
    backend::Flex,
    module::Module,
    tensor::{
        Tensor, TensorData,
        module::{conv_transpose1d, conv1d},
        ops::{ConvOptions, ConvTransposeOptions},
    },
};
use melisma_nets::{
    bottleneck::{BottleneckConfig, Rounding},
    layers::{LstmConfig, NormConfig, OverlappedConfig},
    noise::Noise,
    parameters::{self, NamedTensor},
};

fn random<const D: usize>(seed: u64, shape: [usize; D]) -> Tensor<Flex, D> {
    Noise::at(seed, &[]).fill(shape, &Default::default(), Noise::normal)
}

fn weights<M: Module<Flex>>(module: &M) -> Vec<NamedTensor> {
    parameters::read(module)
}

fn tensor<const D: usize>(weights: &[NamedTensor], name: &str) -> Tensor<Flex, D> {
    let found = weights.iter().find(|tensor| tensor.name == name).unwrap();
    let data = TensorData::new(found.values.clone(), found.shape.clone());
    Tensor::from_data(data, &Default::default())
}

fn worst<const D: usize>(a: Tensor<Flex, D>, b: Tensor<Flex, D>) -> f32 {
    assert_eq!(a.dims(), b.dims());
    (a - b).abs().max().into_scalar()
}

/// Sums of at most 64 products of numbers below 5 and 1, each rounded to 6e-8.
const TOLERANCE: f32 = 64.0 * 5.0 * 6e-8;

#[test]
fn overlapped_is_a_convolution() {
    let (inputs, outputs, stride) = (3, 5, 4);
    let layer = OverlappedConfig { inputs, outputs, stride }
        .init_down::<Flex>(&mut Noise::at(1, &[]), &Default::default());
    let x = random(2, [2, 20, inputs]);
    let known = weights(&layer);
    // [stride, inputs, half, outputs] -> [outputs, inputs, half, stride].
    let kernel = tensor::<2>(&known, "weight").reshape([stride, inputs, 2, outputs]).permute([3, 1, 2, 0]);
    let kernel = kernel.reshape([outputs, inputs, 2 * stride]);
    let expected = conv1d(
        x.clone().swap_dims(1, 2),
        kernel,
        Some(tensor(&known, "bias")),
        ConvOptions::new([stride], [0], [1], 1),
    );
    assert!(worst(layer.down(x), expected.swap_dims(1, 2)) < TOLERANCE);
}

#[test]
fn overlapped_is_a_transposed_convolution() {
    let (inputs, outputs, stride) = (5, 3, 4);
    let layer = OverlappedConfig { inputs, outputs, stride }
        .init_up::<Flex>(&mut Noise::at(1, &[]), &Default::default());
    let x = random(2, [2, 6, inputs]);
    let known = weights(&layer);
    // [inputs, tap, outputs] -> [inputs, outputs, tap].
    let kernel = tensor::<2>(&known, "weight").reshape([inputs, 2 * stride, outputs]).swap_dims(1, 2);
    let options = ConvTransposeOptions::new([stride], [0], [0], [1], 1);
    let expected = conv_transpose1d(x.clone().swap_dims(1, 2), kernel, Some(tensor(&known, "bias")), options);
    assert!(worst(layer.up(x), expected.swap_dims(1, 2)) < TOLERANCE);
}

#[test]
fn norm_by_hand() {
    let layer = NormConfig { channels: 4 }.init::<Flex>(&Default::default());
    let x =
        Tensor::<Flex, 3>::from_floats([[[1.0, 3.0, 1.0, 3.0], [7.0, 7.0, 7.0, 7.0]]], &Default::default());
    let expected = [[[-1.0, 1.0, -1.0, 1.0], [0.0; 4]]];
    // The epsilon of 1e-5 takes 5e-6 off a variance of 1.
    assert!(worst(layer.forward(x), Tensor::from_floats(expected, &Default::default())) < 1e-5);
}

#[test]
fn lstm_by_loop() {
    let (inputs, size) = (3, 2);
    let layer =
        LstmConfig { inputs, outputs: size }.init::<Flex>(&mut Noise::at(3, &[]), &Default::default());
    // Longer than a stretch, so that the memory crosses from one to the next.
    let time = 70;
    let x = random(4, [1, time, inputs]);
    let found: Vec<f32> = layer.forward(x.clone()).into_data().to_vec().unwrap();
    let known = weights(&layer);
    let values = |name: &str| known.iter().find(|tensor| tensor.name == name).unwrap().values.clone();
    let (input, bias, recurrent) = (values("input.weight"), values("input.bias"), values("recurrent"));
    let x: Vec<f32> = x.into_data().to_vec().unwrap();
    let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
    let (mut output, mut memory) = (vec![0.0; size], vec![0.0; size]);
    for step in 0..time {
        let gates: Vec<f32> = (0..4 * size)
            .map(|gate| {
                let now = (0..inputs).map(|i| x[step * inputs + i] * input[i * 4 * size + gate]).sum::<f32>();
                let past = (0..size).map(|i| output[i] * recurrent[i * 4 * size + gate]).sum::<f32>();
                bias[gate] + now + past
            })
            .collect();
        for cell in 0..size {
            let gate = |index: usize| gates[index * size + cell];
            memory[cell] = sigmoid(gate(1)) * memory[cell] + sigmoid(gate(0)) * gate(2).tanh();
            output[cell] = sigmoid(gate(3)) * memory[cell].tanh();
            // Errors are forgotten at the pace of the memory, within some ten steps.
            let difference = (found[step * size + cell] - output[cell]).abs();
            assert!(difference < 10.0 * TOLERANCE, "{step}: {difference}");
        }
    }
}

#[test]
fn bottleneck_prices_are_probabilities() {
    let config = BottleneckConfig { rounding: Rounding::StraightThrough, first_step: 0.5, rate_weight: 1.0 };
    let layer = config.init::<Flex>(1, &Default::default()).unwrap();
    let bits = |value: f32| {
        let latents = Tensor::<Flex, 3>::from_floats([[[value]]], &Default::default());
        let quantised = layer.forward(latents, None);
        assert_eq!(quantised.latents.into_scalar(), (value / 0.5).round() * 0.5);
        quantised.bits.into_scalar()
    };
    // Whole numbers -20..=20 share a probability of 1 but for both tails of 2 e^-20, and 41 times the least one.
    let sum: f32 = (-20..=20).map(|whole| 2f32.powf(-bits(whole as f32 * 0.5))).sum();
    assert!((sum - 1.0).abs() < 1e-6, "{sum}");
    // Logistic of width 1: P(0) = tanh(1/4).
    assert!((bits(0.1) + 0.25f32.tanh().log2()).abs() < 1e-5);
    assert!(BottleneckConfig::default().init::<Flex>(1, &Default::default()).is_none());
}
