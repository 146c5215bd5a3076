//! What a model knows about its symbols before it has seen any: predictors, spreads and initial probabilities.
//!
//! How symbols are distributed depends on how coarse the step is, so there is a table for each octave of its multiplier.
//!
//! ```text
//! tables = channels varint, classes u8, partner u16 a channel, then per class:
//!          3 taps i16 a channel, spread u16 a channel, mixer, escape counters
//! ```
//! Mixer and counters are written as [`melisma_bitstream::table`] says.

use super::{
    header::MAX_CHANNELS,
    symbols::{ESCAPE_COUNTERS, INPUTS, SELECTORS, counters},
};
use melisma_bitstream::{
    Counter, FormatError, Mixer,
    bytes::{Reader, write_varint},
    table::{read_counters, read_mixer, write_counters, write_mixer},
};

/// How many octaves of the step's multiplier have a table.
pub const CLASSES: usize = 11;

/// How many of the tables are for steps finer than the model's own.
const FINER_CLASSES: i32 = 4;

/// The largest step index; the multiplier is `2^((index - 512) / 32)`.
pub const MAX_STEP_INDEX: u16 = 1023;

/// The step index of the model's own steps.
pub const UNIT_STEP_INDEX: u16 = 512;

/// Step indices to a doubling of the multiplier.
const STEPS_PER_OCTAVE: u16 = 32;

/// The index whose multiplier is nearest to `multiplier`, which has to be above 0.
#[must_use]
pub fn step_index(multiplier: f64) -> u16 {
    let steps = multiplier.log2() * f64::from(STEPS_PER_OCTAVE);
    (f64::from(UNIT_STEP_INDEX) + steps).round().clamp(0.0, f64::from(MAX_STEP_INDEX)) as u16
}

/// What a model's own steps are multiplied with at a step index, `2^-16` to just below `2^16`.
#[must_use]
pub fn step_multiplier(index: u16) -> f64 {
    (f64::from(i32::from(index) - i32::from(UNIT_STEP_INDEX)) / f64::from(STEPS_PER_OCTAVE)).exp2()
}

/// Which table holds for a step index, `0..`[`CLASSES`].
#[must_use]
pub fn step_class(index: u16) -> usize {
    let an_octave = i32::from(STEPS_PER_OCTAVE);
    let octaves = (i32::from(index) - i32::from(UNIT_STEP_INDEX) + an_octave / 2).div_euclid(an_octave);
    (octaves + FINER_CLASSES).clamp(0, CLASSES as i32 - 1) as usize
}

/// The step index in the middle of those that a class stands for: its multiplier is a whole power of two.
#[must_use]
pub fn class_step(class: usize) -> u16 {
    let octaves = class.min(CLASSES - 1) as i32 - FINER_CLASSES;
    // Classes lie within the indices: -4 to 6 octaves around the middle of 32.
    (i32::from(UNIT_STEP_INDEX) + octaves * i32::from(STEPS_PER_OCTAVE)) as u16
}

/// Marks a channel without a partner.
pub(super) const ALONE: u16 = u16::MAX;

/// Tables of a model for all its steps.
#[derive(Clone, Debug)]
pub struct Tables {
    /// `[channel]`: the channel coded before it that tells most about it, or [`ALONE`].
    pub(super) partners: Vec<u16>,
    /// `[class]`: one table an octave of the step's multiplier.
    pub(super) classes: Vec<ClassTable>,
}

/// The table of one class, and at the same time the state of a section while it is coded.
#[derive(Clone, Debug)]
pub(super) struct ClassTable {
    /// `[channel]`: weights, of 4096, of the channel's last two symbols and of the partner's present one.
    pub(super) taps: Vec<[i16; 3]>,
    /// `[channel]`: mean magnitude of what the prediction leaves, of 256.
    pub(super) spreads: Vec<u16>,
    /// Decisions about what the prediction leaves.
    pub(super) mixer: Mixer<INPUTS>,
    /// `[class of the expected magnitude][prefix]`: escapes.
    pub(super) escape: Vec<Counter>,
}

impl ClassTable {
    /// A table that knows nothing.
    pub(super) fn blank(channels: usize) -> Self {
        Self {
            taps: vec![[0; 3]; channels],
            spreads: vec![0; channels],
            // Weights of 0.15: seven inputs that agree are believed about as much as each of them.
            mixer: Mixer::blank(counters(channels), SELECTORS, 9_830),
            escape: vec![Counter::new(2048, 0); ESCAPE_COUNTERS],
        }
    }
}

impl Tables {
    /// Tables that know nothing: they adapt to whatever they are given, at a price.
    #[must_use]
    pub fn blank(channels: usize) -> Self {
        Self { partners: vec![ALONE; channels], classes: vec![ClassTable::blank(channels); CLASSES] }
    }

    /// Channels of a latent.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.partners.len()
    }

    /// The tables as bytes. Counts are rounded to the sixteen of the format, weights to 1/4096.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        write_varint(&mut out, self.partners.len() as u64);
        out.push(CLASSES as u8);
        let words =
            |out: &mut Vec<u8>, words: &[u16]| words.iter().for_each(|word| out.extend(word.to_le_bytes()));
        words(&mut out, &self.partners);
        for class in &self.classes {
            class.taps.iter().flatten().for_each(|tap| out.extend(tap.to_le_bytes()));
            words(&mut out, &class.spreads);
            write_mixer(&mut out, &class.mixer);
            write_counters(&mut out, &class.escape);
        }
        out
    }

    /// Reads what [`to_bytes`](Self::to_bytes) has written.
    ///
    /// # Errors
    /// [`FormatError`] if they are cut off, too long, or contradict themselves.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FormatError> {
        let mut reader = Reader::new(bytes, 0);
        let refuse = |field, value: u64, allowed| Err(FormatError::Value { field, value, allowed });
        let channels = reader.size("channels of the tables", MAX_CHANNELS, "1..=4096")?;
        let classes = reader.u8("classes of the tables")?;
        if channels == 0 || usize::from(classes) != CLASSES {
            return refuse("channels and classes of the tables", u64::from(classes), "1..=4096, and 11");
        }
        let partners = (0..channels).map(|_| reader.u16("partner")).collect::<Result<Vec<_>, _>>()?;
        for (channel, &partner) in partners.iter().enumerate() {
            if partner != ALONE && usize::from(partner) >= channel {
                return refuse("partner", u64::from(partner), "a channel before");
            }
        }
        let mut tables = Self { partners, classes: Vec::with_capacity(CLASSES) };
        for _ in 0..CLASSES {
            let mut class = ClassTable::blank(channels);
            for tap in class.taps.iter_mut().flatten() {
                *tap = reader.u16("predictor")? as i16;
            }
            for spread in &mut class.spreads {
                *spread = reader.u16("spread")?;
            }
            read_mixer(&mut reader, &mut class.mixer)?;
            read_counters(&mut reader, &mut class.escape)?;
            tables.classes.push(class);
        }
        match reader.remaining() {
            0 => Ok(tables),
            more => refuse("bytes behind the tables", more as u64, "0"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let bytes = Tables::blank(5).to_bytes();
        let again = Tables::from_bytes(&bytes).unwrap();
        assert_eq!(again.to_bytes(), bytes);
        for length in [0, 1, 2, 9, 20, bytes.len() / 2, bytes.len() - 1] {
            assert!(Tables::from_bytes(&bytes[..length]).is_err(), "{length}");
        }
        assert!(Tables::from_bytes(&[bytes.as_slice(), &[0]].concat()).is_err());
        let mut own_partner = bytes;
        own_partner[2..4].copy_from_slice(&0u16.to_le_bytes());
        assert!(Tables::from_bytes(&own_partner).is_err());
    }

    #[test]
    fn classes_are_the_nearest_octave() {
        for (index, class) in [(512, 4), (527, 4), (528, 5), (496, 4), (495, 3), (0, 0), (1023, 10)] {
            assert_eq!(step_class(index), class, "{index}");
        }
        assert_eq!((step_multiplier(512), step_multiplier(544), step_multiplier(448)), (1.0, 2.0, 0.25));
        for (class, multiplier) in [(0, 1.0 / 16.0), (4, 1.0), (5, 2.0), (10, 64.0)] {
            assert_eq!(step_multiplier(class_step(class)), multiplier, "{class}");
            assert_eq!(step_class(class_step(class)), class);
        }
    }

    #[test]
    fn multipliers_become_the_nearest_index() {
        for (multiplier, index) in [(1.0, 512), (2.0, 544), (0.5, 480), (1.01, 512), (1e-30, 0), (1e30, 1023)]
        {
            assert_eq!(step_index(multiplier), index, "{multiplier}");
        }
    }
}
