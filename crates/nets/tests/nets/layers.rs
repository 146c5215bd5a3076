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
    layers::{
        Activation, Conv2dConfig, DepthwiseConfig, LinearConfig, LstmConfig, NormConfig, OverlappedConfig,
    },
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
    assert!(worst(layer.up(Activation::Identity, x), expected.swap_dims(1, 2)) < TOLERANCE);
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

fn values<const D: usize>(tensor: Tensor<Flex, D>) -> Vec<f32> {
    tensor.into_data().to_vec().unwrap()
}

fn all_close(found: &[f32], expected: &[f32], name: &str) {
    assert_eq!(found.len(), expected.len(), "{name}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() < TOLERANCE, "{name} {index}: {found}, {expected}");
    }
}

#[test]
fn linear_by_loop() {
    let (inputs, outputs) = (3, 2);
    let layer = LinearConfig { inputs, outputs }.init::<Flex>(&mut Noise::at(1, &[]), &Default::default());
    let x = random(2, [2, 4, inputs]);
    let known = weights(&layer);
    let (weight, bias) = (values(tensor::<2>(&known, "weight")), values(tensor::<1>(&known, "bias")));
    // Gelu with the distribution by its series around 0 (Abramowitz and Stegun 26.2.10), exact to 1e-9 below 5.
    let distribution = |x: f64| {
        let (mut term, mut sum) = (x, x);
        for k in 1..100 {
            term *= -x * x / (2.0 * f64::from(k));
            sum += term / f64::from(2 * k + 1);
        }
        0.5 + sum / (2.0 * std::f64::consts::PI).sqrt()
    };
    let functions: [(Activation, &dyn Fn(f32) -> f32); 4] = [
        (Activation::Identity, &|x| x),
        (Activation::Relu, &|x| x.max(0.0)),
        (Activation::Tanh, &|x| x.tanh()),
        (Activation::Gelu, &|x| x * distribution(f64::from(x)) as f32),
    ];
    for (activation, function) in functions {
        let expected: Vec<f32> = values(x.clone())
            .chunks_exact(inputs)
            .flat_map(|row| {
                let (weight, bias) = (&weight, &bias);
                (0..outputs).map(move |output| {
                    let products =
                        (0..inputs).map(|input| function(row[input]) * weight[input * outputs + output]);
                    bias[output] + products.sum::<f32>()
                })
            })
            .collect();
        all_close(&values(layer.after(activation, x.clone())), &expected, &format!("{activation:?}"));
    }
}

#[test]
fn depthwise_by_loop() {
    let (time, channels, kernel) = (20, 3, 5);
    let layer =
        DepthwiseConfig { channels, kernel }.init::<Flex>(&mut Noise::at(1, &[]), &Default::default());
    let x = random(2, [1, time, channels]);
    let known = weights(&layer);
    let (weight, bias) = (values(tensor::<2>(&known, "weight")), values(tensor::<1>(&known, "bias")));
    let input = values(x.clone());
    let mut expected = Vec::new();
    for step in 0..time {
        for channel in 0..channels {
            let taps = (0..kernel).filter_map(|tap| {
                let from = (step + tap).checked_sub(kernel / 2).filter(|from| *from < time)?;
                Some(input[from * channels + channel] * weight[tap * channels + channel])
            });
            expected.push(bias[channel] + taps.sum::<f32>());
        }
    }
    all_close(&values(layer.forward(x)), &expected, "depthwise");
}

#[test]
fn convolutions_of_images_by_loop() {
    let (inputs, outputs, kernel, stride, time, bins) = (2, 3, 5, 2, 9, 11);
    for planar in [false, true] {
        let config = Conv2dConfig { inputs, outputs, kernel, stride, planar };
        let down = config.init_down::<Flex>(&mut Noise::at(1, &[]), &Default::default());
        let up = Conv2dConfig { inputs: outputs, outputs: inputs, ..config }
            .init_up::<Flex>(&mut Noise::at(1, &[]), &Default::default());
        let [small_time, small_bins] = [time, bins].map(|length| (length - kernel) / stride + 1);
        let at = |step: usize, bin: usize, channel: usize| match planar {
            true => (step * inputs + channel) * bins + bin,
            false => (step * bins + bin) * inputs + channel,
        };
        let tap = |row: usize, column: usize, channel: usize| match planar {
            true => (row * inputs + channel) * kernel + column,
            false => (row * kernel + column) * inputs + channel,
        };
        // Every product of a convolution: indices in the large image, the small one, the window, and the channel.
        let mut products = Vec::new();
        for step in 0..small_time {
            for bin in 0..small_bins {
                for row in 0..kernel {
                    for column in 0..kernel {
                        for channel in 0..inputs {
                            products.push((
                                at(step * stride + row, bin * stride + column, channel),
                                (step * small_bins + bin) * outputs,
                                tap(row, column, channel),
                                channel,
                            ));
                        }
                    }
                }
            }
        }
        let known = weights(&down);
        let (weight, bias) = (values(tensor::<2>(&known, "weight")), values(tensor::<1>(&known, "bias")));
        let shape = if planar { [1, time, inputs, bins] } else { [1, time, bins, inputs] };
        let x = random(2, shape);
        let image = values(x.clone());
        let mut expected: Vec<f32> =
            bias.iter().copied().cycle().take(small_time * small_bins * outputs).collect();
        for &(large, small, tap, _) in &products {
            for output in 0..outputs {
                expected[small + output] += image[large] * weight[tap * outputs + output];
            }
        }
        all_close(&values(down.down(Activation::Identity, x)), &expected, &format!("down, planar {planar}"));

        let known = weights(&up);
        let (weight, bias) = (values(tensor::<2>(&known, "weight")), values(tensor::<1>(&known, "bias")));
        let x = random(3, [1, small_time, small_bins, outputs]);
        let image = values(x.clone());
        let mut expected = vec![0.0; time * bins * inputs];
        for step in 0..time {
            for bin in 0..bins {
                for channel in 0..inputs {
                    expected[at(step, bin, channel)] = bias[channel];
                }
            }
        }
        for &(large, small, tap, _) in &products {
            for output in 0..outputs {
                expected[large] += image[small + output] * weight[output * inputs * kernel * kernel + tap];
            }
        }
        all_close(&values(up.up(Activation::Identity, x)), &expected, &format!("up, planar {planar}"));
    }
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
