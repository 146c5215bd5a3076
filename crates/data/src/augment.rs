//! Variations of a crop, each with its probability and range: gain, another track mixed in, equaliser, pitch by
//! resampling, sides swapped.
//!
//! Every draw comes from (seed, epoch, index, kind), so that the same crop is varied alike on any number of threads,
//! and that switching one kind on does not change the others.

use melisma_signal::Biquad;
use serde::{Deserialize, Serialize};

use crate::DataError;
use melisma_signal::Random;

/// Which variations a crop gets, how often and how strong; by default none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Augment {
    /// Gain: louder or softer.
    pub gain: Gain,
    /// A crop of another track of the same part mixed in; the sum keeps the power of the first.
    pub mix: Mix,
    /// Equaliser: a low shelf, a bell and a high shelf.
    pub eq: Eq,
    /// Faster and higher, or slower and lower, as a tape.
    pub pitch: Pitch,
    /// Left and right exchanged.
    pub swap: Swap,
}

/// Gain of a crop: louder or softer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gain {
    /// Probability that a crop gets this variation, 0..=1.
    pub probability: f64,
    /// Least and largest gain, in dB.
    pub db: [f64; 2],
}

impl Default for Gain {
    fn default() -> Self {
        Self { probability: 0.0, db: [-12.0, 3.0] }
    }
}

/// A crop of another track mixed in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mix {
    /// Probability that a crop gets this variation, 0..=1.
    pub probability: f64,
    /// Least and largest level of the other track against this one, in dB.
    pub db: [f64; 2],
}

impl Default for Mix {
    fn default() -> Self {
        Self { probability: 0.0, db: [-20.0, 0.0] }
    }
}

/// Equaliser of three filters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Eq {
    /// Probability that a crop gets this variation, 0..=1.
    pub probability: f64,
    /// Least and largest gain of each of the three filters, in dB.
    pub db: [f64; 2],
}

impl Default for Eq {
    fn default() -> Self {
        Self { probability: 0.0, db: [-6.0, 6.0] }
    }
}

/// Pitch and speed changed together, by resampling.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pitch {
    /// Probability that a crop gets this variation, 0..=1.
    pub probability: f64,
    /// Least and largest change in semitones; at most an octave either way.
    pub semitones: [f64; 2],
}

impl Default for Pitch {
    fn default() -> Self {
        Self { probability: 0.0, semitones: [-2.0, 2.0] }
    }
}

/// Left and right exchanged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Swap {
    /// Probability that a crop gets this variation, 0..=1.
    pub probability: f64,
}

/// What was drawn for one crop.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    /// Factor of every sample.
    pub gain: f64,
    /// Linear level of the other track, and the chance that chooses it.
    pub mix: Option<(f64, Random)>,
    eq: Option<[(f64, f64); 3]>,
    /// How fast the source is read: 2 is an octave up.
    pub speed: f64,
    swap: bool,
}

/// Corner or centre of the three filters, in Hz: drawn between, evenly in octaves.
const EQ_HZ: [[f64; 2]; 3] = [[60.0, 400.0], [300.0, 5_000.0], [2_500.0, 10_000.0]];
const EQ_Q: f64 = 0.9;
const MAX_SEMITONES: f64 = 12.0;
const MAX_DB: f64 = 60.0;

impl Augment {
    /// Refuses what makes no sense.
    ///
    /// # Errors
    /// [`DataError::Invalid`] for a probability outside 0..=1, a range that runs backwards, or one too wide.
    pub fn check(&self) -> Result<(), DataError> {
        let ranges = [
            ("gain", self.gain.probability, self.gain.db, MAX_DB),
            ("mix", self.mix.probability, self.mix.db, MAX_DB),
            ("eq", self.eq.probability, self.eq.db, MAX_DB),
            ("pitch", self.pitch.probability, self.pitch.semitones, MAX_SEMITONES),
            ("swap", self.swap.probability, [0.0, 0.0], 0.0),
        ];
        for (name, probability, [from, to], most) in ranges {
            if !(0.0..=1.0).contains(&probability) {
                return Err(DataError::Invalid(format!(
                    "augment.{name}.probability is {probability}, not 0 to 1"
                )));
            }
            let sane = from <= to && from.abs() <= most && to.abs() <= most;
            if !sane {
                return Err(DataError::Invalid(format!(
                    "augment.{name}: {from} to {to} is no range within ±{most}"
                )));
            }
        }
        Ok(())
    }

    /// What happens to the crop `index` of `epoch`.
    pub(crate) fn draw(&self, seed: u64, epoch: u64, index: u64) -> Plan {
        let source = |kind: u64| Random::at(seed, &[epoch, index, kind]);
        let level = |db: f64| 10f64.powf(db / 20.0);
        let (mut gain, mut mix, mut eq, mut pitch, mut swap) =
            (source(1), source(2), source(3), source(4), source(5));
        Plan {
            gain: if gain.chance(self.gain.probability) { level(gain.between(self.gain.db)) } else { 1.0 },
            mix: mix.chance(self.mix.probability).then(|| (level(mix.between(self.mix.db)), mix)),
            eq: eq
                .chance(self.eq.probability)
                .then(|| EQ_HZ.map(|range| (eq.between(range.map(f64::ln)).exp(), eq.between(self.eq.db)))),
            speed: if pitch.chance(self.pitch.probability) {
                (pitch.between(self.pitch.semitones) / 12.0).exp2()
            } else {
                1.0
            },
            swap: swap.chance(self.swap.probability),
        }
    }
}

impl Plan {
    /// Equaliser, sides and gain, in place; pitch and mixing need more of the source and come before.
    pub(crate) fn finish(&self, planes: &mut [Vec<f32>], sample_rate_hz: u32) {
        if let Some([low, bell, high]) = self.eq {
            for plane in planes.iter_mut() {
                Biquad::low_shelf(sample_rate_hz, low.0, low.1).process(plane);
                Biquad::peak(sample_rate_hz, bell.0, EQ_Q, bell.1).process(plane);
                Biquad::high_shelf(sample_rate_hz, high.0, high.1).process(plane);
            }
        }
        if self.swap {
            planes.reverse();
        }
        if self.gain != 1.0 {
            for sample in planes.iter_mut().flatten() {
                *sample *= self.gain as f32;
            }
        }
    }
}

/// Adds `other` at `level` of its own and scales the sum so that two unrelated tracks keep the power of one.
pub(crate) fn mix_in(planes: &mut [Vec<f32>], other: &[Vec<f32>], level: f64) {
    let scale = 1.0 / (1.0 + level * level).sqrt();
    let (own, added) = (scale as f32, (scale * level) as f32);
    for (plane, other) in planes.iter_mut().zip(other) {
        for (sample, other) in plane.iter_mut().zip(other) {
            *sample = own * *sample + added * other;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_is_read_and_checked() {
        let read = |text: &str| toml::from_str::<Augment>(text).unwrap();
        let augment = read("[gain]\nprobability = 0.5\ndb = [-6, 0]\n[swap]\nprobability = 0.5\n");
        assert_eq!((augment.gain.db, augment.pitch.probability), ([-6.0, 0.0], 0.0));
        augment.check().unwrap();
        assert!(toml::from_str::<Augment>("[gain]\nprobabilty = 1").is_err());
        for (text, expected) in [
            ("[gain]\nprobability = 1.5", "augment.gain.probability"),
            ("[eq]\ndb = [3, -3]", "augment.eq"),
            ("[pitch]\nsemitones = [-30, 0]", "±12"),
            ("[mix]\nprobability = nan", "augment.mix"),
        ] {
            let error = read(text).check().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn kinds_do_not_disturb_each_other() {
        let all = |probability| Augment {
            gain: Gain { probability, ..Gain::default() },
            mix: Mix { probability, ..Mix::default() },
            eq: Eq { probability, ..Eq::default() },
            pitch: Pitch { probability, ..Pitch::default() },
            swap: Swap { probability },
        };
        let nothing = all(0.0).draw(1, 2, 3);
        assert_eq!((nothing.gain, nothing.speed, nothing.swap), (1.0, 1.0, false));
        assert!(nothing.eq.is_none() && nothing.mix.is_none());
        let everything = all(1.0).draw(1, 2, 3);
        let only_pitch = Augment { pitch: all(1.0).pitch, ..Augment::default() }.draw(1, 2, 3);
        assert_eq!(everything.speed, only_pitch.speed);
        assert_ne!(everything, all(1.0).draw(1, 2, 4));
        // Half of them, half of the time: 1,000 draws have a deviation of 16.
        let half = all(0.5);
        let swapped = (0..1000).filter(|index| half.draw(9, 0, *index).swap).count();
        assert!(swapped.abs_diff(500) < 100, "{swapped}");
    }

    #[test]
    fn each_kind_does_what_it_says() {
        let noise = |seed: u64| -> Vec<f32> {
            let mut random = Random::at(seed, &[]);
            (0..20_000).map(|_| random.between([-0.5, 0.5]) as f32).collect()
        };
        let power =
            |plane: &[f32]| plane.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / plane.len() as f64;
        let plain = Plan { gain: 1.0, mix: None, eq: None, speed: 1.0, swap: false };
        let original = vec![noise(1), noise(2)];
        let finished = |plan: &Plan| {
            let mut planes = original.clone();
            plan.finish(&mut planes, 44_100);
            planes
        };
        assert_eq!(finished(&plain), original);
        let swapped = finished(&Plan { swap: true, ..plain.clone() });
        assert_eq!((&swapped[0], &swapped[1]), (&original[1], &original[0]));
        let louder = finished(&Plan { gain: 2.0, ..plain.clone() });
        assert!((power(&louder[0]) / power(&original[0]) - 4.0).abs() < 1e-4);
        let flat =
            finished(&Plan { eq: Some([(100.0, 0.0), (1_000.0, 0.0), (5_000.0, 0.0)]), ..plain.clone() });
        let bent = finished(&Plan { eq: Some([(100.0, 0.0), (1_000.0, 0.0), (5_000.0, -6.0)]), ..plain });
        assert!(flat[0].iter().zip(&original[0]).all(|(a, b)| (a - b).abs() < 1e-5));
        assert!(power(&bent[0]) < 0.5 * power(&original[0]));
        let mut mixed = original.clone();
        mix_in(&mut mixed, &[noise(3), noise(4)], 0.7);
        // Unrelated noise: the power stays, but for a correlation of 1/sqrt(20,000).
        assert!((power(&mixed[0]) / power(&original[0]) - 1.0).abs() < 0.05);
    }
}
