//! Changing the sampling rate while streaming, without delay and with an exact length.
//!
//! Method: `rubato`'s synchronous FFT resampler (band-limited by a Blackman-Harris-squared low
//! pass). Its start-up delay is dropped and its tail is flushed, so that output sample `n` lies at
//! the time of input position `n * in / out`.
//!
//! Length rule: `n` input samples give `ceil(n * out / in)` output samples: exactly those whose
//! time is before the end of the input.

use melisma_signal::{Pcm, ratio::gcd};
use rubato::audioadapter_buffers::direct::SequentialSliceOfVecs;
use rubato::{Fft, FixedSync, Indexing, Resampler as _, WindowFunction};

use crate::MediaError;

/// Input samples per channel handed to the FFT at once, about: a longer filter is steeper.
const CHUNK_SAMPLES: usize = 2048;

/// Largest rate taken in or given out; bounds the memory of the transform.
pub const MAX_RATE_HZ: u32 = 1_000_000;

/// A streaming sample-rate converter; `push` blocks, then `finish`.
pub struct Resampler {
    from_hz: u32,
    to_hz: u32,
    /// `None` if the rates are equal: then blocks pass through untouched.
    engine: Option<Fft<f32>>,
    /// `[channel][sample]`, input not yet consumed.
    pending: Vec<Vec<f32>>,
    delay_left: usize,
    taken_samples: u64,
    given_samples: u64,
}

impl Resampler {
    /// A converter of `channel_count` channels from `from_hz` to `to_hz`.
    ///
    /// # Errors
    /// [`MediaError::Invalid`] if a rate is 0 or beyond [`MAX_RATE_HZ`], or there is no channel.
    pub fn new(from_hz: u32, to_hz: u32, channel_count: usize) -> Result<Self, MediaError> {
        let usable = 1..=MAX_RATE_HZ;
        if !usable.contains(&from_hz) || !usable.contains(&to_hz) || channel_count == 0 {
            return Err(MediaError::Invalid(format!(
                "resampling {channel_count} channel(s) from {from_hz} to {to_hz} Hz"
            )));
        }
        let engine = if from_hz == to_hz {
            None
        } else {
            // An even number of the smallest blocks: both transforms then have even lengths, and the
            // delay, half of that, is a whole number of samples.
            let block = (u64::from(from_hz) / gcd(from_hz.into(), to_hz.into())) as usize;
            let engine = Fft::new_custom(
                from_hz as usize,
                to_hz as usize,
                CHUNK_SAMPLES.div_ceil(2 * block) * 2 * block,
                1,
                channel_count,
                WindowFunction::BlackmanHarris2,
                FixedSync::Both,
            )
            .map_err(|error| MediaError::Invalid(format!("{from_hz} to {to_hz} Hz: {error}")))?;
            Some(engine)
        };
        Ok(Self {
            from_hz,
            to_hz,
            delay_left: engine.as_ref().map_or(0, rubato::Resampler::output_delay),
            engine,
            pending: vec![Vec::new(); channel_count],
            taken_samples: 0,
            given_samples: 0,
        })
    }

    /// Samples that come out for `input_samples` going in: `ceil(input_samples * to / from)`.
    #[must_use]
    pub fn output_samples(from_hz: u32, to_hz: u32, input_samples: u64) -> u64 {
        let product = u128::from(input_samples) * u128::from(to_hz);
        u64::try_from(product.div_ceil(u128::from(from_hz.max(1)))).unwrap_or(u64::MAX)
    }

    /// The rate that comes out.
    #[must_use]
    pub fn output_rate_hz(&self) -> u32 {
        self.to_hz
    }

    /// Takes a block at the input rate; returns what is ready at the output rate, maybe nothing.
    ///
    /// # Errors
    /// [`MediaError::Invalid`] if the channel count or the rate is not the converter's.
    pub fn push(&mut self, pcm: &Pcm) -> Result<Pcm, MediaError> {
        if pcm.channel_count() != self.pending.len() || pcm.sample_rate_hz != self.from_hz {
            return Err(MediaError::Invalid(format!(
                "block of {} channel(s) at {} Hz for a resampler of {} at {} Hz",
                pcm.channel_count(),
                pcm.sample_rate_hz,
                self.pending.len(),
                self.from_hz
            )));
        }
        self.taken_samples += pcm.samples() as u64;
        if self.engine.is_none() {
            self.given_samples = self.taken_samples;
            return Ok(pcm.clone());
        }
        for (pending, channel) in self.pending.iter_mut().zip(&pcm.channels) {
            pending.extend_from_slice(channel);
        }
        let mut output = Pcm::empty(self.to_hz, self.pending.len());
        self.run(&mut output)?;
        self.given_samples += output.samples() as u64;
        Ok(output)
    }

    /// Flushes: the last samples, so that the total is [`output_samples`](Self::output_samples).
    ///
    /// # Errors
    /// [`MediaError::Invalid`] if the transform refuses, which a valid converter never does.
    pub fn finish(mut self) -> Result<Pcm, MediaError> {
        let total = Self::output_samples(self.from_hz, self.to_hz, self.taken_samples);
        let mut output = Pcm::empty(self.to_hz, self.pending.len());
        while self.engine.is_some() && self.given_samples + (output.samples() as u64) < total {
            let chunk = self.engine.as_ref().map_or(1, rubato::Resampler::input_frames_next);
            for pending in &mut self.pending {
                // Silence after the end pushes the tail out of the filter.
                let padded = pending.len().div_ceil(chunk).max(1) * chunk;
                pending.resize(padded, 0.0);
            }
            self.run(&mut output)?;
        }
        let keep = (total - self.given_samples) as usize;
        for channel in &mut output.channels {
            channel.truncate(keep);
        }
        Ok(output)
    }

    /// Consumes whole chunks of `pending`.
    fn run(&mut self, output: &mut Pcm) -> Result<(), MediaError> {
        let Some(engine) = &mut self.engine else { return Ok(()) };
        let failed = |error: &dyn std::fmt::Display| MediaError::Invalid(format!("resampling: {error}"));
        let channel_count = self.pending.len();
        let available = self.pending[0].len();
        let mut used = 0;
        let mut chunk_out = vec![vec![0.0f32; engine.output_frames_max()]; channel_count];
        while available - used >= engine.input_frames_next() {
            let room = chunk_out[0].len();
            let source = SequentialSliceOfVecs::new(&self.pending, channel_count, available)
                .map_err(|error| failed(&error))?;
            let mut target = SequentialSliceOfVecs::new_mut(&mut chunk_out, channel_count, room)
                .map_err(|error| failed(&error))?;
            let at = Indexing::new().input_offset(used);
            let (read, written) = engine
                .process_into_buffer(&source, &mut target, Some(&at))
                .map_err(|error| failed(&error))?;
            used += read;
            let skip = self.delay_left.min(written);
            self.delay_left -= skip;
            for (channel, chunk) in output.channels.iter_mut().zip(&chunk_out) {
                channel.extend_from_slice(&chunk[skip..written]);
            }
        }
        for pending in &mut self.pending {
            pending.drain(..used);
        }
        Ok(())
    }
}
