//! The short-time Fourier transform and its inverse by fast Fourier transforms.
//!
//! As in [`crate::stft`]: mirrored ends, real parts of a frame before its imaginary parts. The gradient of either is the
//! other's way back, without its scaling.

use super::{Array, Kernel, primitive, run};
use burn::tensor::{Tensor, backend::Backend};
use melisma_signal::fft::{self, Complex, ComplexToReal, RealToComplex};
use rayon::prelude::*;
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, LazyLock, Mutex},
};

/// Spectra of windowed frames, `1 + samples / hop` of them.
///
/// # Shapes
/// `[batch, sample]` -> `[batch, frame, 2 * bins]`; nothing where the backend is another.
pub(crate) fn spectrum<B: Backend>(
    window: &[f32],
    hop_samples: usize,
    sound: &Tensor<B, 2>,
) -> Option<Tensor<B, 3>> {
    let frames = Frames::new(window, hop_samples);
    run::<B, 1, 3>(Spectrum { frames }, &[primitive(sound)])
}

/// Frames under a window, added up where they overlap, times `factors` (one a sample from half a window before the sound
/// on). Beyond them the sound is silent.
///
/// # Shapes
/// `[batch, frame, 2 * bins]` -> `[batch, samples]`; nothing where the backend is another.
pub(crate) fn sound<B: Backend>(
    window: &[f32],
    hop_samples: usize,
    factors: &[f32],
    samples: usize,
    spectrum: &Tensor<B, 3>,
) -> Option<Tensor<B, 2>> {
    let frames = Frames::new(window, hop_samples);
    run::<B, 1, 2>(Sound { frames, factors: factors.into(), samples }, &[primitive(spectrum)])
}

/// A transform and its inverse.
type Plans = (Arc<dyn RealToComplex<f32>>, Arc<dyn ComplexToReal<f32>>);

/// Plans are made once a size.
static PLANS: LazyLock<Mutex<HashMap<usize, Plans>>> = LazyLock::new(Mutex::default);

/// Frames of one thread's piece of work.
const PIECE: usize = 64;

/// How frames lie in a sound.
#[derive(Clone)]
struct Frames {
    window: Arc<[f32]>,
    hop: usize,
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
}

impl fmt::Debug for Frames {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "frames of {} samples every {}", self.window.len(), self.hop)
    }
}

impl Frames {
    fn new(window: &[f32], hop: usize) -> Self {
        // A panic elsewhere leaves no plan half made.
        let mut plans = PLANS.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let length = window.len();
        let (forward, inverse) = plans
            .entry(length)
            .or_insert_with(|| (fft::real_forward(length), fft::real_inverse(length)))
            .clone();
        Self { window: window.into(), hop, forward, inverse }
    }

    fn bins(&self) -> usize {
        self.window.len() / 2 + 1
    }

    /// Spectra of `padded`, frame after frame, inner bins times `inner` and the two at the ends times `outer`.
    fn analyse(&self, padded: &[f32], spectra: &mut [f32], [outer, inner]: [f32; 2]) {
        let (n, bins) = (self.window.len(), self.bins());
        spectra.par_chunks_mut(PIECE * 2 * bins).enumerate().for_each(|(piece, spectra)| {
            let mut frame = self.forward.make_input_vec();
            let mut bands = self.forward.make_output_vec();
            let mut scratch = self.forward.make_scratch_vec();
            for (index, spectrum) in spectra.chunks_exact_mut(2 * bins).enumerate() {
                let from = &padded[(piece * PIECE + index) * self.hop..][..n];
                for ((value, from), weight) in frame.iter_mut().zip(from).zip(&*self.window) {
                    *value = from * weight;
                }
                self.forward.process_with_scratch(&mut frame, &mut bands, &mut scratch).expect(PLANNED);
                let (real, imaginary) = spectrum.split_at_mut(bins);
                for ((real, imaginary), band) in real.iter_mut().zip(imaginary.iter_mut()).zip(&bands) {
                    *real = band.re * inner;
                    *imaginary = band.im * inner;
                }
                for end in [0, bins - 1] {
                    real[end] = bands[end].re * outer;
                    imaginary[end] = 0.0;
                }
            }
        });
    }

    /// Adds the frames of spectra to `padded`: `outer` times the cosines of the two bins at the ends, `inner` times
    /// cosines and sines of those between.
    fn synthesise(&self, spectra: &[f32], padded: &mut [f32], [outer, inner]: [f32; 2]) {
        let bins = self.bins();
        let mut frame = self.inverse.make_output_vec();
        let mut bands = self.inverse.make_input_vec();
        let mut scratch = self.inverse.make_scratch_vec();
        for (index, spectrum) in spectra.chunks_exact(2 * bins).enumerate() {
            let (real, imaginary) = spectrum.split_at(bins);
            for ((band, real), imaginary) in bands.iter_mut().zip(real).zip(imaginary) {
                // The transform adds each inner bin's mirror image.
                *band = Complex::new(real * inner / 2.0, imaginary * inner / 2.0);
            }
            for end in [0, bins - 1] {
                bands[end] = Complex::new(real[end] * outer, 0.0);
            }
            self.inverse.process_with_scratch(&mut bands, &mut frame, &mut scratch).expect(PLANNED);
            let to = &mut padded[index * self.hop..][..frame.len()];
            for ((sum, value), weight) in to.iter_mut().zip(&frame).zip(&*self.window) {
                *sum += value * weight;
            }
        }
    }
}

const PLANNED: &str = "lengths are the plan's";

#[derive(Clone, Debug)]
struct Spectrum {
    frames: Frames,
}

impl Kernel<1> for Spectrum {
    fn forward(&self, [sound]: &[Array; 1]) -> Array {
        let (samples, half) = (sound.width(), self.frames.window.len() / 2);
        let (count, values) = (1 + samples / self.frames.hop, 2 * self.frames.bins());
        let mut spectra = vec![0.0; sound.shape()[0] * count * values];
        let clips = spectra.par_chunks_mut(count * values).zip(sound.values().par_chunks(samples));
        clips.for_each(|(spectra, sound)| {
            let mut padded = Vec::with_capacity(samples + 2 * half);
            padded.extend(sound[1..=half].iter().rev());
            padded.extend(sound);
            padded.extend(sound[samples - 1 - half..samples - 1].iter().rev());
            self.frames.analyse(&padded, spectra, [1.0, 1.0]);
        });
        Array::new(spectra, &[sound.shape()[0], count, values])
    }

    fn backward(&self, [sound]: &[Array; 1], gradient: Array, _: [bool; 1]) -> [Option<Array>; 1] {
        let (samples, half) = (sound.width(), self.frames.window.len() / 2);
        let values = gradient.shape()[1] * gradient.width();
        let mut of_sound = vec![0.0; sound.values().len()];
        let clips = of_sound.par_chunks_mut(samples).zip(gradient.values().par_chunks(values));
        clips.for_each(|(of_sound, gradient)| {
            let mut padded = vec![0.0; samples + 2 * half];
            self.frames.synthesise(gradient, &mut padded, [1.0, 1.0]);
            let (before, rest) = padded.split_at(half);
            let (within, after) = rest.split_at(samples);
            of_sound.copy_from_slice(within);
            for (sum, value) in of_sound[1..=half].iter_mut().rev().zip(before) {
                *sum += value;
            }
            for (sum, value) in of_sound[samples - 1 - half..samples - 1].iter_mut().rev().zip(after) {
                *sum += value;
            }
        });
        [Some(Array::new(of_sound, sound.shape()))]
    }
}

#[derive(Clone, Debug)]
struct Sound {
    frames: Frames,
    factors: Arc<[f32]>,
    samples: usize,
}

impl Sound {
    /// What a frame's transform is multiplied with, at the ends and between: its inverse has both mirror images.
    fn scale(&self) -> [f32; 2] {
        let share = 1.0 / self.frames.window.len() as f32;
        [share, 2.0 * share]
    }

    /// The samples that frames reach, in the padded sound.
    fn covered(&self) -> std::ops::Range<usize> {
        let half = self.frames.window.len() / 2;
        half..self.factors.len().min(half + self.samples)
    }
}

impl Kernel<1> for Sound {
    fn forward(&self, [spectrum]: &[Array; 1]) -> Array {
        let (batch, values) = (spectrum.shape()[0], spectrum.shape()[1] * spectrum.width());
        let mut sound = vec![0.0; batch * self.samples];
        let clips = sound.par_chunks_mut(self.samples).zip(spectrum.values().par_chunks(values));
        clips.for_each(|(sound, spectrum)| {
            let mut padded = vec![0.0; self.factors.len()];
            self.frames.synthesise(spectrum, &mut padded, self.scale());
            let covered = padded[self.covered()].iter().zip(&self.factors[self.covered()]);
            for (value, (sum, factor)) in sound.iter_mut().zip(covered) {
                *value = sum * factor;
            }
        });
        Array::new(sound, &[batch, self.samples])
    }

    fn backward(&self, [spectrum]: &[Array; 1], gradient: Array, _: [bool; 1]) -> [Option<Array>; 1] {
        let values = spectrum.shape()[1] * spectrum.width();
        let mut of_spectrum = vec![0.0; spectrum.values().len()];
        let clips = of_spectrum.par_chunks_mut(values).zip(gradient.values().par_chunks(self.samples));
        clips.for_each(|(of_spectrum, gradient)| {
            let mut padded = vec![0.0; self.factors.len()];
            let covered = padded[self.covered()].iter_mut().zip(&self.factors[self.covered()]);
            for ((value, factor), gradient) in covered.zip(gradient) {
                *value = gradient * factor;
            }
            self.frames.analyse(&padded, of_spectrum, self.scale());
        });
        [Some(Array::new(of_spectrum, spectrum.shape()))]
    }
}
