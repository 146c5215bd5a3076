//! A reference clip with everything that does not depend on the decoded version computed once:
//! one reference in, then any number of decoded versions, each giving [`Scores`].
//!
//! A window length is transformed once a channel and feeds mel L1, multi-scale STFT, log-spectral
//! distance and (as the mean of the channels' spectra, the transform being linear) the mono forms.
//! Zimtohrli, NMR and PEAQ have spectra of their own, of the signal at 48 kHz, to which it is brought once for all.
//! The cache takes about 130 bytes a sample and channel: meant for excerpts, not for whole albums.

use melisma_signal::Pcm;
use melisma_signal::fft::Complex;
use multiversion::multiversion;
use serde::{Deserialize, Serialize};

use crate::align::{Aligner, Delay};
use crate::lanes;
use crate::metrics::lsd::{self, LsdSums};
use crate::metrics::mel::{self, MelBank, MelSums};
use crate::metrics::ms_stft::{self, MsStftSums};
use crate::metrics::nmr::{self, NmrReference};
use crate::metrics::peaq::{self, Grades, PeaqReference};
use crate::metrics::study::{self, StudySums};
use crate::metrics::waveform::Moments;
use crate::metrics::zimtohrli::{self, Spectrogram};
use crate::metrics::{Metric, Scores};
use crate::resample::{Resampler, mono};
use melisma_signal::stft::{Stft, StftScratch};

/// How a decoded version is brought onto the reference before it is scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScoreOptions {
    /// Take out the fraction of a sample that remains after whole-sample alignment.
    pub fractional_alignment: bool,
    /// Undo a constant gain below 1 dB where SI-SDR is above 15 dB (LAME scales its input by 0.95).
    pub gain_matching: bool,
}

impl Default for ScoreOptions {
    fn default() -> Self {
        Self { fractional_alignment: true, gain_matching: true }
    }
}

/// A decoded version brought onto the reference.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// `[channel][sample]`, with the channels, rate and length of the reference.
    pub channels: Vec<Vec<f32>>,
    /// The delay that was undone.
    pub delay: Delay,
    /// The gain that was applied, in dB; 0 if none.
    pub gain_fix_db: f64,
}

/// Gain matching applies above this SI-SDR.
const GAIN_MATCH_SI_SDR_DB: f64 = 15.0;
/// Gain matching applies below this gain.
const GAIN_MATCH_MAX_DB: f64 = 1.0;
/// The full-rate forms of the study's metric need more than this.
const FULL_RATE_ABOVE_HZ: u32 = 16_000;
/// The band-limited log-spectral distance needs more than this.
const BAND_LIMITED_ABOVE_HZ: u32 = 32_000;

/// Magnitudes and their clamped logarithm, `[channel][frame * bins + bin]`.
#[derive(Default)]
struct Magnitudes {
    linear: Vec<Vec<f32>>,
    ln: Vec<Vec<f32>>,
}

/// What one window length keeps of the reference.
struct Scale {
    stft: Stft,
    bank: MelBank,
    /// `[channel][frame * bands + band]`
    ln_mel: Vec<Vec<f32>>,
    /// For the windows of the multi-scale STFT distance.
    magnitudes: Option<Magnitudes>,
    /// For the log-spectral distance's window, if the rate asks for it: the mono mix.
    mono: Option<Magnitudes>,
}

/// The 8 kHz mono side.
struct StudySide {
    stft: Stft,
    resampler: Resampler,
    spectra: Vec<Complex<f32>>,
    magnitudes: Magnitudes,
}

/// The side at 48 kHz: what models of hearing keep of the reference.
struct HearingSide {
    resampler: Resampler,
    /// One a channel; none if the clip is too short.
    spectrograms: Option<Vec<Spectrogram>>,
    nmr: NmrReference,
    peaq: PeaqReference,
}

// The models hear the same signal.
const _: () = assert!(zimtohrli::RATE_HZ == nmr::RATE_HZ && nmr::RATE_HZ == peaq::RATE_HZ);

/// A reference clip and its cached features.
pub struct Reference {
    pcm: Pcm,
    aligner: Aligner,
    scales: Vec<Scale>,
    study: StudySide,
    hearing: HearingSide,
}

/// What one walk over the frames of a scale puts into or compares with.
struct Buffers {
    scratch: StftScratch,
    magnitudes: Vec<f32>,
    ln: Vec<f32>,
    ln_mel: Vec<f32>,
    mono: Vec<Complex<f32>>,
}

impl Buffers {
    fn new(stft: &Stft, bands: usize) -> Self {
        let bins = stft.bins();
        Self {
            scratch: stft.scratch(),
            magnitudes: vec![0.0; bins],
            ln: vec![0.0; bins],
            ln_mel: vec![0.0; bands],
            mono: vec![Complex::default(); bins],
        }
    }

    /// Adds the last frame's spectrum to the mono mix.
    #[inline(always)]
    fn mix(&mut self, channel: usize, channel_count: usize) {
        let weight = 1.0 / channel_count as f32;
        for (sum, &x) in self.mono.iter_mut().zip(&self.scratch.spectrum) {
            *sum = if channel == 0 { x * weight } else { *sum + x * weight };
        }
    }

    /// Magnitudes of the mono mix and their offset logarithms.
    #[inline(always)]
    fn mono_magnitudes(&mut self) {
        lanes::magnitudes(&self.mono, &mut self.magnitudes);
        lanes::ln_offset(&self.magnitudes, study::LOG_OFFSET, &mut self.ln);
    }
}

impl Reference {
    /// Computes the features of a clip of one or more channels.
    #[must_use]
    pub fn new(pcm: Pcm) -> Self {
        let aligner = Aligner::new(&pcm.channels, pcm.sample_rate_hz);
        let scales = mel::WINDOWS_SAMPLES.iter().zip(mel::BANDS);
        let scales = scales.map(|(&window, bands)| scale_of(&pcm, window, bands)).collect();
        let study = StudySide::new(&pcm);
        let hearing = HearingSide::new(&pcm);
        Self { pcm, aligner, scales, study, hearing }
    }

    /// The clip itself.
    #[must_use]
    pub fn pcm(&self) -> &Pcm {
        &self.pcm
    }

    /// Resamples, aligns and level-matches a decoded version; one channel is copied to all.
    #[must_use]
    pub fn prepare(&self, decoded: &Pcm, options: ScoreOptions) -> Prepared {
        let rate = self.pcm.sample_rate_hz;
        let mut channels = if decoded.sample_rate_hz == rate {
            decoded.channels.clone()
        } else {
            let resampler = Resampler::new(decoded.sample_rate_hz, rate);
            decoded.channels.iter().map(|c| resampler.process(c)).collect()
        };
        if channels.len() != self.pcm.channel_count() {
            channels = vec![mono(&channels); self.pcm.channel_count()];
        }
        let mut delay = self.aligner.delay(&channels);
        if !options.fractional_alignment {
            delay.fraction_samples = 0.0;
        }
        let mut channels = self.aligner.undo(&channels, delay);
        let gain_fix_db = if options.gain_matching { self.match_gain(&mut channels) } else { 0.0 };
        Prepared { channels, delay, gain_fix_db }
    }

    fn match_gain(&self, channels: &mut [Vec<f32>]) -> f64 {
        if Moments::of(&self.pcm.channels, channels).si_sdr_db() <= GAIN_MATCH_SI_SDR_DB {
            return 0.0;
        }
        let (reference, decoded) = (mono(&self.pcm.channels), mono(channels));
        let inner = |a: &[f32], b: &[f32]| -> f64 {
            a.chunks(4096).zip(b.chunks(4096)).map(|(a, b)| lanes::sum2(a, b, |x, y| x * y)).sum()
        };
        let gain = inner(&reference, &decoded) / (inner(&decoded, &decoded) + 1e-12);
        let gain_db = 20.0 * (gain.abs() + 1e-9).log10();
        if gain_db.abs() >= GAIN_MATCH_MAX_DB {
            return 0.0;
        }
        channels.iter_mut().flatten().for_each(|x| *x *= gain as f32);
        gain_db
    }

    /// The perceptual distance alone, which [`Self::score`] includes; none for clips below about 0.1 s.
    #[must_use]
    pub fn zimtohrli(&self, decoded: &[Vec<f32>]) -> Option<f64> {
        self.hearing.zimtohrli(&self.hearing.at_48_khz(decoded))
    }

    /// The noise-to-mask ratio in dB alone, which [`Self::score`] includes; none for clips below 43 ms or silent ones.
    #[must_use]
    pub fn nmr(&self, decoded: &[Vec<f32>]) -> Option<f64> {
        self.hearing.nmr.compare(&self.hearing.at_48_khz(decoded))
    }

    /// PEAQ's grades alone, which [`Self::score`] includes; none for clips below 0.64 s or silent ones.
    #[must_use]
    pub fn peaq(&self, decoded: &[Vec<f32>]) -> Option<Grades> {
        self.hearing.peaq.compare(&self.hearing.at_48_khz(decoded))
    }

    /// Every metric that needs no outside program, for a version given by [`Reference::prepare`].
    #[must_use]
    pub fn score(&self, decoded: &[Vec<f32>]) -> Scores {
        let mut scores = Scores::new();
        let study = self.study.compare(decoded);
        let at_48_khz = self.hearing.at_48_khz(decoded);
        let peaq = self.hearing.peaq.compare(&at_48_khz);
        let heard = [
            (Metric::Zimtohrli, self.hearing.zimtohrli(&at_48_khz)),
            (Metric::Nmr, self.hearing.nmr.compare(&at_48_khz)),
            (Metric::PeaqOdg, peaq.as_ref().and_then(|grades| grades.odg)),
            (Metric::TwoF, peaq.map(|grades| grades.two_f)),
        ];
        scores.extend(heard.into_iter().filter_map(|(metric, value)| Some((metric, value?))));
        drop(at_48_khz);
        scores.insert(Metric::StudyComplex8k, study.complex());
        scores.insert(Metric::StudyLog8k, study.log());
        scores.insert(Metric::StudyLinear8k, study.linear());
        let (mut mel_l1, mut ms_stft) = (0.0, 0.0);
        for scale in &self.scales {
            let compared = compare(scale, decoded, self.pcm.sample_rate_hz);
            mel_l1 += compared.mel.distance();
            if scale.magnitudes.is_some() {
                ms_stft += compared.ms_stft.distance();
            }
            if scale.mono.is_some() {
                scores.insert(Metric::StudyLogFull, compared.study.log());
                scores.insert(Metric::StudyLinearFull, compared.study.linear());
            }
            if scale.is_lsd() {
                scores.insert(Metric::Lsd, compared.lsd.db());
                if self.pcm.sample_rate_hz > BAND_LIMITED_ABOVE_HZ {
                    scores.insert(Metric::Lsd16k, compared.lsd_16k.db());
                }
            }
        }
        scores.insert(Metric::MelL1, mel_l1);
        scores.insert(Metric::MsStft, ms_stft);
        let moments = Moments::of(&self.pcm.channels, decoded);
        scores.insert(Metric::Snr, moments.snr_db());
        scores.insert(Metric::SiSdr, moments.si_sdr_db());
        scores.insert(Metric::Gain, moments.gain_db());
        scores
    }
}

#[derive(Default)]
struct ScaleSums {
    mel: MelSums,
    ms_stft: MsStftSums,
    lsd: LsdSums,
    lsd_16k: LsdSums,
    study: StudySums,
}

impl Scale {
    /// Whether this is the window of the log-spectral distance.
    fn is_lsd(&self) -> bool {
        (self.stft.bins() - 1) * 2 == lsd::WINDOW_SAMPLES
    }
}

/// The features of a reference at one window length.
#[multiversion(targets("x86_64+avx2"))]
fn scale_of(pcm: &Pcm, window_samples: usize, bands: usize) -> Scale {
    let stft = Stft::new(window_samples, window_samples / 4);
    let bank = MelBank::new(pcm.sample_rate_hz, window_samples, bands);
    let channel_count = pcm.channel_count();
    let (frames, bins) = (stft.frames(pcm.samples()), stft.bins());
    let mut buffers = Buffers::new(&stft, bands);
    let room = |channels: usize, values: usize| -> Vec<Vec<f32>> {
        (0..channels).map(|_| Vec::with_capacity(frames * values)).collect()
    };
    let mut ln_mel = room(channel_count, bands);
    let empty = |channels: usize| Magnitudes { linear: room(channels, bins), ln: room(channels, bins) };
    let mut magnitudes = ms_stft::WINDOWS_SAMPLES.contains(&window_samples).then(|| empty(channel_count));
    let wants_mono = window_samples == lsd::WINDOW_SAMPLES && pcm.sample_rate_hz > FULL_RATE_ABOVE_HZ;
    let mut mono = wants_mono.then(|| empty(1));
    for frame in 0..frames {
        for (channel, signal) in pcm.channels.iter().enumerate() {
            stft.frame(signal, frame, &mut buffers.scratch);
            lanes::magnitudes(&buffers.scratch.spectrum, &mut buffers.magnitudes);
            bank.ln_mel(&buffers.magnitudes, &mut buffers.ln_mel);
            ln_mel[channel].extend_from_slice(&buffers.ln_mel);
            if let Some(magnitudes) = &mut magnitudes {
                lanes::ln_clamped(&buffers.magnitudes, ms_stft::CLAMP, &mut buffers.ln);
                magnitudes.linear[channel].extend_from_slice(&buffers.magnitudes);
                magnitudes.ln[channel].extend_from_slice(&buffers.ln);
            }
            if mono.is_some() {
                buffers.mix(channel, channel_count);
            }
        }
        if let Some(mono) = &mut mono {
            buffers.mono_magnitudes();
            mono.linear[0].extend_from_slice(&buffers.magnitudes);
            mono.ln[0].extend_from_slice(&buffers.ln);
        }
    }
    Scale { stft, bank, ln_mel, magnitudes, mono }
}

/// The distances at one window length.
#[multiversion(targets("x86_64+avx2"))]
fn compare(scale: &Scale, decoded: &[Vec<f32>], sample_rate_hz: u32) -> ScaleSums {
    let mut sums = ScaleSums::default();
    let (bins, bands) = (scale.stft.bins(), scale.bank.bands());
    let frames = decoded.first().map_or(0, |c| scale.stft.frames(c.len()));
    let narrow = lsd::bins_below(16_000.0, sample_rate_hz).min(bins);
    let mut buffers = Buffers::new(&scale.stft, bands);
    for frame in 0..frames {
        let at = frame * bins..(frame + 1) * bins;
        for (channel, signal) in decoded.iter().enumerate() {
            scale.stft.frame(signal, frame, &mut buffers.scratch);
            lanes::magnitudes(&buffers.scratch.spectrum, &mut buffers.magnitudes);
            scale.bank.ln_mel(&buffers.magnitudes, &mut buffers.ln_mel);
            sums.mel.add(&scale.ln_mel[channel][frame * bands..(frame + 1) * bands], &buffers.ln_mel);
            if let Some(reference) = &scale.magnitudes {
                lanes::ln_clamped(&buffers.magnitudes, ms_stft::CLAMP, &mut buffers.ln);
                let reference_ln = &reference.ln[channel][at.clone()];
                let reference = [&reference.linear[channel][at.clone()], reference_ln];
                sums.ms_stft.add(reference, [&buffers.magnitudes, &buffers.ln]);
                if scale.is_lsd() {
                    let below = lsd::squares(&reference_ln[..narrow], &buffers.ln[..narrow]);
                    let above = lsd::squares(&reference_ln[narrow..], &buffers.ln[narrow..]);
                    sums.lsd.add(below + above, bins);
                    sums.lsd_16k.add(below, narrow);
                }
            }
            if scale.mono.is_some() {
                buffers.mix(channel, decoded.len());
            }
        }
        if let Some(reference) = &scale.mono {
            buffers.mono_magnitudes();
            let reference = [&reference.linear[0][at.clone()], &reference.ln[0][at]];
            sums.study.add_magnitudes(reference, [&buffers.magnitudes, &buffers.ln]);
        }
    }
    sums
}

impl HearingSide {
    fn new(pcm: &Pcm) -> Self {
        let resampler = Resampler::new(pcm.sample_rate_hz, zimtohrli::RATE_HZ);
        let channels: Vec<Vec<f32>> = pcm.channels.iter().map(|c| resampler.process(c)).collect();
        let spectrograms = channels.iter().map(|channel| zimtohrli::analyse(channel)).collect();
        let (nmr, peaq) = (NmrReference::new(&channels), PeaqReference::new(&channels));
        Self { resampler, spectrograms, nmr, peaq }
    }

    fn at_48_khz(&self, channels: &[Vec<f32>]) -> Vec<Vec<f32>> {
        channels.iter().map(|channel| self.resampler.process(channel)).collect()
    }

    /// Mean over channels.
    fn zimtohrli(&self, decoded: &[Vec<f32>]) -> Option<f64> {
        let reference = self.spectrograms.as_ref()?;
        let mut sum = 0.0;
        for (reference, decoded) in reference.iter().zip(decoded) {
            sum += zimtohrli::distance(reference, &zimtohrli::analyse(decoded)?);
        }
        Some(sum / decoded.len() as f64)
    }
}

impl StudySide {
    fn new(pcm: &Pcm) -> Self {
        let resampler = Resampler::new(pcm.sample_rate_hz, study::RATE_HZ);
        let stft = Stft::new(study::WINDOW_SAMPLES, study::HOP_SAMPLES);
        let mut side = Self { stft, resampler, spectra: Vec::new(), magnitudes: Magnitudes::default() };
        let (mut spectra, mut linear, mut ln) = (Vec::new(), Vec::new(), Vec::new());
        side.walk(&pcm.channels, |_, spectrum, magnitudes, logarithms| {
            spectra.extend_from_slice(spectrum);
            linear.extend_from_slice(magnitudes);
            ln.extend_from_slice(logarithms);
        });
        side.spectra = spectra;
        side.magnitudes = Magnitudes { linear: vec![linear], ln: vec![ln] };
        side
    }

    fn compare(&self, decoded: &[Vec<f32>]) -> StudySums {
        let mut sums = StudySums::default();
        let bins = self.stft.bins();
        self.walk(decoded, |frame, spectrum, magnitudes, logarithms| {
            let at = frame * bins..(frame + 1) * bins;
            sums.add_complex(&self.spectra[at.clone()], spectrum);
            let reference = [&self.magnitudes.linear[0][at.clone()], &self.magnitudes.ln[0][at]];
            sums.add_magnitudes(reference, [magnitudes, logarithms]);
        });
        sums
    }

    fn walk(&self, channels: &[Vec<f32>], mut visit: impl FnMut(usize, &[Complex<f32>], &[f32], &[f32])) {
        let signal = self.resampler.process(&mono(channels));
        let mut scratch = self.stft.scratch();
        let mut magnitudes = vec![0.0; self.stft.bins()];
        let mut logarithms = magnitudes.clone();
        for frame in 0..self.stft.frames(signal.len()) {
            self.stft.frame(&signal, frame, &mut scratch);
            lanes::magnitudes(&scratch.spectrum, &mut magnitudes);
            lanes::ln_offset(&magnitudes, study::LOG_OFFSET, &mut logarithms);
            visit(frame, &scratch.spectrum, &magnitudes, &logarithms);
        }
    }
}
