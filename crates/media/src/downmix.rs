//! Many channels to two.
//!
//! Source: ITU-R BS.775-3, annex 4 (Lo/Ro): the centre and the surround channels enter both or
//! their own side at -3 dB. Extended in the same spirit:
//!
//! | speaker | left | right |
//! |---|---|---|
//! | front left / right, wide, front-of-centre | 1 | - (mirrored) |
//! | front centre, top centre | 0.7071 | 0.7071 |
//! | side, rear, top left / right | 0.7071 | - (mirrored) |
//! | rear centre | 0.5 | 0.5 |
//! | low-frequency effects | 0 | 0 |
//!
//! Each side's coefficients are then divided by the larger of the two sums, so that full scale in
//! every channel stays full scale; a front-left-only signal keeps its place but gets quieter, as
//! with players that avoid clipping.

use std::f32::consts::FRAC_1_SQRT_2;

/// Where a channel's loudspeaker stands. The order of the first 18 is that of the bits of a WAV
/// channel mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Speaker {
    FrontLeft,
    FrontRight,
    FrontCentre,
    LowFrequency,
    RearLeft,
    RearRight,
    FrontLeftOfCentre,
    FrontRightOfCentre,
    RearCentre,
    SideLeft,
    SideRight,
    TopCentre,
    TopFrontLeft,
    TopFrontCentre,
    TopFrontRight,
    TopRearLeft,
    TopRearCentre,
    TopRearRight,
    /// Position unknown; treated like a centre.
    Unknown,
}

use Speaker as S;

/// Speakers in the order of the bits of `WAVEFORMATEXTENSIBLE.dwChannelMask`.
const WAV_ORDER: [Speaker; 18] = [
    S::FrontLeft,
    S::FrontRight,
    S::FrontCentre,
    S::LowFrequency,
    S::RearLeft,
    S::RearRight,
    S::FrontLeftOfCentre,
    S::FrontRightOfCentre,
    S::RearCentre,
    S::SideLeft,
    S::SideRight,
    S::TopCentre,
    S::TopFrontLeft,
    S::TopFrontCentre,
    S::TopFrontRight,
    S::TopRearLeft,
    S::TopRearCentre,
    S::TopRearRight,
];

impl Speaker {
    /// The layout that a WAV channel mask names, in channel order; bits beyond the standard are
    /// [`Speaker::Unknown`], missing ones are filled up with it.
    #[must_use]
    pub fn from_wav_mask(mask: u32, channel_count: usize) -> Vec<Self> {
        if mask == 0 {
            return Self::usual_layout(channel_count);
        }
        let mut layout: Vec<Self> = (0..32)
            .filter(|bit| mask >> bit & 1 == 1)
            .map(|bit| WAV_ORDER.get(bit).copied().unwrap_or(S::Unknown))
            .collect();
        layout.resize(channel_count, S::Unknown);
        layout
    }

    /// What files without a channel mask mean by so many channels.
    #[must_use]
    pub fn usual_layout(channel_count: usize) -> Vec<Self> {
        const SEVEN_ONE: [Speaker; 8] = [
            S::FrontLeft,
            S::FrontRight,
            S::FrontCentre,
            S::LowFrequency,
            S::RearLeft,
            S::RearRight,
            S::SideLeft,
            S::SideRight,
        ];
        match channel_count {
            1 => vec![S::FrontCentre],
            2 => vec![S::FrontLeft, S::FrontRight],
            3 => vec![S::FrontLeft, S::FrontRight, S::FrontCentre],
            4 => vec![S::FrontLeft, S::FrontRight, S::RearLeft, S::RearRight],
            5 => vec![S::FrontLeft, S::FrontRight, S::FrontCentre, S::RearLeft, S::RearRight],
            6 => SEVEN_ONE[..6].to_vec(),
            7 => {
                vec![
                    S::FrontLeft,
                    S::FrontRight,
                    S::FrontCentre,
                    S::LowFrequency,
                    S::RearCentre,
                    S::SideLeft,
                    S::SideRight,
                ]
            }
            8 => SEVEN_ONE.to_vec(),
            other => vec![S::Unknown; other],
        }
    }

    /// What enters the left and the right, before the normalisation.
    fn gains(self) -> [f32; 2] {
        match self {
            S::FrontLeft | S::FrontLeftOfCentre => [1.0, 0.0],
            S::FrontRight | S::FrontRightOfCentre => [0.0, 1.0],
            S::FrontCentre | S::TopCentre | S::TopFrontCentre | S::Unknown => [FRAC_1_SQRT_2; 2],
            S::RearLeft | S::SideLeft | S::TopFrontLeft | S::TopRearLeft => [FRAC_1_SQRT_2, 0.0],
            S::RearRight | S::SideRight | S::TopFrontRight | S::TopRearRight => [0.0, FRAC_1_SQRT_2],
            S::RearCentre | S::TopRearCentre => [0.5; 2],
            S::LowFrequency => [0.0; 2],
        }
    }
}

/// Coefficients `[channel] -> [left, right]`, normalised as the module's text says.
#[must_use]
pub fn coefficients(layout: &[Speaker]) -> Vec<[f32; 2]> {
    let mut gains: Vec<[f32; 2]> = layout.iter().map(|speaker| speaker.gains()).collect();
    let sum = |side: usize| gains.iter().map(|gain| gain[side]).sum::<f32>();
    let largest = sum(0).max(sum(1));
    if largest > 1.0 {
        for gain in &mut gains {
            *gain = gain.map(|value| value / largest);
        }
    }
    gains
}

/// Mixes `channels` (`[channel][sample]`) to left and right.
///
/// # Shapes
/// `layout` has one entry per channel; the result is `[2][sample]`. A coefficient of zero leaves a
/// channel out altogether, so that a NaN in it does no harm.
#[must_use]
pub fn to_stereo(channels: &[Vec<f32>], layout: &[Speaker]) -> Vec<Vec<f32>> {
    let samples = channels.first().map_or(0, Vec::len);
    let mut output = vec![vec![0.0f32; samples]; 2];
    for (channel, gain) in channels.iter().zip(coefficients(layout)) {
        for (side, gain) in output.iter_mut().zip(gain) {
            if gain != 0.0 {
                for (sum, x) in side.iter_mut().zip(channel) {
                    *sum += gain * x;
                }
            }
        }
    }
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_one_follows_bs_775() {
        let gains = coefficients(&Speaker::usual_layout(6));
        let sum = 1.0 + 2.0 * FRAC_1_SQRT_2; // front + centre + rear of one side
        let expected = [
            [1.0 / sum, 0.0],
            [0.0, 1.0 / sum],
            [FRAC_1_SQRT_2 / sum; 2],
            [0.0; 2],
            [FRAC_1_SQRT_2 / sum, 0.0],
            [0.0, FRAC_1_SQRT_2 / sum],
        ];
        for (found, wanted) in gains.iter().zip(expected) {
            for (a, b) in found.iter().zip(wanted) {
                assert!((a - b).abs() < 1e-6, "{gains:?}");
            }
        }
    }

    #[test]
    fn every_layout_keeps_full_scale_and_symmetry() {
        for count in 1..=20 {
            let layout = Speaker::usual_layout(count);
            assert_eq!(layout.len(), count);
            let mixed = to_stereo(&vec![vec![1.0]; count], &layout);
            assert!((mixed[0][0] - mixed[1][0]).abs() < 1e-6, "{count}: {mixed:?}");
            assert!(mixed[0][0] <= 1.0 + 1e-6, "{count}: {mixed:?}");
        }
        assert_eq!(Speaker::from_wav_mask(0x3f, 6), Speaker::usual_layout(6));
        assert_eq!(Speaker::from_wav_mask(0x8000_0003, 4)[2], Speaker::Unknown);
    }
}
