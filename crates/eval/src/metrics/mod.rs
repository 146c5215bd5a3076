//! The distances, one file each, and the list of them with direction and unit.
//!
//! All take a reference and a decoded version that are already aligned and at the same rate;
//! [`crate::Reference`] walks the transforms once and feeds every metric from them.

pub mod ear;
pub mod lsd;
pub mod mel;
pub mod ms_stft;
pub mod nmr;
pub mod peaq;
pub mod study;
pub mod waveform;
pub mod zimtohrli;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// A larger value is better.
    Higher,
    /// A smaller value is better.
    Lower,
    /// Reported only; no better or worse.
    Neutral,
}

impl Direction {
    /// +1 where higher is better, -1 where lower is.
    #[must_use]
    pub fn sign(self) -> f64 {
        if self == Self::Lower { -1.0 } else { 1.0 }
    }
}

macro_rules! metrics {
    ($($(#[$doc:meta])* $variant:ident $name:literal $unit:literal $direction:ident;)*) => {
        /// A quantity measured between a reference and its decoded version.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Metric { $($(#[$doc])* #[serde(rename = $name)] $variant,)* }

        impl Metric {
            /// Every metric, in the order of tables.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Name in results and on the command line.
            #[must_use]
            pub fn name(self) -> &'static str { match self { $(Self::$variant => $name,)* } }

            /// Unit, empty for a pure number.
            #[must_use]
            pub fn unit(self) -> &'static str { match self { $(Self::$variant => $unit,)* } }

            /// Which way is better.
            #[must_use]
            pub fn direction(self) -> Direction { match self { $(Self::$variant => Direction::$direction,)* } }
        }
    };
}

metrics! {
    /// Perceptual distance, 0 (identical) to 1, 48 kHz, mean over channels: [`zimtohrli`].
    Zimtohrli "zimtohrli" "" Lower;
    /// Noise-to-mask ratio by PEAQ's ear model, 0 dB at the edge of audibility, 48 kHz, mean over channels: [`nmr`].
    Nmr "nmr" "dB" Lower;
    /// Objective difference grade of PEAQ's basic version, 0 (imperceptible) to -4, 48 kHz; saturates below about
    /// 16 kbit/s, absent for clips that end below 8 kHz: [`peaq`].
    PeaqOdg "peaq_odg" "" Higher;
    /// MUSHRA score that the 2f-model estimates from two variables of PEAQ, 0 to 100, 48 kHz: [`peaq`].
    TwoF "2f" "" Higher;
    /// ViSQOL v3 audio mode, MOS-LQO 1 to 4.73, 48 kHz mono.
    Visqol "visqol" "MOS" Higher;
    /// Sum over seven scales of the mean absolute difference of log10 mel spectra: [`mel`].
    MelL1 "mel_l1" "" Lower;
    /// Multi-scale STFT distance: [`ms_stft`].
    MsStft "ms_stft" "" Lower;
    /// The study's metric, complex STFT of 8 kHz mono: [`study`].
    StudyComplex8k "study_cplx_8k" "" Lower;
    /// The same on log magnitudes.
    StudyLog8k "study_ln_8k" "" Lower;
    /// The same on magnitudes.
    StudyLinear8k "study_lin_8k" "" Lower;
    /// Log magnitudes at the clip's own rate, window 2048, only above 16 kHz.
    StudyLogFull "study_ln_44k" "" Lower;
    /// Magnitudes at the clip's own rate, window 2048, only above 16 kHz.
    StudyLinearFull "study_lin_44k" "" Lower;
    /// Signal-to-noise ratio: [`waveform`].
    Snr "snr" "dB" Higher;
    /// Scale-invariant signal-to-distortion ratio: [`waveform`].
    SiSdr "si_sdr" "dB" Higher;
    /// Log-spectral distance: [`lsd`].
    Lsd "lsd" "dB" Lower;
    /// Log-spectral distance below 16 kHz, only for clips above 32 kHz.
    Lsd16k "lsd_16k" "dB" Lower;
    /// Energy of the decoded version relative to the reference; never corrected.
    Gain "gain_db" "dB" Neutral;
}

impl Metric {
    /// Finds a metric by its name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|m| m.name() == name)
    }
}

/// Values of one comparison. A metric that could not be had is absent.
pub type Scores = BTreeMap<Metric, f64>;
