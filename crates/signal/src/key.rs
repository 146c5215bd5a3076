//! Musical keys and their names.

use std::{fmt, str::FromStr};

/// Major or minor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// As C major.
    Major,
    /// As A minor.
    Minor,
}

/// A key. Its name is what tags hold (`INITIALKEY` of Vorbis comments, `TKEY` of ID3): `C`, `F#m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Pitch class of the tonic, 0 (C) to 11 (B).
    pub tonic: u8,
    /// Major or minor.
    pub mode: Mode,
}

/// Names of tonics, from C up, as ID3 spells them.
const TONICS: [&str; 12] = ["C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];

impl fmt::Display for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minor = if self.mode == Mode::Minor { "m" } else { "" };
        write!(out, "{}{minor}", TONICS[usize::from(self.tonic) % 12])
    }
}

/// A text that names no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoKey;

impl FromStr for Key {
    type Err = NoKey;

    /// Reads a letter, a sharp (`#`) or flat (`b`) or neither, and `m` for minor.
    fn from_str(text: &str) -> Result<Self, NoKey> {
        let (name, mode) = match text.strip_suffix('m') {
            Some(name) => (name, Mode::Minor),
            None => (text, Mode::Major),
        };
        let (letter, moved) = match name.as_bytes() {
            [letter] => (letter, 0),
            [letter, b'#'] => (letter, 1),
            [letter, b'b'] => (letter, 11),
            _ => return Err(NoKey),
        };
        let natural = match letter {
            b'C' => 0,
            b'D' => 2,
            b'E' => 4,
            b'F' => 5,
            b'G' => 7,
            b'A' => 9,
            b'B' => 11,
            _ => return Err(NoKey),
        };
        Ok(Self { tonic: (natural + moved) % 12, mode })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_written() {
        for tonic in 0..12 {
            for mode in [Mode::Major, Mode::Minor] {
                let key = Key { tonic, mode };
                assert_eq!(key.to_string().parse(), Ok(key));
            }
        }
        for (text, tonic, mode) in [("A#m", 10, Mode::Minor), ("Cb", 11, Mode::Major), ("B#", 0, Mode::Major)]
        {
            assert_eq!(text.parse(), Ok(Key { tonic, mode }), "{text}");
        }
        for text in ["", "m", "H", "C##", "Cmaj", "é", "8A"] {
            assert_eq!(text.parse::<Key>(), Err(NoKey), "{text}");
        }
    }
}
