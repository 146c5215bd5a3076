//! Which stretch of sound a latent is about: what it takes to encode or decode a piece of a long recording as if all of
//! it were there.
//!
//! Latent `t` counts from sample `t * latent_samples` on. A window of the sound that reaches far enough around that place
//! gives the same latent as the whole does, and a window of latents likewise the same sound, because convolutions and
//! transforms see only so far. How far a network sees, its config says ([`Timing`]); here that is put together with what
//! frames add.

use crate::{
    frames::FramesKind,
    networks::{Architecture, Timing},
    system::SystemConfig,
};

/// How a system's latents and sound belong together in time. Margins are in latents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceptiveField {
    /// Samples from one latent to the next.
    pub latent_samples: usize,
    /// Latents' worth of sound, before and behind that of the latents wanted, that their encoding looks at.
    pub encode_margin: [usize; 2],
    /// Latents, before and behind those whose sound is wanted, that decoding looks at.
    pub decode_margin: [usize; 2],
    /// Least number of latents that can be decoded.
    pub least_latents: usize,
    kind: FramesKind,
    hop_samples: usize,
    stride_frames: usize,
    // Whole latents less than strides, negative where there is one more.
    fewer: isize,
    least_strides: usize,
}

impl SystemConfig {
    /// Number of values of a latent.
    #[must_use]
    pub fn latent_channels(&self) -> usize {
        self.network.latents()
    }

    /// How latents and sound belong together in time.
    #[must_use]
    pub fn receptive_field(&self) -> ReceptiveField {
        let kind = self.frames.kind;
        let spectral = kind != FramesKind::Samples;
        let stft = self.frames.stft;
        let (hop_samples, half_samples) =
            if spectral { (stft.hop_samples.max(1), stft.fft_samples / 2) } else { (1, 0) };
        // Frames that a sample lies in, to either side.
        let edge = half_samples.div_ceil(hop_samples);
        let timing = self.network.timing();
        let Timing { stride_frames: stride, span_frames: span, .. } = timing;
        let [back, ahead] = timing.reach_latents;
        // Made-up phases take two windows to settle.
        let phases = if kind == FramesKind::LogMagnitude { (2 * edge).div_ceil(stride) } else { 0 };
        // Strides that fill the first latent; from there on, each stride more is a latent more.
        let first_frame = usize::from(spectral);
        let padding = timing.padding_frames[0] + timing.padding_frames[1];
        let least = span.saturating_sub(padding + first_frame).div_ceil(stride).max(1);
        let latent_samples = hop_samples * stride;
        let latents = timing.latents(least * stride + first_frame);
        ReceptiveField {
            latent_samples,
            encode_margin: [
                back + edge.div_ceil(stride) + 1,
                (ahead + (span + edge).div_ceil(stride)).saturating_sub(1),
            ],
            decode_margin: [
                back + (edge + span).saturating_sub(1).div_ceil(stride) + 1 + phases,
                ahead + edge.div_ceil(stride) + 1 + phases,
            ],
            least_latents: edge.div_ceil(stride) + 2,
            kind,
            hop_samples,
            stride_frames: stride,
            fewer: least as isize - latents as isize,
            // A transform mirrors half a frame at both ends.
            least_strides: least.max(half_samples / latent_samples + 1),
        }
    }
}

impl ReceptiveField {
    /// The least number of samples, not below `samples`, of which every one has its place in a latent. What is missing
    /// is taken as silence.
    #[must_use]
    pub fn padded_samples(&self, samples: usize) -> usize {
        samples.div_ceil(self.latent_samples).max(self.least_strides).saturating_mul(self.latent_samples)
    }

    /// Number of latents of so many samples, which must be padded.
    #[must_use]
    pub fn latents(&self, padded_samples: usize) -> usize {
        (padded_samples / self.latent_samples).saturating_add_signed(-self.fewer)
    }

    /// Number of frames of so many samples.
    #[must_use]
    pub fn frames(&self, samples: usize) -> usize {
        match self.kind {
            FramesKind::Samples => samples,
            _ => 1 + samples / self.hop_samples,
        }
    }

    /// Number of samples that so many frames, at least one, reach over.
    #[must_use]
    pub fn samples(&self, frames: usize) -> usize {
        match self.kind {
            FramesKind::Samples => frames,
            _ => frames.saturating_sub(1) * self.hop_samples,
        }
    }

    /// Number of frame values that a latent stands for, of frames of `values`.
    #[must_use]
    pub fn values_per_latent(&self, values: usize) -> usize {
        self.stride_frames * values
    }
}
