//! A model of labels as bytes, and back. Little endian; lengths are checked against what is there before anything is
//! allocated, and a checksum over all stands at the end.
//!
//! ```text
//! "MLSMLABL", version, version of the features, tag, labels, temperature,
//! features, means, deviations, landmarks, width, [landmark][feature], weights [label][input + 1], CRC32C
//! ```
//! Words are 32 bits; a text is its length in bytes and UTF-8.

use super::{LabelError, LabelModel, kernel::Kernel, logistic::Logistic};
use crate::features::{FEATURES, FEATURES_VERSION};
use crate::scaling::Scaling;

const MAGIC: &[u8; 8] = b"MLSMLABL";
const VERSION: u32 = 1;

/// Labels of a model at most.
const MAX_LABELS: usize = 10_000;

/// Landmarks of a model at most: the root of their kernel is computed when it is read.
const MAX_LANDMARKS: usize = 2_000;

impl LabelModel {
    /// The model as a file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        let word = |out: &mut Vec<u8>, value: usize| out.extend((value as u32).to_le_bytes());
        let numbers =
            |out: &mut Vec<u8>, values: &[f32]| values.iter().for_each(|v| out.extend(v.to_le_bytes()));
        let text = |out: &mut Vec<u8>, text: &str| {
            word(out, text.len());
            out.extend(text.as_bytes());
        };
        word(&mut out, VERSION as usize);
        word(&mut out, FEATURES_VERSION as usize);
        text(&mut out, &self.tag);
        word(&mut out, self.labels.len());
        self.labels.iter().for_each(|label| text(&mut out, label));
        numbers(&mut out, &[self.temperature as f32]);
        word(&mut out, self.scaling.means.len());
        numbers(&mut out, &self.scaling.means);
        numbers(&mut out, &self.scaling.deviations);
        let landmarks = self.kernel.as_ref().map_or(&[][..], |kernel| &kernel.landmarks);
        word(&mut out, landmarks.len());
        numbers(&mut out, &[self.kernel.as_ref().map_or(0.0, |kernel| kernel.width)]);
        landmarks.iter().for_each(|landmark| numbers(&mut out, landmark));
        numbers(&mut out, &self.logistic.weights);
        let checksum = crc32c::crc32c(&out);
        out.extend(checksum.to_le_bytes());
        out
    }

    /// Reads a model.
    ///
    /// # Errors
    /// [`LabelError::NotAModel`] if the bytes are no model or damaged, [`LabelError::OtherVersion`] if it was learned from
    /// other features.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LabelError> {
        let broken = LabelError::NotAModel;
        let body = bytes.strip_prefix(MAGIC).ok_or(broken("it does not begin as one"))?;
        let (_, checksum) = bytes.split_last_chunk::<4>().ok_or(broken("it is cut off"))?;
        let mut rest = Rest(&body[..body.len().checked_sub(4).ok_or(broken("it is cut off"))?]);
        if rest.word()? != VERSION {
            return Err(broken("its version is not known"));
        }
        if crc32c::crc32c(&bytes[..bytes.len() - 4]) != u32::from_le_bytes(*checksum) {
            return Err(broken("its checksum is wrong"));
        }
        let found = rest.word()?;
        if found != FEATURES_VERSION {
            return Err(LabelError::OtherVersion { found, expected: FEATURES_VERSION });
        }
        let tag = rest.text()?;
        let count = rest.count(2, MAX_LABELS)?;
        let labels = (0..count).map(|_| rest.text()).collect::<Result<Vec<_>, _>>()?;
        let [temperature] = rest.numbers(1)?[..] else { return Err(broken("it is cut off")) };
        if !(0.01..=100.0).contains(&temperature) {
            return Err(broken("its temperature is out of range"));
        }
        let features = rest.count(FEATURES, FEATURES)?;
        let scaling = Scaling { means: rest.numbers(features)?, deviations: rest.numbers(features)? };
        if scaling.deviations.iter().any(|&deviation| deviation <= 0.0) {
            return Err(broken("a deviation is not positive"));
        }
        let landmarks = rest.count(0, MAX_LANDMARKS)?;
        let [width] = rest.numbers(1)?[..] else { return Err(broken("it is cut off")) };
        let landmarks = (0..landmarks).map(|_| rest.numbers(features)).collect::<Result<Vec<_>, _>>()?;
        let kernel = match (landmarks.is_empty(), (0.0..=1e3).contains(&width)) {
            (true, _) => None,
            (false, true) => Some(landmarks),
            (false, false) => return Err(broken("its width is out of range")),
        };
        let inputs = kernel.as_ref().map_or(features, Vec::len);
        let weights = rest.numbers(labels.len() * (inputs + 1))?;
        if !rest.0.is_empty() {
            return Err(broken("there is more than it should hold"));
        }
        let kernel = kernel.map(|landmarks| Kernel::new(landmarks, width));
        let logistic = Logistic { classes: labels.len(), weights };
        Ok(Self { tag, labels, scaling, kernel, logistic, temperature: f64::from(temperature) })
    }
}

/// What is not yet read.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn take(&mut self, count: usize) -> Result<&[u8], LabelError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(LabelError::NotAModel("it is cut off"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn word(&mut self) -> Result<u32, LabelError> {
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn count(&mut self, least: usize, most: usize) -> Result<usize, LabelError> {
        let count = self.word()? as usize;
        if (least..=most).contains(&count) {
            Ok(count)
        } else {
            Err(LabelError::NotAModel("a number is out of range"))
        }
    }

    fn text(&mut self) -> Result<String, LabelError> {
        let length = self.word()? as usize;
        let bytes = self.take(length)?.to_vec();
        String::from_utf8(bytes).map_err(|_| LabelError::NotAModel("a name is no UTF-8"))
    }

    fn numbers(&mut self, count: usize) -> Result<Vec<f32>, LabelError> {
        let bytes =
            self.take(count.checked_mul(4).ok_or(LabelError::NotAModel("a number is out of range"))?)?;
        let values: Vec<f32> =
            bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        if values.iter().all(|value| value.is_finite() && value.abs() < 1e9) {
            Ok(values)
        } else {
            Err(LabelError::NotAModel("a value is out of range"))
        }
    }
}
