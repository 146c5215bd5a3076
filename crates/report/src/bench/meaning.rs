//! What each metric means, in a sentence for readers; formulas and sources are beside the code in `melisma_eval::metrics`.

use melisma_eval::Metric;

/// What a value of the metric says, as a part of a sentence without its name.
pub fn meaning(metric: Metric) -> &'static str {
    match metric {
        Metric::Zimtohrli => {
            "perceptual distance of auditory spectrograms, 0 (identical) to 1; the headline figure"
        }
        Metric::Nmr => {
            "noise-to-mask ratio: how far errors lie above what the music masks, by the ear model of PEAQ; the second headline figure"
        }
        Metric::PeaqOdg => {
            "grade of PEAQ (ITU-R BS.1387), 0 imperceptible to -4 very annoying; says nothing below about 16 kbit/s"
        }
        Metric::TwoF => {
            "listening-test score from 0 to 100 that the 2f-model estimates from two variables of PEAQ"
        }
        Metric::Visqol => {
            "ViSQOL v3, predicted mean opinion score from 1 to 4.7; a second opinion, not reliable below about 50 kbit/s"
        }
        Metric::MelL1 => "difference of logarithmic mel spectra, summed over seven window lengths",
        Metric::MsStft => "multi-scale distance of spectra, linear and logarithmic",
        Metric::StudyComplex8k => {
            "the study's RMSE of complex spectra of 8 kHz mono: follows the waveform, blind above 4 kHz"
        }
        Metric::StudyLog8k => "the same on logarithms of magnitudes",
        Metric::StudyLinear8k => "the same on magnitudes, without phase",
        Metric::StudyLogFull => "logarithms of magnitudes at the clip's own rate",
        Metric::StudyLinearFull => "magnitudes at the clip's own rate",
        Metric::Snr => "signal-to-noise ratio; counts every difference, audible or not",
        Metric::SiSdr => "signal-to-distortion ratio that forgives a change of level",
        Metric::Lsd => "log-spectral distance; shows missing bands",
        Metric::Lsd16k => "the same below 16 kHz",
        Metric::Gain => {
            "level of the decoded version relative to the original; neither high nor low is better"
        }
    }
}
