//! Loudness by ITU-R BS.1770-4 and EBU R128, fast: what a scan of a large collection needs.
//!
//! Samples in, integrated loudness and sample peak out. No true peak, which costs more than all the rest; the
//! meter of the `media` crate has it, and is the oracle that this one is tested against.
//!
//! K-weighting is two second-order sections (BS.1770-4, annex 1). The standard gives their coefficients at
//! 48 kHz only; the analogue prototypes behind them, which fit any rate, are those that libebur128 and
//! pyloudnorm use: a shelf of +4.0 dB at 1682 Hz (Q 0.7072) and a high pass at 38.1 Hz (Q 0.5003).

/// Mean power of 100 ms of two channels, summed.
type Slot = f64;

/// Slots to a gating block of 400 ms, which overlap by three quarters (EBU Tech 3341).
const SLOTS_PER_BLOCK: usize = 4;
/// Blocks below this loudness do not count (EBU R128's absolute gate).
const ABSOLUTE_GATE_LUFS: f64 = -70.0;
/// The relative gate, below the mean of what passed the absolute one.
const RELATIVE_GATE_LU: f64 = -10.0;

/// A second-order section in transposed direct form II, normalised to `a0 = 1`.
#[derive(Clone, Copy, Debug)]
struct Section {
    feed_forward: [f64; 3],
    feed_back: [f64; 2],
}

impl Section {
    fn shelf(sample_rate_hz: f64) -> Self {
        const FREQUENCY_HZ: f64 = 1_681.974_450_955_533;
        const GAIN_DB: f64 = 3.999_843_853_973_347;
        const Q: f64 = 0.707_175_236_955_419_6;
        let k = (std::f64::consts::PI * FREQUENCY_HZ / sample_rate_hz).tan();
        let high = 10f64.powf(GAIN_DB / 20.0);
        // The exponent that makes the digital shelf agree with the standard's 48 kHz coefficients.
        let band = high.powf(0.499_666_774_154_541_6);
        let a0 = 1.0 + k / Q + k * k;
        Self {
            feed_forward: [
                (high + band * k / Q + k * k) / a0,
                2.0 * (k * k - high) / a0,
                (high - band * k / Q + k * k) / a0,
            ],
            feed_back: [2.0 * (k * k - 1.0) / a0, (1.0 - k / Q + k * k) / a0],
        }
    }

    fn high_pass(sample_rate_hz: f64) -> Self {
        const FREQUENCY_HZ: f64 = 38.135_470_876_024_44;
        const Q: f64 = 0.500_327_037_323_877_3;
        let k = (std::f64::consts::PI * FREQUENCY_HZ / sample_rate_hz).tan();
        let a0 = 1.0 + k / Q + k * k;
        Self {
            feed_forward: [1.0, -2.0, 1.0],
            feed_back: [2.0 * (k * k - 1.0) / a0, (1.0 - k / Q + k * k) / a0],
        }
    }
}

/// Measures a track as it streams by.
///
/// Memory grows by 80 bytes a second: gating needs the power of every 100 ms.
#[derive(Clone, Debug)]
pub struct FastLoudness {
    sections: [Section; 2],
    channel_count: usize,
    /// Delayed values of the filters, `[section][delay][channel]`.
    state: [[[f64; 2]; 2]; 2],
    slot_samples: usize,
    in_slot: usize,
    /// Energy of the K-weighted signal in the present slot, both channels.
    slot_energy: f64,
    slots: Vec<Slot>,
    peak: f32,
}

impl FastLoudness {
    /// A meter for one or two channels; `None` for more, or for a rate below 4 kHz, where the shelf does not exist.
    #[must_use]
    pub fn new(sample_rate_hz: u32, channel_count: usize) -> Option<Self> {
        if !(1..=2).contains(&channel_count) || sample_rate_hz < 4_000 {
            return None;
        }
        let rate_hz = f64::from(sample_rate_hz);
        Some(Self {
            sections: [Section::shelf(rate_hz), Section::high_pass(rate_hz)],
            channel_count,
            state: [[[0.0; 2]; 2]; 2],
            slot_samples: (sample_rate_hz as usize / 10).max(1),
            in_slot: 0,
            slot_energy: 0.0,
            slots: Vec::new(),
            peak: 0.0,
        })
    }

    /// Takes the next samples, one slice a channel. Samples that are not finite count as silence; channels
    /// beyond those announced are ignored, missing ones silent.
    pub fn push(&mut self, channels: &[Vec<f32>]) {
        let left = channels.first().map_or(&[][..], Vec::as_slice);
        let right = match self.channel_count {
            2 => channels.get(1).map_or(&[][..], Vec::as_slice),
            _ => &[][..],
        };
        let mut start = 0;
        while start < left.len() {
            let end = left.len().min(start + self.slot_samples - self.in_slot);
            let part =
                |channel: &'_ [f32]| -> (usize, usize) { (start.min(channel.len()), end.min(channel.len())) };
            let (from, to) = part(right);
            self.filter(&left[start..end], &right[from..to]);
            self.in_slot += end - start;
            if self.in_slot == self.slot_samples {
                self.slots.push(self.slot_energy / self.slot_samples as f64);
                (self.in_slot, self.slot_energy) = (0, 0.0);
            }
            start = end;
        }
    }

    /// Both channels side by side: two lanes of one vector register.
    fn filter(&mut self, left: &[f32], right: &[f32]) {
        let [shelf, high_pass] = self.sections;
        let [mut s, mut h] = self.state;
        let (mut energy, mut peak) = (0.0, self.peak);
        let mut tick = |x: [f32; 2]| {
            let x = x.map(|x| if x.is_finite() { x } else { 0.0 });
            peak = peak.max(x[0].abs()).max(x[1].abs());
            let mut sum = [0.0; 2];
            for lane in 0..2 {
                let x = f64::from(x[lane]);
                let y = shelf.feed_forward[0] * x + s[0][lane];
                s[0][lane] = shelf.feed_forward[1] * x - shelf.feed_back[0] * y + s[1][lane];
                s[1][lane] = shelf.feed_forward[2] * x - shelf.feed_back[1] * y;
                let z = y + h[0][lane];
                h[0][lane] = -2.0 * y - high_pass.feed_back[0] * z + h[1][lane];
                h[1][lane] = y - high_pass.feed_back[1] * z;
                sum[lane] = z * z;
            }
            energy += sum[0] + sum[1];
        };
        if right.len() == left.len() {
            left.iter().zip(right).for_each(|(l, r)| tick([*l, *r]));
        } else {
            left.iter().enumerate().for_each(|(n, l)| tick([*l, right.get(n).copied().unwrap_or(0.0)]));
        }
        self.state = [s, h];
        self.slot_energy += energy;
        self.peak = peak;
    }

    /// Largest absolute sample so far.
    #[must_use]
    pub fn peak(&self) -> f32 {
        self.peak
    }

    /// Integrated loudness in LUFS; negative infinity where nothing is longer than 400 ms or louder than -70 LUFS.
    #[must_use]
    pub fn integrated_lufs(&self) -> f64 {
        let blocks = || {
            self.slots
                .windows(SLOTS_PER_BLOCK)
                .map(|slots| slots.iter().sum::<f64>() / SLOTS_PER_BLOCK as f64)
        };
        let mean_above = |gate: f64| {
            let (sum, count) = blocks()
                .filter(|power| *power > gate)
                .fold((0.0, 0usize), |(s, n), power| (s + power, n + 1));
            (count > 0).then(|| sum / count as f64)
        };
        let Some(mean) = mean_above(power(ABSOLUTE_GATE_LUFS)) else { return f64::NEG_INFINITY };
        let gate = power(lufs(mean) + RELATIVE_GATE_LU).max(power(ABSOLUTE_GATE_LUFS));
        mean_above(gate).map_or(f64::NEG_INFINITY, lufs)
    }
}

/// BS.1770-4, equation 2: 0 LUFS is a power of 10^0.0691.
fn lufs(power: f64) -> f64 {
    -0.691 + 10.0 * power.log10()
}

fn power(lufs: f64) -> f64 {
    10f64.powf((lufs + 0.691) / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(rate_hz: u32, seconds: f64, frequency_hz: f64, amplitude: f32) -> Vec<f32> {
        (0..(seconds * f64::from(rate_hz)) as usize)
            .map(|n| {
                amplitude
                    * (std::f64::consts::TAU * frequency_hz * n as f64 / f64::from(rate_hz)).sin() as f32
            })
            .collect()
    }

    /// EBU Tech 3341, cases 1 to 3: tolerance 0.1 LU.
    #[test]
    fn the_standards_cases() {
        let level = |db: f32| 10f32.powf(db / 20.0);
        let parts = |parts: &[(f64, f32)]| -> Vec<f32> {
            parts.iter().flat_map(|(seconds, db)| sine(48_000, *seconds, 1000.0, level(*db))).collect()
        };
        for (signal, expected) in [
            (parts(&[(20.0, -23.0)]), -23.0),
            (parts(&[(20.0, -33.0)]), -33.0),
            (parts(&[(10.0, -36.0), (60.0, -23.0), (10.0, -36.0)]), -23.0),
        ] {
            for chunk in [997, 48_000] {
                let mut meter = FastLoudness::new(48_000, 2).unwrap();
                for part in signal.chunks(chunk) {
                    meter.push(&[part.to_vec(), part.to_vec()]);
                }
                let found = meter.integrated_lufs();
                assert!((found - expected).abs() <= 0.1, "{found} for {expected}");
            }
        }
    }

    #[test]
    fn mono_short_silent_and_broken_input() {
        // One channel has half the power of two: 3.01 dB less.
        let tone = sine(44_100, 5.0, 997.0, 0.1);
        let measure = |channels: Vec<Vec<f32>>| {
            let mut meter = FastLoudness::new(44_100, channels.len()).unwrap();
            meter.push(&channels);
            (meter.integrated_lufs(), meter.peak())
        };
        let (mono, peak) = measure(vec![tone.clone()]);
        let (stereo, _) = measure(vec![tone.clone(), tone.clone()]);
        assert!((stereo - mono - 3.0103).abs() < 1e-3, "{mono} {stereo}");
        assert!((peak - 0.1).abs() < 1e-4);
        assert_eq!(measure(vec![tone[..10_000].to_vec()]).0, f64::NEG_INFINITY);
        assert_eq!(measure(vec![vec![0.0; 44_100]]), (f64::NEG_INFINITY, 0.0));
        assert_eq!(measure(vec![vec![f32::NAN; 44_100]]), (f64::NEG_INFINITY, 0.0));
        assert!(FastLoudness::new(44_100, 3).is_none() && FastLoudness::new(1_000, 1).is_none());
    }
}
