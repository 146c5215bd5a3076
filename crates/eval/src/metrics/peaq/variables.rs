//! The model output variables of PEAQ's basic version: values of each frame in, averages over frames and channels out.
//! Sections 4 and 5.2.4 of BS.1387-1's annex 2.

use super::patterns::Heard;
use crate::metrics::ear::{BANDS, BINS, Bands, Ear, HOP_SAMPLES, WINDOW_SAMPLES};

/// Frames of the first half second: modulation and noise loudness do not count there.
const DELAY_FRAMES: usize = 24;
/// Frames of 50 ms: noise loudness counts after the music was loud for so long.
const LOUDNESS_DELAY_FRAMES: usize = 3;
const LOUD_SONE: f32 = 0.1;
/// Frames of the window of 100 ms of the windowed modulation difference.
const WINDOW_FRAMES: usize = 4;
/// Bins that show the noise of the decoded version, above 21.6 kHz.
const NOISE_BINS: std::ops::Range<usize> = 921..1024;
/// A reference of fewer bins (8.1 kHz) does not count for the bandwidths.
const LEAST_BANDWIDTH: usize = 346;
/// A frame is disturbed where noise exceeds the mask by 1.5 dB.
const DISTURBED_RATIO: f64 = 1.412_537_544_622_754;
/// The clip begins and ends where five samples together exceed this, in 16-bit steps.
const BOUND_STEPS: f32 = 200.0;
const BOUND_SAMPLES: usize = 5;

/// First and last sample at which a reference is more than silence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    first_sample: usize,
    last_sample: usize,
}

impl Bounds {
    /// Those of a reference; none if it is silent in every channel.
    pub fn of(channels: &[Vec<f32>]) -> Option<Self> {
        let loud = |window: &[f32]| window.iter().map(|x| x.abs()).sum::<f32>() * 32_768.0 > BOUND_STEPS;
        let of_one = |signal: &Vec<f32>| {
            let mut windows = signal.windows(BOUND_SAMPLES);
            let first_sample = windows.position(loud)?;
            let last_sample = signal.windows(BOUND_SAMPLES).rposition(loud)? + BOUND_SAMPLES - 1;
            Some(Self { first_sample, last_sample })
        };
        channels.iter().filter_map(of_one).reduce(|a, b| Self {
            first_sample: a.first_sample.min(b.first_sample),
            last_sample: a.last_sample.max(b.last_sample),
        })
    }

    /// The frames that hold any of it.
    fn frames(self, count: usize) -> std::ops::Range<usize> {
        let first = (self.first_sample + 1).saturating_sub(WINDOW_SAMPLES).div_ceil(HOP_SAMPLES);
        first..count.min(self.last_sample / HOP_SAMPLES + 1)
    }
}

/// Values of one frame.
#[derive(Clone, Debug, Default)]
pub struct FrameValues {
    pub channels: Vec<ChannelValues>,
    pub detection_probability: f64,
    pub detection_steps: f64,
}

/// Values of one frame and channel.
#[derive(Clone, Debug, Default)]
pub struct ChannelValues {
    mod_diff_1: f64,
    mod_diff_2: f64,
    mod_weight: f64,
    /// Of reference and decoded version.
    loudness_sone: [f32; 2],
    pub noise_loudness: f64,
    /// Of reference and decoded version, in bins.
    bandwidths: [usize; 2],
    noise_to_mask: f64,
    most_noise_to_mask: f64,
    pub harmonics: Option<f64>,
}

impl ChannelValues {
    /// Modulation differences and loudness of a frame; the other values are still 0.
    #[inline(always)]
    pub fn of(ear: &Ear, reference: &Heard, decoded: &Heard) -> Self {
        let (mut first, mut second, mut weight) = ([0.0; BANDS], [0.0; BANDS], [0.0; BANDS]);
        let mut threshold = *ear.internal_noise();
        crate::lanes::pow(&mut threshold, 0.3);
        for band in 0..BANDS {
            let (r, d) = (reference.modulation[band], decoded.modulation[band]);
            let difference = (r - d).abs();
            first[band] = difference / (1.0 + r);
            // Modulation that was lost counts a tenth of what was added.
            second[band] = if d >= r { 1.0 } else { 0.1 } * difference / (0.01 + r);
            weight[band] = reference.level[band] / (reference.level[band] + 100.0 * threshold[band]);
        }
        let sum = |values: &Bands| values.iter().map(|&x| f64::from(x)).sum::<f64>();
        Self {
            mod_diff_1: 100.0 / BANDS as f64 * sum(&first),
            mod_diff_2: 100.0 / BANDS as f64 * sum(&second),
            mod_weight: sum(&weight),
            loudness_sone: [reference.loudness_sone, decoded.loudness_sone],
            ..Self::default()
        }
    }

    /// Bandwidths of both signals from their magnitudes: up to where the reference exceeds the highest bins of the
    /// decoded version by 10 dB and, not above that, where the decoded version exceeds them by 5 dB.
    pub fn set_bandwidths(&mut self, reference: &[f32], decoded: &[f32]) {
        let noise = decoded[NOISE_BINS].iter().fold(0.0_f32, |most, &x| most.max(x));
        let up_to = |magnitudes: &[f32], db: f32| {
            let least = noise * 10_f32.powf(db / 20.0);
            magnitudes.iter().rposition(|&x| x > least).map_or(0, |bin| bin + 1)
        };
        let of_reference = up_to(&reference[..NOISE_BINS.start], 10.0);
        self.bandwidths = [of_reference, up_to(&decoded[..of_reference], 5.0)];
    }

    /// Ratio of noise to mask from the magnitudes of both signals and the excitation of the reference.
    #[inline(always)]
    pub fn set_noise_to_mask(
        &mut self,
        ear: &Ear,
        magnitudes: [&[f32]; 2],
        excitation: &Bands,
        offsets: &Bands,
    ) {
        let (mut noise, mut bands) = ([0.0; BINS], [0.0; BANDS]);
        for (((noise, &r), &d), &weight) in
            noise.iter_mut().zip(magnitudes[0]).zip(magnitudes[1]).zip(ear.weights())
        {
            *noise = (r - d) * (r - d) * weight;
        }
        ear.group(&noise, &mut bands);
        let (mut sum, mut most) = (0.0_f32, 0.0_f32);
        for band in 0..BANDS {
            let ratio = bands[band] * offsets[band] / excitation[band];
            sum += ratio;
            most = most.max(ratio);
        }
        (self.noise_to_mask, self.most_noise_to_mask) = (f64::from(sum) / BANDS as f64, f64::from(most));
    }
}

/// The model output variables, means over channels. Names of the Recommendation in brackets.
#[derive(Clone, Debug, PartialEq)]
pub struct Variables {
    /// Bandwidth of the reference and of the decoded version in bins (BandwidthRefB, BandwidthTestB); none if the
    /// reference has nothing above 8.1 kHz.
    pub bandwidths: Option<[f64; 2]>,
    /// Ratio of noise to mask in dB (TotalNMRB).
    pub total_nmr_db: f64,
    /// Windowed modulation difference (WinModDiff1B).
    pub win_mod_diff_1: f64,
    /// Logarithm of the noticeable steps of noticeable frames (ADBB).
    pub detection_steps_log: f64,
    /// Harmonic structure of the error (EHSB); none if all is quiet.
    pub harmonics: Option<f64>,
    /// Modulation difference (AvgModDiff1B).
    pub avg_mod_diff_1: f64,
    /// Modulation difference, more of it for what was added (AvgModDiff2B).
    pub avg_mod_diff_2: f64,
    /// Loudness of the noise (RmsNoiseLoudB); none if neither signal is ever loud.
    pub noise_loudness: Option<f64>,
    /// Largest smoothed probability of detection (MFPDB).
    pub detection_probability: f64,
    /// Share of frames with audible noise (RelDistFramesB).
    pub disturbed_frames: f64,
}

impl Variables {
    /// In the order of the network; none if one is missing.
    pub fn of_network(&self) -> Option<[f64; 11]> {
        let [of_reference, of_decoded] = self.bandwidths?;
        Some([
            of_reference,
            of_decoded,
            self.total_nmr_db,
            self.win_mod_diff_1,
            self.detection_steps_log,
            self.harmonics?,
            self.avg_mod_diff_1,
            self.avg_mod_diff_2,
            self.noise_loudness?,
            self.detection_probability,
            self.disturbed_frames,
        ])
    }

    /// Averages the values of all frames of a clip; none if too few of them count.
    pub fn average(values: &[FrameValues], bounds: Bounds) -> Option<Self> {
        let frames = bounds.frames(values.len());
        let late = frames.start.max(DELAY_FRAMES)..frames.end;
        let (all, late_values) = (values.get(frames.clone())?, values.get(late.clone())?);
        if late_values.len() < WINDOW_FRAMES {
            return None;
        }
        let loud = loud_from(values, frames).map(|from| from.max(late.start));
        let loud_values = loud.and_then(|from| values.get(from..late.end)).unwrap_or_default();
        let channels = all.first()?.channels.len();
        let mean = |of: &dyn Fn(usize) -> Option<f64>| {
            (0..channels).map(of).sum::<Option<f64>>().map(|sum| sum / channels as f64)
        };
        // Of the frames that count, a value by channel.
        let over = |frames: &[FrameValues], channel: usize, of: &dyn Fn(&ChannelValues) -> Option<f64>| {
            let found: Vec<f64> = frames.iter().filter_map(|f| of(&f.channels[channel])).collect();
            (!found.is_empty()).then(|| found.iter().sum::<f64>() / found.len() as f64)
        };
        let bandwidth = |side: usize| {
            let of = move |v: &ChannelValues| {
                (v.bandwidths[0] > LEAST_BANDWIDTH).then_some(v.bandwidths[side] as f64)
            };
            mean(&|channel| over(all, channel, &of))
        };
        let weight = |channel: usize| over(late_values, channel, &|v| Some(v.mod_weight));
        let weighted = |of: fn(&ChannelValues) -> f64| {
            mean(&|channel| {
                Some(over(late_values, channel, &|v| Some(v.mod_weight * of(v)))? / weight(channel)?)
            })
        };
        let (detection_probability, detection_steps_log) = detection(all);
        Some(Self {
            bandwidths: bandwidth(0).zip(bandwidth(1)).map(|(reference, decoded)| [reference, decoded]),
            total_nmr_db: mean(&|c| Some(10.0 * over(all, c, &|v| Some(v.noise_to_mask))?.log10()))?,
            win_mod_diff_1: mean(&|channel| Some(windowed(late_values, channel)))?,
            detection_steps_log,
            harmonics: mean(&|channel| over(all, channel, &|v| v.harmonics)).map(|mean| 1000.0 * mean),
            avg_mod_diff_1: weighted(|v| v.mod_diff_1)?,
            avg_mod_diff_2: weighted(|v| v.mod_diff_2)?,
            noise_loudness: mean(&|c| {
                Some(over(loud_values, c, &|v| Some(v.noise_loudness.powi(2)))?.sqrt())
            }),
            detection_probability,
            disturbed_frames: mean(&|channel| {
                over(all, channel, &|v| Some(f64::from(u8::from(v.most_noise_to_mask > DISTURBED_RATIO))))
            })?,
        })
    }
}

/// The frame 50 ms after both signals were first loud in a channel, the earliest channel's.
fn loud_from(values: &[FrameValues], frames: std::ops::Range<usize>) -> Option<usize> {
    let channels = values.first()?.channels.len();
    let first = |channel: usize, side: usize| {
        frames.clone().find(|&frame| values[frame].channels[channel].loudness_sone[side] >= LOUD_SONE)
    };
    let both = |channel: usize| Some(first(channel, 0)?.max(first(channel, 1)?));
    (0..channels).filter_map(both).min().map(|frame| frame + LOUDNESS_DELAY_FRAMES)
}

/// Root of the mean fourth power of the mean root over a window: short bursts weigh more.
fn windowed(values: &[FrameValues], channel: usize) -> f64 {
    let roots: Vec<f64> = values.iter().map(|v| v.channels[channel].mod_diff_1.sqrt()).collect();
    let windows = roots.windows(WINDOW_FRAMES);
    let count = windows.len() as f64;
    (windows.map(|w| (w.iter().sum::<f64>() / WINDOW_FRAMES as f64).powi(4)).sum::<f64>() / count).sqrt()
}

/// Largest smoothed probability of detection, and the logarithm of the mean steps of frames that are noticed.
fn detection(values: &[FrameValues]) -> (f64, f64) {
    let (mut smooth, mut most) = (0.0, 0.0_f64);
    let (mut noticed, mut steps) = (0_usize, 0.0);
    for value in values {
        smooth = 0.9 * smooth + 0.1 * value.detection_probability;
        most = most.max(smooth);
        if value.detection_probability > 0.5 {
            noticed += 1;
            steps += value.detection_steps;
        }
    }
    let log = match noticed {
        0 => 0.0,
        _ if steps > 0.0 => (steps / noticed as f64).log10(),
        _ => -0.5,
    };
    (most, log)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_and_the_frames_they_touch() {
        let mut signal = vec![0.0; 10_000];
        signal[4000..6000].fill(0.1);
        let bounds = Bounds::of(&[vec![0.0; 10_000], signal]).expect("sound");
        // A window of five samples is loud as soon as it holds one of them.
        assert_eq!(bounds, Bounds { first_sample: 3996, last_sample: 6003 });
        // Frame 2 is samples 2048..4096, frame 5 begins at 5120, frame 6 at 6144.
        assert_eq!(bounds.frames(8), 2..6);
        assert_eq!(Bounds::of(&[vec![0.0; 10]]), None);
    }

    #[test]
    fn averages_of_known_values() {
        let mut values = vec![FrameValues::default(); 30];
        for (frame, value) in values.iter_mut().enumerate() {
            let one = ChannelValues {
                mod_diff_1: 4.0,
                mod_weight: 1.0 + frame as f64,
                loudness_sone: [1.0, 1.0],
                noise_loudness: 3.0,
                bandwidths: [if frame < 10 { 300 } else { 500 }, 400],
                noise_to_mask: 0.1,
                most_noise_to_mask: if frame % 2 == 0 { 2.0 } else { 0.0 },
                harmonics: (frame < 2).then_some(0.5),
                ..ChannelValues::default()
            };
            *value = FrameValues { channels: vec![one], detection_probability: 1.0, detection_steps: 100.0 };
        }
        let bounds = Bounds { first_sample: 0, last_sample: 1_000_000 };
        let found = Variables::average(&values, bounds).expect("enough frames");
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} instead of {b}");
        assert_eq!(found.bandwidths, Some([500.0, 400.0]));
        close(found.total_nmr_db, -10.0);
        close(found.win_mod_diff_1, 4.0);
        close(found.avg_mod_diff_1, 4.0);
        close(found.noise_loudness.expect("loud"), 3.0);
        close(found.harmonics.expect("energy"), 500.0);
        close(found.detection_steps_log, 2.0);
        close(found.detection_probability, 1.0 - 0.9_f64.powi(30));
        close(found.disturbed_frames, 0.5);
        assert_eq!(Variables::average(&values[..27], bounds), None);
    }
}
