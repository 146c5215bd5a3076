//! What classifiers of the original sound hear: logarithms of the power of mel bands.

use crate::{
    Error, Result, mel,
    stft::{Stft, StftConfig, power},
};
use burn::{
    module::Module,
    tensor::{Tensor, backend::Backend},
};

/// Most bands: the filters of the longest transform then take 128 MiB.
const MOST_BANDS: usize = 1024;

/// Least power that a logarithm is taken of: -100 dB of a full-scale sine in a band.
const FLOOR: f32 = 1e-10;

/// Deviation below which a spectrogram counts as flat, in natural logarithms of power.
const LEAST_DEVIATION: f32 = 0.1;

/// The transform and its filters.
#[derive(Module, Debug)]
pub(super) struct Levels<B: Backend> {
    stft: Stft<B>,
    // [bin, band].
    filters: Tensor<B, 2>,
}

impl<B: Backend> Levels<B> {
    /// Of `bands` mel bands from 0 Hz to half the sampling rate.
    ///
    /// # Errors
    /// [`crate::Error::Config`] for an impossible transform.
    pub(super) fn new(
        stft: &StftConfig,
        bands: usize,
        sample_rate_hz: u32,
        device: &B::Device,
    ) -> Result<Self> {
        if !(1..=MOST_BANDS).contains(&bands) {
            return Err(Error::Config(format!("{bands} mel bands, allowed are 1 to {MOST_BANDS}")));
        }
        let transform = stft.init(device)?;
        Ok(Self { stft: transform, filters: mel::filters(sample_rate_hz, stft.bins(), bands, device) })
    }

    /// Of each sound with mean 0 and deviation 1, so that loudness tells nothing.
    ///
    /// # Shapes
    /// `[batch, sample]` -> `[batch, frame, band]`.
    pub(super) fn forward(&self, sound: Tensor<B, 2>) -> Tensor<B, 3> {
        let bins = power(self.stft.forward(sound));
        let [batch, frames, count] = bins.dims();
        let bands = bins.reshape([batch * frames, count]).matmul(self.filters.clone());
        let [_, count] = bands.dims();
        let levels = (bands + FLOOR).log().reshape([batch, frames * count]);
        let centred = levels.clone() - levels.mean_dim(1);
        let deviation = centred.clone().square().mean_dim(1).sqrt();
        (centred / deviation.clamp_min(LEAST_DEVIATION)).reshape([batch, frames, count])
    }
}
