//! Every kernel and its gradients against the framework's own operations.

use super::*;
use crate::{layers::Activation, noise::Noise, stft::StftConfig};

type B = Tracking;
type Function<'a> = &'a dyn Fn(&[Tensor<B, 1>]) -> Tensor<B, 1>;

/// Compares values, and the gradients of their product with fixed noise.
fn check(name: &str, sizes: &[usize], kernel: Function, plain: Function) {
    let device = Default::default();
    let noise = &mut Noise::at(3, &[]);
    let inputs: Vec<Tensor<Flex, 1>> =
        sizes.iter().map(|&size| noise.fill([size], &device, Noise::normal)).collect();
    let values = |tensor: Tensor<Flex, 1>| tensor.into_data().to_vec::<f32>().unwrap();
    let mut of_value = None;
    let mut found = |function: Function| {
        let inputs: Vec<Tensor<B, 1>> =
            inputs.iter().map(|input| Tensor::from_inner(input.clone()).require_grad()).collect();
        let value = function(&inputs);
        let of_value: &Tensor<Flex, 1> =
            of_value.get_or_insert_with(|| noise.fill(value.dims(), &device, Noise::normal));
        let gradients = (value.clone() * Tensor::from_inner(of_value.clone())).sum().backward();
        let gradients = inputs.iter().map(|input| values(input.grad(&gradients).unwrap()));
        let mut all = vec![values(value.inner())];
        all.extend(gradients);
        all
    };
    let (found, expected) = (found(kernel), found(plain));
    for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert_eq!(found.len(), expected.len(), "{name} {index}");
        let largest = expected.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
        assert!(largest > 0.1, "{name} {index}: nothing to compare");
        for (found, expected) in found.iter().zip(expected) {
            // Sums of at most 600 products, each rounded to 6e-8 of numbers not above the largest sum.
            assert!((found - expected).abs() < 600.0 * 6e-8 * largest, "{name} {index}: {found}, {expected}");
        }
    }
}

const ACTIVATIONS: [Activation; 4] =
    [Activation::Identity, Activation::Tanh, Activation::Relu, Activation::Gelu];

fn flat<const D: usize>(tensor: Tensor<B, D>) -> Tensor<B, 1> {
    tensor.flatten(0, D - 1)
}

#[test]
fn linear_maps() {
    // More than two pieces of rows, the last one short.
    let (batch, time, inputs, outputs) = (2, 300, 19, 5);
    for activation in ACTIVATIONS {
        let shaped = |x: &[Tensor<B, 1>]| {
            let [x, weight, bias] = [0, 1, 2].map(|index| x[index].clone());
            (x.reshape([batch, time, inputs]), weight.reshape([inputs, outputs]), bias)
        };
        check(
            &format!("{activation:?}"),
            &[batch * time * inputs, inputs * outputs, outputs],
            &|x| {
                let (x, weight, bias) = shaped(x);
                flat(linear(activation, x, weight, bias))
            },
            &|x| {
                let (x, weight, bias) = shaped(x);
                flat(linear::plain(activation, x, weight, bias))
            },
        );
    }
}

#[test]
fn norms() {
    for (batch, time, channels) in [(2, 150, 35), (1, 3, 16), (3, 1, 7)] {
        let shaped = |x: &[Tensor<B, 1>]| x[0].clone().reshape([batch, time, channels]) * 2.0 + 1.0;
        check(
            &format!("{channels} channels"),
            &[batch * time * channels, channels, channels],
            &|x| flat(norm(shaped(x), x[1].clone(), x[2].clone())),
            &|x| flat(norm::plain(shaped(x), x[1].clone(), x[2].clone())),
        );
    }
}

#[test]
fn depthwise_convolutions() {
    // Longer than a block of rows, and shorter than the kernel.
    for (batch, time, channels, taps) in [(2, 40, 9, 7), (1, 2, 3, 7), (2, 5, 4, 1)] {
        let shaped = |x: &[Tensor<B, 1>]| {
            let [x, weight, bias] = [0, 1, 2].map(|index| x[index].clone());
            (x.reshape([batch, time, channels]), weight.reshape([taps, channels]), bias)
        };
        check(
            &format!("{taps} taps over {time}"),
            &[batch * time * channels, taps * channels, channels],
            &|x| {
                let (x, weight, bias) = shaped(x);
                flat(depthwise(x, weight, bias))
            },
            &|x| {
                let (x, weight, bias) = shaped(x);
                flat(depthwise::plain(x, weight, bias))
            },
        );
    }
}

#[test]
fn mean_squares() {
    let size = 40_000;
    check("mean square", &[size, size], &|x| mean_square(x[0].clone(), x[1].clone()) * size as f32, &|x| {
        (x[0].clone() - x[1].clone()).square().mean() * size as f32
    });
}

#[test]
fn convolutions_down() {
    // Runs of 5 and 40 values and of another length; a last row and column that no window reaches.
    for (channels, kernel, stride, planar) in
        [(2, 5, 2, true), (8, 5, 2, false), (3, 4, 2, true), (3, 3, 1, false), (2, 2, 3, false)]
    {
        let window = Window { channels, kernel, stride, planar };
        let (batch, time, bins, outputs) = (2, 14, 48, 4);
        let shaped = |x: &[Tensor<B, 1>]| {
            let [image, weight, bias] = [0, 1, 2].map(|index| x[index].clone());
            let shape = if planar { [batch, time, channels, bins] } else { [batch, time, bins, channels] };
            (image.reshape(shape), weight.reshape([window.values(), outputs]), bias)
        };
        for activation in ACTIVATIONS {
            check(
                &format!("{window:?} {activation:?}"),
                &[batch * time * bins * channels, window.values() * outputs, outputs],
                &|x| {
                    let (image, weight, bias) = shaped(x);
                    flat(conv2d_down(window, activation, image, weight, bias))
                },
                &|x| {
                    let (image, weight, bias) = shaped(x);
                    flat(conv2d::plain_down(window, activation, image, weight, bias))
                },
            );
        }
    }
}

#[test]
fn convolutions_up() {
    for (channels, kernel, stride, planar) in
        [(2, 5, 2, true), (8, 5, 2, false), (3, 4, 2, true), (3, 3, 1, false)]
    {
        let window = Window { channels, kernel, stride, planar };
        let (batch, time, bins, inputs) = (2, 6, 23, 4);
        let shaped = |x: &[Tensor<B, 1>]| {
            let [image, weight, bias] = [0, 1, 2].map(|index| x[index].clone());
            (image.reshape([batch, time, bins, inputs]), weight.reshape([inputs, window.values()]), bias)
        };
        for activation in ACTIVATIONS {
            check(
                &format!("{window:?} {activation:?}"),
                &[batch * time * bins * inputs, inputs * window.values(), channels],
                &|x| {
                    let (image, weight, bias) = shaped(x);
                    flat(conv2d_up(window, activation, image, weight, bias))
                },
                &|x| {
                    let (image, weight, bias) = shaped(x);
                    flat(conv2d::plain_up(window, activation, image, weight, bias))
                },
            );
        }
    }
}

#[test]
fn rows_beside_each_other() {
    for (batch, time, channels) in [(2, 5, 3), (1, 2, 2)] {
        let shaped = |x: &[Tensor<B, 1>], width| x[0].clone().reshape([batch, time, width]);
        check("beside", &[batch * time * channels], &|x| flat(beside(shaped(x, channels))), &|x| {
            flat(overlap::plain_beside(shaped(x, channels)))
        });
        check("overlap", &[batch * time * 2 * channels], &|x| flat(overlap(shaped(x, 2 * channels))), &|x| {
            flat(overlap::plain_overlap(shaped(x, 2 * channels)))
        });
    }
}

#[test]
fn spectra() {
    // More frames than a piece; sounds that frames overreach and do not reach.
    for (batch, samples, fft_samples, hop_samples) in [(2, 50, 16, 4), (1, 300, 16, 4), (2, 101, 12, 6)] {
        let config = StftConfig { fft_samples, hop_samples };
        let stft = config.init::<B>(&Default::default()).unwrap();
        let sound = |x: &[Tensor<B, 1>]| x[0].clone().reshape([batch, samples]);
        check("spectrum", &[batch * samples], &|x| flat(stft.forward(sound(x))), &|x| {
            flat(stft.plain_forward(sound(x)))
        });
        let (frames, values) = (config.frames(samples), 2 * config.bins());
        let spectrum = |x: &[Tensor<B, 1>]| x[0].clone().reshape([batch, frames, values]);
        for samples in [samples, samples + 40, samples / 2] {
            check("sound", &[batch * frames * values], &|x| flat(stft.inverse(spectrum(x), samples)), &|x| {
                flat(stft.plain_inverse(spectrum(x), samples))
            });
        }
    }
}

#[test]
fn only_wanted_gradients() {
    let device = Default::default();
    let noise = &mut Noise::at(4, &[]);
    let mut draw = |shape| noise.fill::<B, 2>(shape, &device, Noise::normal);
    let (x, weight) = (draw([6, 3]).unsqueeze::<3>(), draw([3, 2]).require_grad());
    let bias = Tensor::zeros([2], &device);
    let gradients = linear(Activation::Identity, x.clone(), weight.clone(), bias.clone()).sum().backward();
    assert!(x.grad(&gradients).is_none() && bias.grad(&gradients).is_none());
    assert!(weight.grad(&gradients).is_some());
    assert!(!linear(Activation::Identity, x, weight.detach(), bias).is_require_grad());
}

#[test]
fn other_numbers_take_the_plain_way() {
    use burn::tensor::DType;
    let device = Default::default();
    let noise = &mut Noise::at(5, &[]);
    let mut draw = |shape| noise.fill::<Flex, 2>(shape, &device, Noise::normal).cast(DType::F64);
    let (x, weight) = (draw([6, 3]), draw([3, 2]));
    let bias = Tensor::<Flex, 1>::zeros([2], (&device, DType::F64));
    let y = linear(Activation::Relu, x.clone().unsqueeze(), weight.clone(), bias);
    assert_eq!(y.dtype(), DType::F64);
    let expected = burn::tensor::activation::relu(x).matmul(weight).unsqueeze();
    assert!((y - expected).abs().max().into_scalar() < 1e-12);
}
