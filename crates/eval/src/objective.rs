//! One number for how much worse one decoded version of a clip is than another, for searches of an encoder's settings.
//!
//! It is the logarithm of the ratio of zimtohrli, half of that of mel L1, and a tenth of each dB of NMR, so that no one
//! metric decides.

use crate::metrics::{Metric, Scores};

/// What a dB of NMR, and what a natural logarithm of mel L1, counts against a natural logarithm of zimtohrli.
const NMR_WEIGHT: f64 = 0.1;
const MEL_WEIGHT: f64 = 0.5;

/// Least zimtohrli and mel L1 whose logarithm is taken: below it, a version counts as the clip itself.
const LEAST: f64 = 1e-7;

/// The metrics that a search of settings looks at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heard {
    /// Zimtohrli's distance.
    pub zimtohrli: f64,
    /// Noise-to-mask ratio in dB.
    pub nmr_db: f64,
    /// L1 distance of log-mel spectra.
    pub mel_l1: f64,
}

impl Heard {
    /// Those of a clip's scores; none if one of them could not be measured.
    #[must_use]
    pub fn of(scores: &Scores) -> Option<Self> {
        let of = |metric: Metric| scores.get(&metric).copied();
        Some(Self {
            zimtohrli: of(Metric::Zimtohrli)?.max(LEAST),
            nmr_db: of(Metric::Nmr)?,
            mel_l1: of(Metric::MelL1)?.max(LEAST),
        })
    }
}

/// How two versions of a clip differ, or the means over several clips.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Difference {
    /// Natural logarithm of the ratio of zimtohrli.
    pub zimtohrli_ln: f64,
    /// Difference of NMR, in dB.
    pub nmr_db: f64,
    /// Natural logarithm of the ratio of mel L1.
    pub mel_ln: f64,
}

impl Difference {
    /// What is heard of one version against what is heard of another.
    #[must_use]
    pub fn between(here: &Heard, other: &Heard) -> Self {
        Self {
            zimtohrli_ln: (here.zimtohrli / other.zimtohrli).ln(),
            nmr_db: here.nmr_db - other.nmr_db,
            mel_ln: (here.mel_l1 / other.mel_l1).ln(),
        }
    }

    /// One number for all three; negative is better.
    #[must_use]
    pub fn cost(&self) -> f64 {
        self.zimtohrli_ln + NMR_WEIGHT * self.nmr_db + MEL_WEIGHT * self.mel_ln
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_costs_nothing_against_itself_and_less_if_all_three_metrics_fall() {
        let worse = Heard { zimtohrli: 0.02, nmr_db: -8.0, mel_l1: 0.6 };
        let better = Heard { zimtohrli: 0.01, nmr_db: -9.0, mel_l1: 0.3 };
        assert_eq!(Difference::between(&worse, &worse).cost(), 0.0);
        let cost = Difference::between(&better, &worse).cost();
        assert!((cost - (0.5f64.ln() - 0.1 + 0.5 * 0.5f64.ln())).abs() < 1e-12, "{cost}");
    }

    #[test]
    fn scores_without_one_of_the_metrics_are_no_basis() {
        let mut scores = Scores::from([(Metric::Zimtohrli, 0.0), (Metric::Nmr, -3.0)]);
        assert_eq!(Heard::of(&scores), None);
        scores.insert(Metric::MelL1, 0.5);
        assert_eq!(Heard::of(&scores), Some(Heard { zimtohrli: LEAST, nmr_db: -3.0, mel_l1: 0.5 }));
    }
}
