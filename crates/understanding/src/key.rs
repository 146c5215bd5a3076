//! The key of a track, from its sound: a sketch has bands, not pitches.
//!
//! ```text
//! sound -spectra of 0.19 s-> peaks -> strengths of the twelve pitch classes -profiles-> key
//! ```
//!
//! Peaks of each spectrum are counted as pitch classes (Gómez, "Tonal description of polyphonic audio for music content
//! processing", INFORMS Journal on Computing 2006, section 3, without its sharing out of partials to lower tones, which
//! takes power chords for their fourth), after the tuning of the track was found from all peaks. The mean over time is
//! correlated with what major and minor keys have (Krumhansl, "Cognitive foundations of musical pitch", 1990, chapter 4,
//! with the profiles of Albrecht and Shanahan, "The use of large corpora to train a new type of key-finding algorithm",
//! Music Perception 2013).

use melisma_signal::{
    Pcm,
    stft::{Stft, StftScratch},
};

/// Major or minor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As C major.
    Major,
    /// As A minor.
    Minor,
}

/// A key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Key {
    /// Pitch class of the tonic, 0 (C) to 11 (B).
    pub tonic: u8,
    /// Major or minor.
    pub mode: Mode,
    /// How far its correlation lies above that of the second best key, 0 to 2. Below some .02 it is a guess.
    pub margin: f32,
    /// How far the tuning lies from 440 Hz, in semitones, -0.5 to 0.5.
    pub tuning_semitones: f32,
}

const NAMES: [&str; 12] = ["C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];

impl Key {
    /// Name as tags have it (`INITIALKEY` of Vorbis comments, `TKEY` of ID3): `C`, `F#m`.
    #[must_use]
    pub fn name(&self) -> String {
        let minor = if self.mode == Mode::Minor { "m" } else { "" };
        format!("{}{minor}", NAMES[usize::from(self.tonic) % 12])
    }
}

/// How often each step above the tonic is heard in major and minor keys, a share of all: Albrecht and Shanahan 2013, table 1.
const PROFILES: [[f32; 12]; 2] = [
    [0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081],
    [0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052],
];

/// Spectra are as long as tells apart semitones of low notes.
const WINDOW_SECONDS: f64 = 0.19;
/// Tones whose peaks count, in Hz: below, semitones are narrower than a bin.
const PEAKS_HZ: [f32; 2] = [80.0, 3_000.0];
/// Peaks lower than a frame's highest by this factor are left out.
const LEAST_PEAK: f32 = 0.01;
/// Parts of a semitone in which peaks are counted, before the tuning is known.
const PARTS: usize = 10;

/// Listens to a track as it streams by, and names its key.
pub struct KeyFinder {
    stft: Stft,
    scratch: StftScratch,
    window_samples: usize,
    hz_per_bin: f32,
    mono: Vec<f32>,
    magnitudes: Vec<f32>,
    /// Strength of peaks by where they lie in the octave: `[pitch class][part of a semitone]`, `[.][0]` being in the middle
    /// between two semitones.
    strengths: [[f64; PARTS]; 12],
}

impl KeyFinder {
    /// For sound of this rate.
    #[must_use]
    pub fn new(sample_rate_hz: u32) -> Self {
        let window_samples = ((f64::from(sample_rate_hz) * WINDOW_SECONDS) as usize).next_power_of_two();
        let stft = Stft::new(window_samples, window_samples / 2);
        Self {
            scratch: stft.scratch(),
            stft,
            window_samples,
            hz_per_bin: sample_rate_hz as f32 / window_samples as f32,
            mono: Vec::new(),
            magnitudes: Vec::new(),
            strengths: [[0.0; PARTS]; 12],
        }
    }

    /// Listens to the next block, of any number of channels. Samples that are not finite are silence.
    pub fn push(&mut self, block: &Pcm) {
        let Some(first) = block.channels.first() else { return };
        self.mono.extend((0..first.len()).map(|index| {
            let sum: f32 = block.channels.iter().filter_map(|channel| channel.get(index)).sum();
            if sum.is_finite() { sum } else { 0.0 }
        }));
        let mut start = 0;
        while start + self.window_samples <= self.mono.len() {
            self.listen(start);
            start += self.window_samples / 2;
        }
        self.mono.drain(..start);
    }

    /// Counts the peaks of the window that begins at `start`.
    fn listen(&mut self, start: usize) {
        let window = &self.mono[start..start + self.window_samples];
        // Frames are centred and half a window apart: frame 1 is the window itself.
        self.stft.frame(window, 1, &mut self.scratch);
        self.magnitudes.clear();
        self.magnitudes.extend(self.scratch.spectrum.iter().map(|bin| bin.norm()));
        let bins = &self.magnitudes;
        let from = ((PEAKS_HZ[0] / self.hz_per_bin) as usize).max(1);
        let to = ((PEAKS_HZ[1] / self.hz_per_bin) as usize).min(bins.len().saturating_sub(1));
        let highest = bins.get(from..to).map_or(0.0, |bins| bins.iter().copied().fold(0.0, f32::max));
        // A hundred decibels below full scale is silence.
        if highest < self.window_samples as f32 * 0.25e-5 {
            return;
        }
        for bin in from..to {
            let [before, here, after] = [bins[bin - 1], bins[bin], bins[bin + 1]];
            if here < before || here <= after || here < highest * LEAST_PEAK {
                continue;
            }
            // The vertex of a parabola through logarithms: exact for a Gaussian main lobe, close for this one.
            let [b, h, a] = [before, here, after].map(|x| x.max(1e-12).ln());
            let curve = b - 2.0 * h + a;
            let offset = if curve < 0.0 { (0.5 * (b - a) / curve).clamp(-0.5, 0.5) } else { 0.0 };
            let hz = (bin as f32 + offset) * self.hz_per_bin;
            // Loudness grows about so; a frame counts by its loudness relative to itself, for quiet parts have a key too.
            let strength = (here / highest).sqrt();
            count(&mut self.strengths, hz, strength);
        }
    }

    /// The key of all that was heard; none of silence, or of less than a window.
    #[must_use]
    pub fn finish(self) -> Option<Key> {
        let tuning = tuning_parts(&self.strengths)?;
        let classes = pitch_classes(&self.strengths, tuning);
        let mut ranked: Vec<(f32, u8, Mode)> = Vec::with_capacity(24);
        for (mode, profile) in [Mode::Major, Mode::Minor].into_iter().zip(&PROFILES) {
            for tonic in 0..12u8 {
                let turned: Vec<f32> =
                    (0..12).map(|step| classes[(step + usize::from(tonic)) % 12]).collect();
                ranked.push((correlation(&turned, profile), tonic, mode));
            }
        }
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        let (best, tonic, mode) = ranked[0];
        let margin = best - ranked[1].0;
        Some(Key { tonic, mode, margin, tuning_semitones: tuning as f32 / PARTS as f32 })
    }
}

/// Adds the strength of a tone of this frequency to where it lies in the octave.
fn count(strengths: &mut [[f64; PARTS]; 12], hz: f32, strength: f32) {
    // A4 is the tenth key above a C; half a semitone more, so that a class begins in the middle between two keys.
    let place = (12.0 * (hz / 440.0).log2() + 9.0 + 0.5).rem_euclid(12.0);
    let class = (place as usize).min(11);
    let part = ((place - class as f32) * PARTS as f32) as usize;
    strengths[class][part.min(PARTS - 1)] += f64::from(strength);
}

/// By how many parts of a semitone the tuning is high (or, negative, low): where peaks gather within a semitone.
fn tuning_parts(strengths: &[[f64; PARTS]; 12]) -> Option<i32> {
    let (mut cosine, mut sine) = (0.0, 0.0);
    for (part, angle) in (0..PARTS).map(|part| (part, (part as f64 + 0.5) / PARTS as f64)) {
        let strength: f64 = strengths.iter().map(|class| class[part]).sum();
        cosine += strength * (std::f64::consts::TAU * (angle - 0.5)).cos();
        sine += strength * (std::f64::consts::TAU * (angle - 0.5)).sin();
    }
    let total: f64 = strengths.iter().flatten().sum();
    (total > 0.0).then(|| (sine.atan2(cosine) / std::f64::consts::TAU * PARTS as f64).round() as i32)
}

/// Strength of each pitch class, by distance from its tuned middle.
fn pitch_classes(strengths: &[[f64; PARTS]; 12], tuning_parts: i32) -> [f32; 12] {
    let mut classes = [0.0f32; 12];
    for (class, parts) in strengths.iter().enumerate() {
        for (part, &strength) in parts.iter().enumerate() {
            let place = (class * PARTS + part) as i32 - tuning_parts;
            let place = place.rem_euclid(12 * PARTS as i32) as usize;
            let from_middle = (place % PARTS) as f32 + 0.5 - PARTS as f32 / 2.0;
            let weight = (std::f32::consts::PI * from_middle / PARTS as f32).cos();
            classes[place / PARTS] += strength as f32 * weight * weight;
        }
    }
    classes
}

/// Pearson's correlation; 0 where one of them does not vary.
fn correlation(a: &[f32], b: &[f32; 12]) -> f32 {
    let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let sum = |f: &dyn Fn(f32, f32) -> f32| -> f32 {
        a.iter().zip(b).map(|(&a, &b)| f(a - mean_a, b - mean_b)).sum()
    };
    let product = sum(&|a, b| a * b);
    let norm = (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt();
    if norm > 0.0 { product / norm } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Chords of three tones with four partials each, one second a chord.
    fn chords(chords: &[[i32; 3]], detune_semitones: f32) -> Pcm {
        let rate = 44_100u32;
        let mut sound = Vec::new();
        for chord in chords {
            for index in 0..rate {
                let seconds = index as f32 / rate as f32;
                let tone = |key: i32| -> f32 {
                    let hz = 440.0 * ((key as f32 - 69.0 + detune_semitones) / 12.0).exp2();
                    (1..=4u8)
                        .map(|n| {
                            (std::f32::consts::TAU * hz * f32::from(n) * seconds).sin() / f32::from(n * n)
                        })
                        .sum()
                };
                sound.push(0.1 * chord.iter().map(|&key| tone(key)).sum::<f32>());
            }
        }
        Pcm { sample_rate_hz: rate, channels: vec![sound] }
    }

    fn key_of(pcm: &Pcm) -> Option<Key> {
        let mut finder = KeyFinder::new(pcm.sample_rate_hz);
        for start in (0..pcm.samples()).step_by(5_000) {
            let end = (start + 5_000).min(pcm.samples());
            finder.push(&Pcm {
                sample_rate_hz: pcm.sample_rate_hz,
                channels: vec![pcm.channels[0][start..end].to_vec()],
            });
        }
        finder.finish()
    }

    #[test]
    fn cadences_have_their_keys() {
        // I IV V I in major, i iv V i in minor, from the tonic's MIDI key.
        let major =
            |t: i32| [[t, t + 4, t + 7], [t + 5, t + 9, t + 12], [t + 7, t + 11, t + 14], [t, t + 4, t + 7]];
        let minor =
            |t: i32| [[t, t + 3, t + 7], [t + 5, t + 8, t + 12], [t + 7, t + 11, t + 14], [t, t + 3, t + 7]];
        for (tonic, name) in [(48, "C"), (54, "F#"), (57, "A"), (58, "Bb")] {
            for detune in [0.0, 0.3, -0.4] {
                let key = key_of(&chords(&major(tonic), detune)).unwrap();
                assert_eq!(key.name(), name, "{key:?}");
                // Parts are tenths of a semitone.
                assert!((key.tuning_semitones - detune).abs() < 0.11, "{detune}: {key:?}");
                let key = key_of(&chords(&minor(tonic), detune)).unwrap();
                assert_eq!(key.name(), format!("{name}m"), "{key:?}");
            }
        }
    }

    #[test]
    fn silence_has_no_key() {
        for samples in [0, 100, 44_100] {
            for value in [0.0, f32::NAN] {
                let pcm = Pcm { sample_rate_hz: 44_100, channels: vec![vec![value; samples]] };
                assert_eq!(key_of(&pcm), None);
            }
        }
        assert_eq!(key_of(&Pcm { sample_rate_hz: 8_000, channels: vec![vec![0.0; 9_000]] }), None);
        let mut nothing = KeyFinder::new(8_000);
        nothing.push(&Pcm { sample_rate_hz: 8_000, channels: vec![] });
        assert_eq!(nothing.finish(), None);
    }
}
