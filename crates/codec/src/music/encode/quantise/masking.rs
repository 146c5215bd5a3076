//! Where noise is heard least: how many squared steps a bit is worth in each band, by a small model of hearing.
//!
//! Sketch and step rule in, a factor of lambda for each band out. The steps of a section follow three numbers; what
//! masks noise does not. Noise in a band is heard by how far it lies above the energy that the band's left and right
//! have, spread to their neighbours; noise of one rotated channel goes into both. A mean over bands of noise over mask is
//! least, for a given number of bits, where the noise of a coefficient is in proportion to the mask of its band
//! (reverse water-filling, Cover and Thomas 2006, section 10.3.3). Where a step is finer than that, a bit is worth more
//! squared steps; where it is coarser, fewer.
//!
//! Sources: slopes of spreading after Terhardt 1979 ("Calculating virtual pitch"), 27 dB a Bark downwards and, at
//! ordinary loudness, some 10 dB upwards; offset of the mask after ITU-R BS.1387-1, annex 2, section 4.5.

use crate::music::{
    blocks::{BandPlace, blocks},
    geometry::Geometry,
    sketch::{ANGLES, SuperframeSketch},
    step::{StepRule, UNITS_PER_OCTAVE, scale_units},
};

/// Loss of masking a base band (about 1 Bark), in octaves of energy: downwards and upwards in frequency.
const SPREAD_OCTAVES: (f32, f32) = (9.0, 3.0);

/// Growth of the mask's distance from the energy for each base band above [`OFFSET_FROM`], in octaves of energy.
const OFFSET_OCTAVES: f32 = 0.083;

/// The base band from which on the mask lies further below the energy: 1.7 kHz, 12 Bark.
const OFFSET_FROM: f32 = 12.0;

/// Bands whose scale lies this far below the step (in 1/48 octave) take no part in the mean: nothing in them is coded.
const COUNTED_UNITS: i32 = -48;

/// Largest change of lambda, in octaves.
const REACH_OCTAVES: f32 = 2.5;

/// Energy of silence, as a logarithm.
const SILENCE: f32 = -60.0;

/// Factors of lambda. `strength` is how far lambda follows the mask: 0 not at all, 1 in full.
///
/// # Shapes
/// `[block * channels + channel][band]`; nothing at a strength of 0, for which all factors are 1.
#[must_use]
pub fn lambda_factors(
    geometry: &Geometry,
    sketch: &[SuperframeSketch],
    rule: StepRule,
    strength: f32,
) -> Vec<Vec<f32>> {
    if strength == 0.0 {
        return Vec::new();
    }
    let channels = geometry.channel_count;
    let mut factors = Vec::new();
    let mut bands = vec![Vec::new(); channels];
    for place in blocks(sketch) {
        for (channel, bands) in bands.iter_mut().enumerate() {
            place.bands(geometry, rule, channel, bands);
        }
        let tolerated = tolerated_noise(&bands, &place.superframe.angles);
        let (mut sum, mut count) = (0.0, 0.0);
        let mut room: Vec<Vec<f32>> = Vec::with_capacity(channels);
        for (bands, tolerated) in bands.iter().zip(&tolerated) {
            room.push(
                bands.iter().zip(tolerated).map(|(band, t)| t - energy_octaves(band.step_units)).collect(),
            );
            for (band, room) in bands.iter().zip(&room[room.len() - 1]) {
                if band.ratio_units > COUNTED_UNITS {
                    let bins = (band.end - band.begin) as f32;
                    (sum, count) = (sum + bins * room, count + bins);
                }
            }
        }
        let mean = if count > 0.0 { sum / count } else { 0.0 };
        for room in &mut room {
            for room in room.iter_mut() {
                *room = (strength * (*room - mean)).clamp(-REACH_OCTAVES, REACH_OCTAVES).exp2();
            }
        }
        factors.append(&mut room);
    }
    factors
}

/// Energy of an amplitude given in 1/48 octave, in octaves.
fn energy_octaves(units: i32) -> f32 {
    2.0 * units as f32 / UNITS_PER_OCTAVE as f32
}

/// How much noise a coefficient of each band may have, up to a factor that is the same for all of a block, in octaves of
/// energy.
///
/// # Shapes
/// `bands`: `[channel][band]`; `angles`: `[base_band]`. Result: `[channel][band]`.
fn tolerated_noise(bands: &[Vec<BandPlace>], angles: &[u8]) -> Vec<Vec<f32>> {
    let energy = |band: &BandPlace| match band.scale {
        0 => 0.0,
        scale => energy_octaves(scale_units(scale)).exp2() * (band.end - band.begin) as f32,
    };
    match bands {
        [first, second] => {
            // Shares of the first rotated channel in left and of the second in right, and the other way round.
            let shares: Vec<(f32, f32)> = first
                .iter()
                .map(|band| {
                    let angle = angles.get(band.base_band).copied().unwrap_or(0);
                    let sine = (std::f32::consts::PI * f32::from(angle) / f32::from(ANGLES)).sin();
                    (1.0 - sine * sine, sine * sine)
                })
                .collect();
            let side = |other: bool| {
                let energies =
                    first.iter().zip(second).zip(&shares).map(|((first, second), &(own, across))| {
                        let (own, across) = if other { (across, own) } else { (own, across) };
                        own * energy(first) + across * energy(second)
                    });
                masks(first, energies)
            };
            let (left, right) = (side(false), side(true));
            let heard = |other: bool| {
                let sides = left.iter().zip(&right).zip(&shares);
                sides
                    .map(|((left, right), &(own, across))| {
                        let (own, across) = if other { (across, own) } else { (own, across) };
                        -(own * (-left).exp2() + across * (-right).exp2()).log2()
                    })
                    .collect()
            };
            vec![heard(false), heard(true)]
        }
        _ => bands.iter().map(|bands| masks(bands, bands.iter().map(energy))).collect(),
    }
}

/// Masks of the bands of one side, in octaves of energy.
fn masks(bands: &[BandPlace], energies: impl Iterator<Item = f32>) -> Vec<f32> {
    let mut masks: Vec<f32> = energies.map(|energy| energy.log2().max(SILENCE)).collect();
    let apart = |a: &BandPlace, b: &BandPlace| (b.base_band - a.base_band) as f32;
    for number in 1..masks.len() {
        let loss = SPREAD_OCTAVES.1 * apart(&bands[number - 1], &bands[number]);
        masks[number] = masks[number].max(masks[number - 1] - loss);
    }
    for number in (1..masks.len()).rev() {
        let loss = SPREAD_OCTAVES.0 * apart(&bands[number - 1], &bands[number]);
        masks[number - 1] = masks[number - 1].max(masks[number] - loss);
    }
    for (mask, band) in masks.iter_mut().zip(bands) {
        *mask -= OFFSET_OCTAVES * (band.base_band as f32 - OFFSET_FROM).max(0.0);
    }
    masks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::music::sketch::MID_SIDE;

    /// Factors of one long block at 44.1 kHz: `[channel][band]`. `scales`: `[channel][base_band]`.
    fn factors(scales: &[Vec<u8>], angle: u8, shaping: u8, strength: f32) -> Vec<Vec<f32>> {
        let geometry = Geometry::new(44_100, scales.len(), 11, 1);
        let sketch = SuperframeSketch {
            sizes_log2: vec![11],
            angles: vec![angle; geometry.base_bands],
            frames: vec![scales.concat()],
        };
        lambda_factors(&geometry, &[sketch], StepRule { step_index: 100, shaping, tilt: 0 }, strength)
    }

    fn base_bands() -> usize {
        Geometry::new(44_100, 1, 11, 1).base_bands
    }

    #[test]
    fn a_bit_is_worth_more_beside_a_loud_band_than_far_from_it() {
        let mut scales = vec![30; base_bands()];
        scales[8] = 50;
        let of = factors(&[scales], 0, 0, 0.1);
        // All but the loud band have the same steps. Masking reaches one band down by 9 octaves of energy less, which is
        // more than the 20 scales (13 octaves) leave only from the second band on, and upwards by 3 a band.
        assert!(of[0][9] > of[0][10] && of[0][10] > of[0][11] && of[0][7] > of[0][6], "{of:?}");
        assert!(of[0][8] > of[0][9], "{of:?}");
    }

    #[test]
    fn noise_of_mid_and_side_is_heard_alike_and_that_of_left_and_right_by_their_own_masks() {
        // Scales 6 apart are 4 octaves of energy, and so are steps that follow them in full.
        let scales = [vec![40; base_bands()], vec![34; base_bands()]];
        let ratio = |angle, shaping| {
            let of = factors(&scales, angle, shaping, 0.5);
            (of[1][5] / of[0][5]).log2()
        };
        assert!((ratio(MID_SIDE, 128) - 0.5 * 4.0).abs() < 1e-4, "{}", ratio(MID_SIDE, 128));
        assert!(ratio(MID_SIDE, 0).abs() < 1e-4);
        assert!(ratio(0, 128).abs() < 1e-4);
        assert!((ratio(0, 0) + 0.5 * 4.0).abs() < 1e-4, "{}", ratio(0, 0));
    }

    #[test]
    fn silence_and_a_strength_of_nothing_change_nothing() {
        assert!(factors(&[vec![30; base_bands()]], 0, 0, 0.0).is_empty());
        let of = factors(&[vec![0; base_bands()], vec![0; base_bands()]], MID_SIDE, 90, 1.0);
        assert!(of.iter().flatten().all(|factor| factor.is_finite() && *factor > 0.0), "{of:?}");
    }
}
