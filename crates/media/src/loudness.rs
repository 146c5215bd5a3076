//! Loudness by EBU R128: blocks in, integrated loudness, true peak and loudness range out.
//!
//! Source: ITU-R BS.1770-4, EBU Tech 3341 and, for the range, EBU Tech 3342, as implemented by the crate `ebur128`.

use ebur128::{EbuR128, Mode};
use melisma_signal::{Loudness, Pcm};

use crate::MediaError;

/// Measures a track as it streams by. Memory does not grow with its length (gating uses a
/// histogram in steps of 0.1 LU).
pub struct LoudnessMeter {
    meter: EbuR128,
    channel_count: usize,
    pushed_samples: u64,
    finite: Vec<Vec<f32>>,
}

impl LoudnessMeter {
    /// A meter for `channel_count` channels at `sample_rate_hz`.
    ///
    /// # Errors
    /// [`MediaError::Invalid`] for no channel or a rate that the filters cannot be made for.
    pub fn new(sample_rate_hz: u32, channel_count: usize) -> Result<Self, MediaError> {
        Self::of_mode(sample_rate_hz, channel_count, Mode::I | Mode::TRUE_PEAK | Mode::HISTOGRAM)
    }

    /// A meter that also measures the loudness range: see [`range_lu`](Self::range_lu).
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_range(sample_rate_hz: u32, channel_count: usize) -> Result<Self, MediaError> {
        let mode = Mode::I | Mode::LRA | Mode::TRUE_PEAK | Mode::HISTOGRAM;
        Self::of_mode(sample_rate_hz, channel_count, mode)
    }

    fn of_mode(sample_rate_hz: u32, channel_count: usize, mode: Mode) -> Result<Self, MediaError> {
        let channels = u32::try_from(channel_count).unwrap_or(u32::MAX);
        let meter = EbuR128::new(channels, sample_rate_hz, mode).map_err(|error| {
            MediaError::Invalid(format!(
                "loudness of {channel_count} channel(s) at {sample_rate_hz} Hz: {error}"
            ))
        })?;
        Ok(Self { meter, channel_count, pushed_samples: 0, finite: vec![Vec::new(); channel_count] })
    }

    /// Takes the next block. Samples that are not finite count as silence.
    ///
    /// # Errors
    /// [`MediaError::Invalid`] if the channel count differs from the meter's.
    pub fn push(&mut self, pcm: &Pcm) -> Result<(), MediaError> {
        if pcm.channel_count() != self.channel_count {
            return Err(MediaError::Invalid(format!(
                "block of {} channels for a loudness meter of {}",
                pcm.channel_count(),
                self.channel_count
            )));
        }
        for (finite, channel) in self.finite.iter_mut().zip(&pcm.channels) {
            finite.clear();
            finite.extend(channel.iter().map(|x| if x.is_finite() { *x } else { 0.0 }));
        }
        let planes: Vec<&[f32]> = self.finite.iter().map(Vec::as_slice).collect();
        self.meter
            .add_frames_planar_f32(&planes)
            .map_err(|error| MediaError::Invalid(format!("loudness: {error}")))?;
        self.pushed_samples += pcm.samples() as u64;
        Ok(())
    }

    /// How far loud and soft passages lie apart, in LU: the loudness range of what was pushed. `None` unless the meter was
    /// made [`with_range`](Self::with_range) and heard at least one stretch of three seconds.
    #[must_use]
    pub fn range_lu(&self) -> Option<f32> {
        let is_long_enough = self.pushed_samples >= 3 * u64::from(self.meter.rate());
        let range = self.meter.loudness_range().ok().filter(|_| is_long_enough)?;
        Some(range as f32)
    }

    /// The result; `None` if not a single sample was pushed. A track shorter than one gating block
    /// (400 ms) or below the absolute gate (-70 LUFS) has a loudness of negative infinity.
    #[must_use]
    pub fn finish(self) -> Option<Loudness> {
        if self.pushed_samples == 0 {
            return None;
        }
        let integrated = self.meter.loudness_global().ok()?;
        let peak = (0..self.channel_count as u32)
            .filter_map(|channel| self.meter.true_peak(channel).ok())
            .fold(0.0, f64::max);
        Some(Loudness { integrated_lufs: integrated as f32, true_peak: peak as f32 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measure(rate: u32, channels: usize, amplitude: f32) -> Loudness {
        let mut meter = LoudnessMeter::new(rate, channels).unwrap();
        let sine: Vec<f32> = (0..rate * 5)
            .map(|n| amplitude * (n as f32 * 997.0 / rate as f32 * std::f32::consts::TAU).sin())
            .collect();
        for part in sine.chunks(4000) {
            let pcm = Pcm { sample_rate_hz: rate, channels: vec![part.to_vec(); channels] };
            meter.push(&pcm).unwrap();
        }
        meter.finish().unwrap()
    }

    /// EBU Tech 3341 case 1: a stereo 1 kHz sine at -23 dBFS reads -23 LUFS, tolerance 0.1 LU.
    #[test]
    fn stereo_sine_reads_its_level() {
        for rate in [8_000, 22_050, 44_100, 48_000] {
            let amplitude = 10f32.powf(-23.0 / 20.0);
            let loudness = measure(rate, 2, amplitude);
            // Below 48 kHz the K-weighting shelf is warped by the bilinear transform.
            let tolerance = if rate >= 44_100 { 0.1 } else { 0.5 };
            assert!((loudness.integrated_lufs + 23.0).abs() <= tolerance, "{rate}: {loudness:?}");
            assert!((loudness.true_peak / amplitude - 1.0).abs() < 0.02, "{rate}: {loudness:?}");
        }
    }

    /// EBU Tech 3342, cases 1 to 3: a stereo 1 kHz sine, 20 s at each of two levels; tolerance 1 LU.
    #[test]
    fn the_range_is_that_of_the_standard() {
        for (levels_dbfs, expected_lu) in
            [([-20.0, -30.0], 10.0), ([-20.0, -15.0], 5.0), ([-40.0, -20.0], 20.0)]
        {
            let mut meter = LoudnessMeter::with_range(48_000, 2).unwrap();
            for level in levels_dbfs {
                let amplitude = 10f32.powf(level / 20.0);
                let second: Vec<f32> = (0..48_000)
                    .map(|n| amplitude * (n as f32 * 1000.0 / 48_000.0 * std::f32::consts::TAU).sin())
                    .collect();
                for _ in 0..20 {
                    let pcm = Pcm { sample_rate_hz: 48_000, channels: vec![second.clone(); 2] };
                    meter.push(&pcm).unwrap();
                }
            }
            let range = meter.range_lu().unwrap();
            assert!((range - expected_lu).abs() <= 1.0, "{levels_dbfs:?}: {range}");
        }
        assert_eq!(LoudnessMeter::new(48_000, 1).unwrap().range_lu(), None);
        assert_eq!(LoudnessMeter::with_range(48_000, 1).unwrap().range_lu(), None);
    }

    #[test]
    fn silence_nan_and_nothing() {
        assert!(LoudnessMeter::new(44_100, 1).unwrap().finish().is_none());
        assert_eq!(measure(44_100, 1, 0.0).integrated_lufs, f32::NEG_INFINITY);
        let mut meter = LoudnessMeter::new(44_100, 1).unwrap();
        meter.push(&Pcm { sample_rate_hz: 44_100, channels: vec![vec![f32::NAN; 44_100]] }).unwrap();
        assert_eq!(meter.finish().unwrap().true_peak, 0.0);
    }

    /// The fast meter of `signal` agrees: the standard allows 0.1 LU, and this one counts blocks in steps of 0.1.
    #[test]
    fn the_fast_meter_agrees() {
        for (rate, channels, amplitude) in
            [(44_100, 2, 0.3), (48_000, 1, 0.01), (22_050, 2, 0.9), (8_000, 1, 0.2)]
        {
            let mut slow = LoudnessMeter::new(rate, channels).unwrap();
            let mut fast = melisma_signal::FastLoudness::new(rate, channels).unwrap();
            let mut state = 1u32;
            for block in 0..60u32 {
                // Noise and a tone, swelling, so that the relative gate has something to do.
                let level = amplitude * ((block % 20) as f32 / 20.0).powi(3);
                let planes: Vec<Vec<f32>> = (0..channels)
                    .map(|channel| {
                        (0..rate / 7)
                            .map(|n| {
                                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                                let noise = (state >> 8) as f32 / (1 << 23) as f32 - 1.0;
                                let tone = (n as f32 * 440.0 * (channel + 1) as f32 * std::f32::consts::TAU
                                    / rate as f32)
                                    .sin();
                                level * (0.5 * noise + 0.5 * tone)
                            })
                            .collect()
                    })
                    .collect();
                fast.push(&planes);
                slow.push(&Pcm { sample_rate_hz: rate, channels: planes }).unwrap();
            }
            let (slow, fast) = (f64::from(slow.finish().unwrap().integrated_lufs), fast.integrated_lufs());
            assert!((slow - fast).abs() <= 0.1, "{rate} Hz: {slow} and {fast}");
        }
    }
}
