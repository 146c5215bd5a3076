//! The mixing desk: mono notes in, placed in time and space; a stereo master out.

use crate::reverb::hall;
use melisma_signal::Biquad;
use melisma_signal::Pcm;

/// Where an instrument stands and how loud it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Position between left (-1) and right (1).
    pub pan: f32,
    /// Linear gain of the direct sound.
    pub gain: f32,
    /// Linear gain into the hall, on top of `gain`.
    pub send: f32,
}

/// The desk's two stereo buses.
pub(crate) struct Mixer {
    sample_rate_hz: u32,
    direct: [Vec<f32>; 2],
    send: [Vec<f32>; 2],
}

/// -1 dBFS: leaves room for the overshoot of lossy coding and of reconstruction filters.
const PEAK: f32 = 0.891_250_9;
/// How hard the master leans into the soft clipper; sets the loudness.
const DRIVE: f32 = 1.25;

impl Mixer {
    pub(crate) fn new(sample_rate_hz: u32, seconds: f64) -> Self {
        let samples = (seconds * f64::from(sample_rate_hz)) as usize;
        let bus = || [vec![0.0; samples], vec![0.0; samples]];
        Self { sample_rate_hz, direct: bus(), send: bus() }
    }

    /// Adds `mono` at `start_seconds`; what falls beyond the end of the piece is dropped.
    pub(crate) fn add(&mut self, start_seconds: f64, mono: &[f32], place: Place) {
        // Equal power: the sum of squares stays the same across the stage.
        let angle = (place.pan + 1.0) * std::f32::consts::FRAC_PI_4;
        let gains = [angle.cos() * place.gain, angle.sin() * place.gain];
        let start = (start_seconds.max(0.0) * f64::from(self.sample_rate_hz)) as usize;
        for ((direct, send), gain) in self.direct.iter_mut().zip(&mut self.send).zip(gains) {
            let direct = direct.iter_mut().skip(start);
            let send = send.iter_mut().skip(start);
            for ((direct, send), sample) in direct.zip(send).zip(mono) {
                *direct += gain * sample;
                *send += gain * place.send * sample;
            }
        }
    }

    /// Hall, rumble filter, gentle saturation, fade-out of the last moments, peak at -1 dBFS.
    pub(crate) fn master(mut self, fade_seconds: f64) -> Pcm {
        let wet = hall(&self.send, self.sample_rate_hz);
        let samples = self.direct[0].len();
        let fade_samples = (fade_seconds * f64::from(self.sample_rate_hz)) as usize;
        for (direct, wet) in self.direct.iter_mut().zip(&wet) {
            for (index, (sample, wet)) in direct.iter_mut().zip(wet).enumerate() {
                let left = samples - index;
                let fade = if left < fade_samples { left as f32 / fade_samples as f32 } else { 1.0 };
                *sample = (*sample + wet) * fade * fade;
            }
            Biquad::high_pass(self.sample_rate_hz, 28.0, 0.707).process(direct);
        }
        let loudest = peak(&self.direct);
        let drive = DRIVE / loudest.max(f32::MIN_POSITIVE);
        for sample in self.direct.iter_mut().flatten() {
            *sample = (*sample * drive).tanh();
        }
        let gain = PEAK / peak(&self.direct).max(f32::MIN_POSITIVE);
        for sample in self.direct.iter_mut().flatten() {
            *sample *= gain;
        }
        Pcm { sample_rate_hz: self.sample_rate_hz, channels: self.direct.into() }
    }
}

fn peak(channels: &[Vec<f32>]) -> f32 {
    channels.iter().flatten().fold(0.0, |loudest: f32, sample| loudest.max(sample.abs()))
}
