//! PEAQ's basic version: the grade that listeners would give a decoded version, and the 2f-model, which is built from
//! two of its variables. Channels at 48 kHz in, two grades out; higher is better.
//!
//! * [`super::ear`] gives the excitation patterns of both signals, `patterns` their modulation and loudness.
//! * `adaptation` brings the two patterns to one level and colour and measures the loudness of the noise,
//!   `detection` the probability that a listener notices, `harmonics` the regularity of the error over frequency.
//! * `variables` averages them over the frames into eleven model output variables.
//! * `network` maps these to the objective difference grade; the 2f-model maps two of them to a MUSHRA score.
//!
//! Sources: Recommendation ITU-R BS.1387-1, annex 2; where its text can be read in several ways, the readings of Kabal
//! 2002 ("An Examination and Interpretation of ITU-R BS.1387"). Kastner and Herre 2019 ("An Efficient Model for
//! Estimating Subjective Quality of Separated Audio Source Signals") for the 2f-model.

mod adaptation;
mod detection;
mod harmonics;
mod network;
mod patterns;
mod variables;

use multiversion::multiversion;

use self::adaptation::{Adaptation, noise_loudness};
use self::harmonics::Harmonics;
use self::patterns::{Heard, Listener};
pub use self::variables::Variables;
use self::variables::{Bounds, FrameValues};
use super::ear::{self, BANDS, BINS, Bands, Ear, HOP_SAMPLES, WINDOW_SAMPLES};

/// Rate of the signals.
pub const RATE_HZ: u32 = ear::RATE_HZ;

/// One channel of a reference that is not silent.
struct Channel {
    /// Its place among all channels.
    index: usize,
    signal: Vec<f32>,
    /// `[frame * BINS + bin]`
    magnitudes: Vec<f32>,
    /// `[frame]`
    heard: Vec<Heard>,
}

/// A reference with its patterns, to be compared with any number of decoded versions.
pub struct PeaqReference {
    ear: Ear,
    channels: Vec<Channel>,
    /// None if the reference is silent.
    bounds: Option<Bounds>,
}

/// What a comparison gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Grades {
    /// The model output variables.
    pub variables: Variables,
    /// Objective difference grade, 0 (imperceptible) to -4 (very annoying); none where a variable that it needs could
    /// not be had: the reference ends below 8 kHz, it or the decoded version is never loud, or the decoded version has
    /// as much above 21.6 kHz as the reference below it.
    pub odg: Option<f64>,
    /// Estimated MUSHRA score, 0 to 100.
    pub two_f: f64,
}

impl PeaqReference {
    /// Computes the patterns of a reference, `[channel][sample]` at 48 kHz.
    #[must_use]
    pub fn new(channels: &[Vec<f32>]) -> Self {
        let ear = Ear::new();
        let bounds = Bounds::of(channels);
        let audible =
            channels.iter().enumerate().filter(|(_, c)| Bounds::of(std::slice::from_ref(*c)).is_some());
        let channels = audible.map(|(index, signal)| listen(&ear, index, signal)).collect();
        Self { ear, channels, bounds }
    }

    /// Grades a decoded version, `[channel][sample]` at 48 kHz and aligned, by those channels in which the reference is
    /// not silent; none if there is none or the clip is shorter than 0.64 s (the first half second does not count).
    #[must_use]
    pub fn compare(&self, decoded: &[Vec<f32>]) -> Option<Grades> {
        let bounds = self.bounds?;
        let decoded: Option<Vec<&[f32]>> =
            self.channels.iter().map(|c| Some(decoded.get(c.index)?.as_slice())).collect();
        let values = walk(&self.ear, &self.channels, &decoded?);
        let variables = Variables::average(&values, bounds)?;
        let odg = network::grade(&variables);
        let two_f = network::two_f(&variables);
        Some(Grades { variables, odg, two_f })
    }
}

#[multiversion(targets("x86_64+avx2"))]
fn listen(ear: &Ear, index: usize, signal: &[f32]) -> Channel {
    let frames = Ear::frames(signal.len());
    let mut scratch = ear.scratch();
    let mut magnitudes = vec![0.0; frames * BINS];
    let mut heard = vec![Heard::default(); frames];
    let mut listener = Listener::new(ear);
    for (frame, (magnitudes, heard)) in magnitudes.chunks_exact_mut(BINS).zip(&mut heard).enumerate() {
        ear.magnitudes(signal, frame, &mut scratch, magnitudes);
        listener.next(ear, magnitudes, heard);
    }
    Channel { index, signal: signal.to_vec(), magnitudes, heard }
}

/// Values of each frame; `decoded` has the same channels.
#[multiversion(targets("x86_64+avx2"))]
fn walk(ear: &Ear, channels: &[Channel], decoded: &[&[f32]]) -> Vec<FrameValues> {
    let samples =
        channels.iter().map(|c| c.signal.len()).chain(decoded.iter().map(|d| d.len())).min().unwrap_or(0);
    let count = channels.len();
    let mut scratch = ear.scratch();
    let mut magnitudes = [0.0; BINS];
    let mut heard = Heard::default();
    let mut listeners: Vec<Listener> = (0..count).map(|_| Listener::new(ear)).collect();
    let mut adaptations: Vec<Adaptation> = (0..count).map(|_| Adaptation::new(ear)).collect();
    let mut harmonics = Harmonics::new();
    let masking = masking_offsets();
    let mut values = Vec::with_capacity(Ear::frames(samples));
    for frame in 0..Ear::frames(samples) {
        let newest = frame * HOP_SAMPLES + HOP_SAMPLES..frame * HOP_SAMPLES + WINDOW_SAMPLES;
        let originals = channels.iter().map(|c| c.signal.as_slice());
        let is_energetic =
            originals.chain(decoded.iter().copied()).any(|s| harmonics::is_energetic(&s[newest.clone()]));
        let mut value = FrameValues { channels: Vec::with_capacity(count), ..FrameValues::default() };
        let mut detection = detection::Binaural::default();
        for (channel, (reference, signal)) in channels.iter().zip(decoded).enumerate() {
            ear.magnitudes(signal, frame, &mut scratch, &mut magnitudes);
            listeners[channel].next(ear, &magnitudes, &mut heard);
            let of_reference = &reference.magnitudes[frame * BINS..][..BINS];
            let heard_reference = &reference.heard[frame];
            detection.add(&heard_reference.excitation, &heard.excitation);
            let adapted = adaptations[channel].next(&heard_reference.excitation, &heard.excitation);
            let mut one = variables::ChannelValues::of(ear, heard_reference, &heard);
            one.noise_loudness =
                noise_loudness(ear, [&heard_reference.modulation, &heard.modulation], &adapted);
            one.set_bandwidths(of_reference, &magnitudes);
            one.set_noise_to_mask(ear, [of_reference, &magnitudes], &heard_reference.excitation, &masking);
            one.harmonics = is_energetic.then(|| harmonics.structure(of_reference, &magnitudes));
            value.channels.push(one);
        }
        (value.detection_probability, value.detection_steps) = detection.finish();
        values.push(value);
    }
    values
}

/// How far the mask lies below the excitation, as a factor of energy: 3 dB in the first 12 Bark from the lowest band, then
/// a quarter of the distance from it in Bark (section 2.2 of the Recommendation).
fn masking_offsets() -> Bands {
    let mut offsets = [0.0; BANDS];
    for (band, offset) in offsets.iter_mut().enumerate() {
        let bark = band as f64 * ear::BAND_BARK;
        *offset = 10_f64.powf(if bark <= 12.0 { 3.0 } else { 0.25 * bark } / 10.0) as f32;
    }
    offsets
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two seconds of partials up to 15 kHz, swelling and ebbing, and of others between them.
    fn signal(noise: f64) -> Vec<f32> {
        let partials = |t: f64, step_hz: f64| -> f64 {
            (1..=60)
                .map(|k| (std::f64::consts::TAU * step_hz * f64::from(k) * t + f64::from(k * k)).sin())
                .sum()
        };
        let swell = |t: f64| 1.0 + (9.0 * t).sin();
        let value = |t: f64| 0.01 * swell(t) * partials(t, 247.0) + noise * partials(t, 211.0);
        (0..96_000).map(|i| value(f64::from(i) / f64::from(RATE_HZ)) as f32).collect()
    }

    #[test]
    fn identical_is_best_and_more_noise_is_worse() {
        let reference = PeaqReference::new(&[signal(0.0), signal(0.001)]);
        let grades =
            |noise: f64| reference.compare(&[signal(noise), signal(0.001 + noise)]).expect("long enough");
        let same = grades(0.0);
        let odg = same.odg.expect("a full band");
        assert!((0.0..0.22).contains(&odg), "{odg}");
        assert!(same.variables.total_nmr_db == f64::NEG_INFINITY && same.variables.avg_mod_diff_1 == 0.0);
        assert_eq!(same.variables.detection_steps_log, 0.0);
        let (mut last_odg, mut last_two_f) = (odg, same.two_f);
        for noise in [1e-4, 5e-4, 2e-3, 8e-3] {
            let here = grades(noise);
            let odg = here.odg.expect("a full band");
            assert!(odg < last_odg && here.two_f < last_two_f, "{noise}: {here:?}");
            (last_odg, last_two_f) = (odg, here.two_f);
        }
        assert!(last_odg > -3.99 && last_odg < -3.0, "{last_odg}");
    }

    #[test]
    fn what_cannot_be_graded_is_not() {
        let silence = vec![0.0; 96_000];
        assert!(PeaqReference::new(std::slice::from_ref(&silence)).compare(&[signal(0.0)]).is_none());
        let short = signal(0.0)[..24_000].to_vec();
        assert!(PeaqReference::new(std::slice::from_ref(&short)).compare(&[short]).is_none());
        // Nothing above 4 kHz: no bandwidth, so no grade, but a 2f score.
        let mut state = 1_u32;
        let mut hiss = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            1e-5 * (f64::from(state >> 8) / 16_777_216.0 - 0.5)
        };
        let tone: Vec<f32> =
            (0..96_000).map(|i| (0.2 * (f64::from(i) * 0.0576).sin() + hiss()) as f32).collect();
        let quieter: Vec<f32> = tone.iter().map(|x| 0.9 * x).collect();
        let grades = PeaqReference::new(&[tone]).compare(&[quieter]).expect("long enough");
        assert!(grades.odg.is_none() && grades.two_f > 0.0, "{grades:?}");
    }
}
