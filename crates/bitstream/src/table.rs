//! Initial states of mixers and counters as bytes: what a trained model's table consists of.
//!
//! ```text
//! mixer   = rate u16, limit u8, counters, per weight set: N weights i16 (4096 = 1.0), bias i16
//! counter = u16: probability of a one (12 bits) << 4 | how far it trusts itself (index into TRUST)
//! ```
//! All integers are little-endian. How many counters and weight sets there are is the reader's knowledge.

use crate::{Counter, FormatError, Mixer, bytes::Reader};

/// Counts that four bits can say: a counter adapts as if it had seen so many bits.
pub const TRUST: [u8; 16] = [0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 144, 224];

/// Fills a mixer of known size.
///
/// # Errors
/// [`FormatError::Truncated`] if the bytes end before it is full.
pub fn read_mixer<const N: usize>(reader: &mut Reader<'_>, mixer: &mut Mixer<N>) -> Result<(), FormatError> {
    mixer.rate = i32::from(reader.u16("learning rate")?);
    mixer.limit = u32::from(reader.u8("count limit")?);
    read_counters(reader, &mut mixer.counters)?;
    let mut weight = || Ok::<i32, FormatError>(i32::from(reader.u16("weight")? as i16) << 4);
    for (weights, bias) in mixer.weights.iter_mut().zip(&mut mixer.bias) {
        for value in weights {
            *value = weight()?;
        }
        *bias = weight()?;
    }
    Ok(())
}

/// Fills counters of known number.
///
/// # Errors
/// [`FormatError::Truncated`] if the bytes end before that.
pub fn read_counters(reader: &mut Reader<'_>, counters: &mut [Counter]) -> Result<(), FormatError> {
    for counter in counters {
        let packed = reader.u16("counter")?;
        *counter = Counter::new(packed >> 4, TRUST[usize::from(packed & 15)]);
    }
    Ok(())
}

/// Appends a mixer; its weights are rounded to 1/4096, its counters as by [`write_counters`].
pub fn write_mixer<const N: usize>(out: &mut Vec<u8>, mixer: &Mixer<N>) {
    out.extend((mixer.rate as u16).to_le_bytes());
    out.push(mixer.limit as u8);
    write_counters(out, &mixer.counters);
    for (weights, bias) in mixer.weights.iter().zip(&mixer.bias) {
        for &value in weights.iter().chain([bias]) {
            let rounded = ((value + 8) >> 4).clamp(-32_768, 32_767) as i16;
            out.extend(rounded.to_le_bytes());
        }
    }
}

/// Appends counters; their counts are rounded down to one of [`TRUST`].
pub fn write_counters(out: &mut Vec<u8>, counters: &[Counter]) {
    for counter in counters {
        let trust = TRUST.iter().rposition(|&count| u32::from(count) <= counter.count()).unwrap_or(0);
        out.extend(((counter.probability_12bit() as u16) << 4 | trust as u16).to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_less() {
        let mut mixer = Mixer::<3>::blank(5, 2, 10_000);
        mixer.counters[4] = Counter::new(77, TRUST[13]);
        (mixer.weights[1][2], mixer.bias[0], mixer.rate, mixer.limit) = (-4096 * 16, 48, 321, 200);
        let mut bytes = Vec::new();
        write_mixer(&mut bytes, &mixer);
        // 10,000 of 65,536 lies between two multiples of 16.
        mixer
            .weights
            .iter_mut()
            .flatten()
            .filter(|weight| **weight == 10_000)
            .for_each(|w| *w = 10_000 / 16 * 16);
        let mut again = Mixer::<3>::blank(5, 2, 0);
        read_mixer(&mut Reader::new(&bytes, 0), &mut again).unwrap();
        assert_eq!(format!("{again:?}"), format!("{mixer:?}"));
        assert!(read_mixer(&mut Reader::new(&bytes[..bytes.len() - 1], 0), &mut again).is_err());
    }
}
