//! What kind of music a clip is, so that codecs can be compared kind by kind: the clip as codecs get it in, a class out.
//!
//! Three classes are measured, on the mean of the channels:
//!
//! * [`Class::Attacks`]: at least [`ATTACKS_PER_S`] attacks a second. An attack is a rise of the energy above 1 kHz by
//!   8 dB over its largest value in the 50 ms before, in steps of 5.8 ms, not sooner than 50 ms after the last one. Energy
//!   30 dB below the clip's mean counts as that, so that noise in pauses makes none. (The energy is the simplest of the onset
//!   functions compared by Bello et al. 2005, "A Tutorial on Onset Detection in Music Signals".)
//! * [`Class::Tonal`]: else, if the median of the spectral flatness from 200 Hz to 5 kHz, over windows of 93 ms that are
//!   within 40 dB of the loudest, is at most [`TONAL_FLATNESS_DB`]. (Flatness is the ratio of the geometric to the arithmetic
//!   mean of the energies of bins; Johnston 1988 uses it as the tonality of maskers.)
//! * [`Class::Dense`]: the rest.
//!
//! Both thresholds part a corpus of classical music, electronica, pop and rock into three classes of similar size. Voice is
//! not measured: no simple figure tells singing from a violin. A clip whose folder or name is that of a class (as
//! `voice/anna.flac`) is of that class, whatever its sound.

use melisma_signal::Pcm;
use melisma_signal::stft::Stft;
use serde::{Deserialize, Serialize};

use crate::bootstrap::median;
use crate::resample::mono;

/// Attacks a second from which on a clip is of that class.
pub const ATTACKS_PER_S: f64 = 1.0;
/// Flatness up to which a clip without attacks is tonal, in dB.
pub const TONAL_FLATNESS_DB: f64 = -20.0;

/// Steps of the energy a second, and of them the 50 ms before an attack.
const STEPS_PER_S: f64 = 172.0;
const STEPS_BEFORE: usize = 9;
const ATTACK_RISE_DB: f64 = 8.0;
const ATTACK_LOWEST_HZ: f64 = 1000.0;
/// Energy that is added to every step, as a share of the mean.
const FLOOR_SHARE: f64 = 1e-3;
const FLATNESS_WINDOW_S: f64 = 0.093;
const FLATNESS_HZ: (f64, f64) = (200.0, 5000.0);
/// Windows of less energy than this share of the loudest do not count.
const QUIET_SHARE: f64 = 1e-4;

/// A kind of music.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Drums, claps, plucked strings: many sharp beginnings.
    Attacks,
    /// Held or sung notes: energy in few narrow lines.
    Tonal,
    /// Voices, only where the clip says so.
    Voice,
    /// Everything else: full, noisy or distorted.
    Dense,
}

impl Class {
    /// Every class, in the order of tables.
    pub const ALL: [Self; 4] = [Self::Attacks, Self::Tonal, Self::Voice, Self::Dense];

    /// Its name in results and in folders of clips.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Attacks => "attacks",
            Self::Tonal => "tonal",
            Self::Voice => "voice",
            Self::Dense => "dense",
        }
    }

    /// The class of a clip: by a part of its name, a folder or the file, that is the name of a class; else by its sound.
    #[must_use]
    pub fn of(clip_name: &str, pcm: &Pcm) -> Self {
        let named =
            clip_name.split('/').find_map(|part| Self::ALL.into_iter().find(|class| class.name() == part));
        named.unwrap_or_else(|| Self::measured(pcm))
    }

    /// The class of a clip by its sound alone.
    #[must_use]
    pub fn measured(pcm: &Pcm) -> Self {
        let signal = mono(&pcm.channels);
        if attacks_per_s(&signal, pcm.sample_rate_hz) >= ATTACKS_PER_S {
            Self::Attacks
        } else if flatness_db(&signal, pcm.sample_rate_hz).is_some_and(|db| db <= TONAL_FLATNESS_DB) {
            Self::Tonal
        } else {
            Self::Dense
        }
    }
}

/// Attacks a second in one channel; 0 in silence.
#[must_use]
pub fn attacks_per_s(signal: &[f32], sample_rate_hz: u32) -> f64 {
    let rate = f64::from(sample_rate_hz);
    let hop_samples = ((rate / STEPS_PER_S).round() as usize).max(1);
    let first_bin = (ATTACK_LOWEST_HZ / rate * (2 * hop_samples) as f64).ceil() as usize;
    let energies = energies(signal, 2 * hop_samples, hop_samples, |bins| bins.iter().skip(first_bin).sum());
    let floor = energies.iter().sum::<f64>() / energies.len().max(1) as f64 * FLOOR_SHARE;
    if floor <= 0.0 {
        return 0.0;
    }
    let levels_db: Vec<f64> = energies.iter().map(|energy| 10.0 * (energy + floor).log10()).collect();
    let (mut count, mut last) = (0_usize, None);
    for (step, &level_db) in levels_db.iter().enumerate().skip(STEPS_BEFORE + 1) {
        // A window overlaps the next: the step just before an attack has a part of it and does not count.
        let before = &levels_db[step - STEPS_BEFORE - 1..step - 1];
        let before_db = before.iter().fold(f64::NEG_INFINITY, |most, &db| most.max(db));
        if level_db - before_db > ATTACK_RISE_DB && last.is_none_or(|last| step - last > STEPS_BEFORE) {
            (count, last) = (count + 1, Some(step));
        }
    }
    count as f64 * rate / signal.len() as f64
}

/// Median spectral flatness of one channel in dB, 0 for white noise; none in silence.
#[must_use]
pub fn flatness_db(signal: &[f32], sample_rate_hz: u32) -> Option<f64> {
    let rate = f64::from(sample_rate_hz);
    let window_samples = 2 * (FLATNESS_WINDOW_S * rate / 2.0).round().max(1.0) as usize;
    let bin = |hz: f64| (hz / rate * window_samples as f64).ceil() as usize;
    let bins = bin(FLATNESS_HZ.0)..bin(FLATNESS_HZ.1.min(rate / 2.0));
    // (energy, flatness) of each window.
    let windows = energies(signal, window_samples, window_samples / 2, |all| {
        let part = all.get(bins.clone()).unwrap_or_default();
        let mean = part.iter().sum::<f64>() / part.len().max(1) as f64;
        let mean_log = part.iter().map(|&e| (e + 1e-9).ln()).sum::<f64>() / part.len().max(1) as f64;
        (mean, 10.0 / std::f64::consts::LN_10 * (mean_log - (mean + 1e-9).ln()))
    });
    let loudest = windows.iter().fold(0.0_f64, |most, window| most.max(window.0));
    let loud = windows.iter().filter(|window| window.0 > QUIET_SHARE * loudest);
    median(&loud.map(|window| window.1).collect::<Vec<_>>())
}

/// What `of` makes of the energies of the bins of each window.
fn energies<T>(
    signal: &[f32],
    window_samples: usize,
    hop_samples: usize,
    of: impl Fn(&[f64]) -> T,
) -> Vec<T> {
    let stft = Stft::new(window_samples, hop_samples);
    let mut scratch = stft.scratch();
    let mut bins = vec![0.0; stft.bins()];
    let walk = (0..stft.frames(signal.len())).map(|frame| {
        stft.frame(signal, frame, &mut scratch);
        for (bin, x) in bins.iter_mut().zip(&scratch.spectrum) {
            *bin = f64::from(x.norm_sqr());
        }
        of(&bins)
    });
    walk.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE_HZ: u32 = 44_100;

    fn clip(sample: impl Fn(f64) -> f64) -> Pcm {
        let samples = (0..4 * RATE_HZ).map(|i| sample(f64::from(i) / f64::from(RATE_HZ)) as f32).collect();
        Pcm { sample_rate_hz: RATE_HZ, channels: vec![samples] }
    }

    /// White noise that depends on the time alone.
    fn noise(t: f64) -> f64 {
        let mut x = (t * f64::from(RATE_HZ)).round() as u64;
        // SplitMix64's mixing (Steele, Lea and Flood 2014).
        x = x.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)) as f64 / u64::MAX as f64 - 0.5
    }

    #[test]
    fn sounds_are_of_their_class() {
        // Four decaying bursts of noise a second.
        let drums = clip(|t| noise(t) * (-40.0 * (t * 4.0).fract() / 4.0).exp());
        let chord = clip(|t| {
            [220.0, 277.0, 330.0].iter().map(|hz| 0.1 * (std::f64::consts::TAU * hz * t).sin()).sum()
        });
        let hiss = clip(|t| 0.3 * noise(t));
        assert_eq!(Class::measured(&drums), Class::Attacks);
        assert!((attacks_per_s(&drums.channels[0], RATE_HZ) - 4.0).abs() < 0.5);
        assert_eq!(Class::measured(&chord), Class::Tonal);
        assert_eq!(Class::measured(&hiss), Class::Dense);
        assert_eq!(attacks_per_s(&hiss.channels[0], RATE_HZ), 0.0);
        // Flatness of white noise is that of its periodogram: Euler's constant below 0, -2.5 dB.
        let db = flatness_db(&hiss.channels[0], RATE_HZ).expect("sound");
        assert!((db + 2.5).abs() < 0.3, "{db}");
    }

    #[test]
    fn names_go_before_sounds_and_silence_is_dense() {
        let silence = clip(|_| 0.0);
        assert_eq!(Class::of("songs/voice", &silence), Class::Voice);
        assert_eq!(Class::of("tonal/1", &silence), Class::Tonal);
        assert_eq!(Class::of("voices/1", &silence), Class::measured(&silence));
        assert_eq!(Class::measured(&silence), Class::Dense);
    }
}
