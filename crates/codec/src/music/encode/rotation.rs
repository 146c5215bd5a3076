//! How the stereo plane is turned: each band's principal axis, superframe by superframe, where it saves enough.

use crate::music::{
    encode::tuning::Tuning,
    geometry::Geometry,
    sketch::{ANGLES, MID_SIDE},
    stereo::rotate,
};

/// Second moments of pairs of left and right coefficients.
#[derive(Clone, Copy, Debug, Default)]
struct Moments {
    left_left: f32,
    right_right: f32,
    left_right: f32,
    count: usize,
}

impl Moments {
    fn add(&mut self, left: f32, right: f32) {
        self.left_left += left * left;
        self.right_right += right * right;
        self.left_right += left * right;
        self.count += 1;
    }

    fn sum(self, other: &Self) -> Self {
        Self {
            left_left: self.left_left + other.left_left,
            right_right: self.right_right + other.right_right,
            left_right: self.left_right + other.left_right,
            count: self.count + other.count,
        }
    }

    /// Direction of the largest variance, 0..32 in 1/32 of half a turn.
    fn principal_angle(self) -> u8 {
        let half_turns =
            0.5 * (2.0 * self.left_right).atan2(self.left_left - self.right_right) / std::f32::consts::PI;
        (half_turns * f32::from(ANGLES)).round().rem_euclid(f32::from(ANGLES)) as u8 % ANGLES
    }

    /// Bits of the pairs after rotation by `angle`, counting only what stands above the quantisation noise of `step`.
    fn rotated_bits(self, angle: u8, step: f32) -> f32 {
        let radians = std::f32::consts::PI * f32::from(angle) / f32::from(ANGLES);
        let (sine, cosine) = radians.sin_cos();
        let Self { left_left, right_right, left_right, count } = self;
        let first =
            cosine * cosine * left_left + sine * sine * right_right + 2.0 * sine * cosine * left_right;
        let second = (left_left + right_right - first).max(0.0);
        let floor = step * step * count as f32 * 0.25;
        0.5 * count as f32 * ((first.max(0.0) + floor).log2() + (second + floor).log2())
    }
}

/// The angles of every superframe of a section, when quantised with the base step `step` (an amplitude).
///
/// They change by the bands of the superframe's shortest block, as they are coded.
///
/// # Shapes
/// `sizes`: `[superframe][block]`, base-two logarithms of samples; `left`, `right`: `[sample]`, blocks one after the
/// other. Result: `[superframe][base_band]`.
#[must_use]
pub fn choose_angles(
    geometry: &Geometry,
    tuning: &Tuning,
    step: f32,
    sizes: &[Vec<u8>],
    left: &[f32],
    right: &[f32],
) -> Vec<Vec<u8>> {
    let mut angles = vec![MID_SIDE; geometry.base_bands];
    let mut start = 0;
    let superframes = sizes.iter().map(|sizes| {
        // Moments of each band, put where its first base band is.
        let mut moments = vec![Moments::default(); geometry.base_bands];
        for &size in sizes {
            let layout = geometry.layout(size);
            for band in 0..layout.count() {
                let bins = start + layout.bins(band).start..start + layout.bins(band).end;
                let moment = &mut moments[layout.base_bands(band).start];
                for (&l, &r) in left[bins.clone()].iter().zip(&right[bins]) {
                    moment.add(l, r);
                }
            }
            start += 1usize << size;
        }
        let coarsest = geometry.layout(sizes.iter().copied().min().unwrap_or(0));
        for band in 0..coarsest.count() {
            let bases = coarsest.base_bands(band);
            let moments = moments[bases.clone()].iter().fold(Moments::default(), Moments::sum);
            let (old, new) = (angles[bases.start], moments.principal_angle());
            let saved = moments.rotated_bits(old, step) - moments.rotated_bits(new, step);
            angles[bases].fill(if saved > tuning.rotation_bits { new } else { old });
        }
        angles.clone()
    });
    superframes.collect()
}

/// Turns the coefficients of a section by `angles`, in place.
///
/// # Shapes
/// As [`choose_angles`].
pub fn rotate_section(
    geometry: &Geometry,
    sizes: &[Vec<u8>],
    angles: &[Vec<u8>],
    left: &mut [f32],
    right: &mut [f32],
) {
    let mut start = 0;
    for (sizes, angles) in sizes.iter().zip(angles) {
        for &size in sizes {
            let layout = geometry.layout(size);
            for band in 0..layout.count() {
                let bins = start + layout.bins(band).start..start + layout.bins(band).end;
                let angle = angles[layout.base_bands(band).start];
                rotate(angle, &mut left[bins.clone()], &mut right[bins]);
            }
            start += 1usize << size;
        }
    }
}
