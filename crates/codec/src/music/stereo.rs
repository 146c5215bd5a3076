//! Rotation of the stereo plane: left and right coefficients to a principal axis and the rest, and back.
//!
//! An adaptive angle a band is the two-channel Karhunen-Loeve transform (van der Waal and Veldhuis 1991, "Subband
//! coding of stereophonic digital audio signals").

use crate::music::sketch::ANGLES;

/// Turns left and right into the axis at `angle` and the one across, in place. `angle` is in 1/32 of half a turn.
///
/// # Shapes
/// `left` and `right`: `[bin]`, of equal length.
pub fn rotate(angle: u8, left: &mut [f32], right: &mut [f32]) {
    if angle > 0 {
        let radians = radians(angle);
        turn(radians.sin() as f32, radians.cos() as f32, left, right);
    }
}

/// Undoes [`rotate`].
///
/// # Shapes
/// `principal` and `rest`: `[bin]`, of equal length.
pub fn rotate_back(angle: u8, principal: &mut [f32], rest: &mut [f32]) {
    if angle > 0 {
        let radians = radians(angle);
        turn(-radians.sin() as f32, radians.cos() as f32, principal, rest);
    }
}

fn radians(angle: u8) -> f64 {
    std::f64::consts::PI * f64::from(angle) / f64::from(ANGLES)
}

fn turn(sine: f32, cosine: f32, first: &mut [f32], second: &mut [f32]) {
    for (a, b) in first.iter_mut().zip(second) {
        (*a, *b) = (cosine * *a + sine * *b, cosine * *b - sine * *a);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::music::sketch::MID_SIDE;

    #[test]
    fn every_angle_is_undone_and_an_eighth_of_a_turn_is_mid_and_side() {
        for angle in 0..ANGLES {
            let (mut left, mut right) = ([0.5f32, -1.0, 0.25], [0.125f32, 1.0, 0.75]);
            rotate(angle, &mut left, &mut right);
            if angle == MID_SIDE {
                let half = std::f32::consts::FRAC_1_SQRT_2;
                assert!((left[2] - half).abs() < 1e-6 && (right[2] - 0.5 * half).abs() < 1e-6);
            }
            rotate_back(angle, &mut left, &mut right);
            for (back, sample) in left.iter().chain(&right).zip([0.5, -1.0, 0.25, 0.125, 1.0, 0.75]) {
                // Two rotations of unit length round four times to 2^-24.
                assert!((back - sample).abs() < 1e-6, "{angle}: {back} instead of {sample}");
            }
        }
    }
}
