//! The settings that codecs are compared in: what becomes of a clip before any codec gets it, and what is usual there.

use serde::{Deserialize, Serialize};

use crate::study_table;

/// What becomes of a clip before any codec gets it. Files of results call it `track`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Setting {
    /// Clips as they are, usually 44.1 kHz stereo.
    #[default]
    #[serde(rename = "S44")]
    S44,
    /// The study's setting: mixed to mono and resampled to 8 kHz.
    #[serde(rename = "study")]
    Study,
}

impl Setting {
    /// Name in results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::S44 => "S44",
            Self::Study => "study",
        }
    }

    /// Codecs that are compared where nobody names others.
    #[must_use]
    pub fn usual_codecs(self) -> &'static [&'static str] {
        match self {
            Self::S44 => &["melisma", "melisma:mse", "mp3", "opus", "vorbis", "aac", "flac", "downsample"],
            Self::Study => &["melisma:mse", "mp3", "opus", "vorbis", "aac", "codec2", "flac", "downsample"],
        }
    }

    /// Nominal rates that are compared where nobody names others, kbit/s, rising.
    #[must_use]
    pub fn usual_rates_kbps(self) -> Vec<f64> {
        match self {
            Self::S44 => vec![6.0, 8.0, 12.0, 16.0, 24.0, 32.0, 48.0, 64.0, 96.0, 128.0],
            Self::Study => study_table::rates_kbps(),
        }
    }
}
