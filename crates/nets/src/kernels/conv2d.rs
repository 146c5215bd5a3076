//! Convolutions over time and frequency as matrix products over gathered windows.
//!
//! Images have time outermost. A window of the large image becomes a row of values, and the kernel a matrix: the
//! convolution is the product of the two, the transposed one adds products back to where windows lie. The same two
//! movements, gathering and scattering, are all that either's gradient takes. A few rows of windows at a time stay in
//! cache.

use super::{
    Array, Kernel,
    elementwise::{activated, chain},
    primitive,
    product::{add_column_sums, fill_rows, multiply, multiply_add, pieces_mut, rows, total},
    run,
};
use crate::layers::Activation;
use burn::tensor::{
    Tensor,
    backend::Backend,
    module::{conv_transpose2d, conv2d},
    ops::{ConvOptions, ConvTransposeOptions},
};
use rayon::prelude::*;

/// How a square kernel lies on the large image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// Channels of the large image.
    pub channels: usize,
    /// Height and width of the kernel.
    pub kernel: usize,
    /// Steps from one window to the next, both ways.
    pub stride: usize,
    /// Whether the large image is `[time, channel, bin]`; it is `[time, bin, channel]` otherwise.
    pub planar: bool,
}

/// `f(image)` convolved, without padding.
///
/// # Shapes
/// The large image with its batch; a matrix of `[window, outputs]`, windows in the image's own order of axes; and
/// `[outputs]` -> `[batch, time, bin, outputs]`.
pub(crate) fn conv2d_down<B: Backend>(
    window: Window,
    activation: Activation,
    image: Tensor<B, 4>,
    weight: Tensor<B, 2>,
    bias: Tensor<B, 1>,
) -> Tensor<B, 4> {
    let inputs = [primitive(&image), primitive(&weight), primitive(&bias)];
    run::<B, 3, 4>(Down { window, activation }, &inputs)
        .unwrap_or_else(|| plain_down(window, activation, image, weight, bias))
}

/// `f(image)` under the transposed convolution.
///
/// # Shapes
/// `[batch, time, bin, inputs]`, `[inputs, window]` and a bias a channel of the large image -> the large image with
/// its batch, `(length - 1) * stride + kernel` long both ways.
pub(crate) fn conv2d_up<B: Backend>(
    window: Window,
    activation: Activation,
    image: Tensor<B, 4>,
    weight: Tensor<B, 2>,
    bias: Tensor<B, 1>,
) -> Tensor<B, 4> {
    let inputs = [primitive(&image), primitive(&weight), primitive(&bias)];
    run::<B, 3, 4>(Up { window, activation }, &inputs)
        .unwrap_or_else(|| plain_up(window, activation, image, weight, bias))
}

impl Window {
    /// Values under a kernel.
    pub fn values(&self) -> usize {
        self.kernel * self.kernel * self.channels
    }

    /// From the order of axes in memory to `[.., channel, time, bin]` and back.
    fn channels_first<B: Backend>(&self, image: Tensor<B, 4>) -> Tensor<B, 4> {
        if self.planar { image.swap_dims(1, 2) } else { image.permute([0, 3, 1, 2]) }
    }

    fn channels_back<B: Backend>(&self, image: Tensor<B, 4>) -> Tensor<B, 4> {
        if self.planar { image.swap_dims(1, 2) } else { image.permute([0, 2, 3, 1]) }
    }

    /// `[other, window]` as `[other, channel, kernel, kernel]`.
    fn kernel_image<B: Backend>(&self, weight: Tensor<B, 2>) -> Tensor<B, 4> {
        let (other, kernel) = (weight.dims()[0], self.kernel);
        let image = if self.planar {
            weight.reshape([other, kernel, self.channels, kernel])
        } else {
            weight.reshape([other, kernel, kernel, self.channels])
        };
        self.channels_first(image)
    }
}

pub(super) fn plain_down<B: Backend>(
    window: Window,
    activation: Activation,
    image: Tensor<B, 4>,
    weight: Tensor<B, 2>,
    bias: Tensor<B, 1>,
) -> Tensor<B, 4> {
    let options = ConvOptions::new([window.stride; 2], [0; 2], [1; 2], 1);
    let kernel = window.kernel_image(weight.transpose());
    let image = window.channels_first(activation.apply(image));
    conv2d(image, kernel, Some(bias), options).permute([0, 2, 3, 1])
}

pub(super) fn plain_up<B: Backend>(
    window: Window,
    activation: Activation,
    image: Tensor<B, 4>,
    weight: Tensor<B, 2>,
    bias: Tensor<B, 1>,
) -> Tensor<B, 4> {
    let options = ConvTransposeOptions::new([window.stride; 2], [0; 2], [0; 2], [1; 2], 1);
    let image = activation.apply(image).permute([0, 3, 1, 2]);
    window.channels_back(conv_transpose2d(image, window.kernel_image(weight), Some(bias), options))
}

/// A window on a large image of known size.
#[derive(Clone, Copy)]
struct Grid {
    window: Window,
    /// Time steps and bins of the large image.
    large: [usize; 2],
    /// Windows in time, and bins of a time step.
    small: [usize; 2],
}

impl Grid {
    /// On a large image, `[batch, ..]`.
    fn on(window: Window, shape: &[usize]) -> Self {
        let large = [shape[1], if window.planar { shape[3] } else { shape[2] }];
        let small = large.map(|length| (length - window.kernel) / window.stride + 1);
        Self { window, large, small }
    }

    /// Under a small image, `[batch, time, bin, channel]`.
    fn under(window: Window, shape: &[usize]) -> Self {
        let small = [shape[1], shape[2]];
        Self { window, large: small.map(|length| (length - 1) * window.stride + window.kernel), small }
    }

    /// Values of a large image.
    fn large_values(&self) -> usize {
        self.large.iter().product::<usize>() * self.window.channels
    }

    fn large_shape(&self, batch: usize) -> [usize; 4] {
        let [time, bins] = self.large;
        let channels = self.window.channels;
        if self.window.planar { [batch, time, channels, bins] } else { [batch, time, bins, channels] }
    }

    /// Windows of a small image.
    fn windows(&self) -> usize {
        self.small.iter().product()
    }

    /// Windows handled at once: whole time steps, about 512 windows.
    fn piece(&self) -> usize {
        512usize.div_ceil(self.small[1]) * self.small[1]
    }

    /// Kernels consist of runs of values that lie together: for every row of a kernel one, or, where channels lie
    /// apart, one a channel. Runs: how many a row, how far apart, how long, how far on in the next window.
    fn runs(&self) -> [usize; 4] {
        let Window { channels, kernel, stride, planar } = self.window;
        if planar {
            [channels, self.large[1], kernel, stride]
        } else {
            [1, 0, kernel * channels, stride * channels]
        }
    }

    /// Calls `visit` with where every run of some windows begins, in the image and in the gathered windows.
    #[inline(always)]
    fn each_run(&self, first: usize, count: usize, mut visit: impl FnMut(usize, usize)) {
        let Window { channels, kernel, stride, .. } = self.window;
        let [runs, apart, length, step] = self.runs();
        let time_step = self.large[1] * channels;
        let mut at = 0;
        for time in first / self.small[1]..(first + count) / self.small[1] {
            for bin in 0..self.small[1] {
                for row in 0..kernel {
                    for run in 0..runs {
                        visit((time * stride + row) * time_step + run * apart + bin * step, at);
                        at += length;
                    }
                }
            }
        }
    }

    /// Windows of an image, from the `first` on, one after the other.
    fn gather(&self, image: &[f32], first: usize, windows: &mut [f32]) {
        match self.runs()[2] {
            // The study's: a run of known length is a few instructions.
            5 => self.gather_runs::<5>(image, first, windows),
            40 => self.gather_runs::<40>(image, first, windows),
            length => self.each_run(first, windows.len() / self.window.values(), |from, to| {
                windows[to..to + length].copy_from_slice(&image[from..from + length]);
            }),
        }
    }

    fn gather_runs<const LENGTH: usize>(&self, image: &[f32], first: usize, windows: &mut [f32]) {
        self.each_run(first, windows.len() / self.window.values(), |from, to| {
            let (Some(from), Some((to, _))) =
                (image[from..].first_chunk::<LENGTH>(), windows[to..].split_first_chunk_mut::<LENGTH>())
            else {
                unreachable!("windows lie within the image");
            };
            *to = *from;
        });
    }

    /// Adds windows to where they lie in an image.
    fn scatter(&self, windows: &[f32], first: usize, image: &mut [f32]) {
        match self.runs()[2] {
            5 => self.scatter_runs::<5>(windows, first, image),
            40 => self.scatter_runs::<40>(windows, first, image),
            length => self.each_run(first, windows.len() / self.window.values(), |to, from| {
                let values = image[to..to + length].iter_mut().zip(&windows[from..from + length]);
                values.for_each(|(sum, value)| *sum += value);
            }),
        }
    }

    fn scatter_runs<const LENGTH: usize>(&self, windows: &[f32], first: usize, image: &mut [f32]) {
        self.each_run(first, windows.len() / self.window.values(), |to, from| {
            let (Some((to, _)), Some(from)) =
                (image[to..].split_first_chunk_mut::<LENGTH>(), windows[from..].first_chunk::<LENGTH>())
            else {
                unreachable!("windows lie within the image");
            };
            for (sum, value) in to.iter_mut().zip(from) {
                *sum += value;
            }
        });
    }

    /// A bias a channel, on a large image.
    fn fill(&self, bias: &[f32], image: &mut [f32]) {
        if self.window.planar {
            for (plane, bias) in image.chunks_exact_mut(self.large[1]).zip(bias.iter().cycle()) {
                plane.fill(*bias);
            }
        } else {
            fill_rows(image, bias);
        }
    }

    /// Sums a channel over a large image.
    fn channel_sums(&self, image: &[f32]) -> Vec<f32> {
        let mut sums = vec![0.0; self.window.channels];
        if self.window.planar {
            for step in image.chunks_exact(self.large[1] * sums.len()) {
                for (sum, plane) in sums.iter_mut().zip(step.chunks_exact(self.large[1])) {
                    *sum += plane.iter().sum::<f32>();
                }
            }
        } else {
            add_column_sums(&mut sums, image);
        }
        sums
    }
}

#[derive(Clone, Debug)]
struct Down {
    window: Window,
    activation: Activation,
}

impl Kernel<3> for Down {
    fn forward(&self, [image, weight, bias]: &[Array; 3]) -> Array {
        let grid = Grid::on(self.window, image.shape());
        let (values, outputs) = (self.window.values(), weight.width());
        let small = grid.windows() * outputs;
        let mut y = vec![0.0; image.shape()[0] * small];
        y.par_chunks_mut(small).zip(image.values().par_chunks(grid.large_values())).for_each(|(y, image)| {
            let image = activated(self.activation, image);
            let mut windows = vec![0.0; grid.piece() * values];
            for (index, y) in y.chunks_mut(grid.piece() * outputs).enumerate() {
                let windows = &mut windows[..y.len() / outputs * values];
                grid.gather(&image, index * grid.piece(), windows);
                fill_rows(y, bias.values());
                multiply_add(y, rows(windows, values), rows(weight.values(), outputs));
            }
        });
        Array::new(y, &[image.shape()[0], grid.small[0], grid.small[1], outputs])
    }

    fn backward(
        &self,
        [image, weight, _]: &[Array; 3],
        gradient: Array,
        wanted: [bool; 3],
    ) -> [Option<Array>; 3] {
        let grid = Grid::on(self.window, image.shape());
        let (values, outputs) = (self.window.values(), weight.width());
        let (large, small) = (grid.large_values(), grid.windows() * outputs);
        let mut of_image = wanted[0].then(|| vec![0.0; image.values().len()]);
        let clips = image.values().par_chunks(large).zip(gradient.values().par_chunks(small));
        let of_clips = pieces_mut(of_image.as_mut(), large, image.shape()[0]);
        let parts: Vec<[Vec<f32>; 2]> = clips
            .zip(of_clips)
            .map(|((image, gradient), mut of_image)| {
                let value = activated(self.activation, image);
                let mut windows = vec![0.0; grid.piece() * values];
                let (mut of_weight, mut of_bias) = (vec![0.0; values * outputs], vec![0.0; outputs]);
                add_column_sums(&mut of_bias, gradient);
                for (index, gradient) in gradient.chunks(grid.piece() * outputs).enumerate() {
                    let first = index * grid.piece();
                    let windows = &mut windows[..gradient.len() / outputs * values];
                    grid.gather(&value, first, windows);
                    multiply_add(&mut of_weight, rows(windows, values).transpose(), rows(gradient, outputs));
                    if let Some(of_image) = &mut of_image {
                        multiply(
                            windows,
                            rows(gradient, outputs),
                            rows(weight.values(), outputs).transpose(),
                        );
                        grid.scatter(windows, first, of_image);
                    }
                }
                if let Some(of_image) = of_image {
                    chain(self.activation, image, of_image);
                }
                [of_weight, of_bias]
            })
            .collect();
        let (of_weight, of_bias): (Vec<_>, Vec<_>) = parts.into_iter().map(|[a, b]| (a, b)).unzip();
        [
            of_image.map(|values| Array::new(values, image.shape())),
            Some(Array::new(total(of_weight), weight.shape())),
            Some(Array::new(total(of_bias), &[outputs])),
        ]
    }
}

#[derive(Clone, Debug)]
struct Up {
    window: Window,
    activation: Activation,
}

impl Kernel<3> for Up {
    fn forward(&self, [image, weight, bias]: &[Array; 3]) -> Array {
        let grid = Grid::under(self.window, image.shape());
        let (values, inputs) = (self.window.values(), image.width());
        let small = grid.windows() * inputs;
        let mut y = vec![0.0; image.shape()[0] * grid.large_values()];
        y.par_chunks_mut(grid.large_values()).zip(image.values().par_chunks(small)).for_each(|(y, image)| {
            grid.fill(bias.values(), y);
            let mut windows = vec![0.0; grid.piece() * values];
            for (index, image) in image.chunks(grid.piece() * inputs).enumerate() {
                let windows = &mut windows[..image.len() / inputs * values];
                let value = activated(self.activation, image);
                multiply(windows, rows(&value, inputs), rows(weight.values(), values));
                grid.scatter(windows, index * grid.piece(), y);
            }
        });
        Array::new(y, &grid.large_shape(image.shape()[0]))
    }

    fn backward(
        &self,
        [image, weight, _]: &[Array; 3],
        gradient: Array,
        wanted: [bool; 3],
    ) -> [Option<Array>; 3] {
        let grid = Grid::under(self.window, image.shape());
        let (values, inputs) = (self.window.values(), image.width());
        let (large, small) = (grid.large_values(), grid.windows() * inputs);
        let mut of_image = wanted[0].then(|| vec![0.0; image.values().len()]);
        let clips = image.values().par_chunks(small).zip(gradient.values().par_chunks(large));
        let of_clips = pieces_mut(of_image.as_mut(), small, image.shape()[0]);
        let parts: Vec<[Vec<f32>; 2]> = clips
            .zip(of_clips)
            .map(|((image, gradient), mut of_image)| {
                let mut windows = vec![0.0; grid.piece() * values];
                let mut of_weight = vec![0.0; inputs * values];
                for (index, image) in image.chunks(grid.piece() * inputs).enumerate() {
                    let first = index * grid.piece();
                    let windows = &mut windows[..image.len() / inputs * values];
                    grid.gather(gradient, first, windows);
                    let value = activated(self.activation, image);
                    multiply_add(&mut of_weight, rows(&value, inputs).transpose(), rows(windows, values));
                    if let Some(of_image) = &mut of_image {
                        let of_image = &mut of_image[first * inputs..][..image.len()];
                        multiply(of_image, rows(windows, values), rows(weight.values(), values).transpose());
                        chain(self.activation, image, of_image);
                    }
                }
                [of_weight, grid.channel_sums(gradient)]
            })
            .collect();
        let (of_weight, of_bias): (Vec<_>, Vec<_>) = parts.into_iter().map(|[a, b]| (a, b)).unzip();
        [
            of_image.map(|values| Array::new(values, image.shape())),
            Some(Array::new(total(of_weight), weight.shape())),
            Some(Array::new(total(of_bias), &[self.window.channels])),
        ]
    }
}
