//! Ambient: bowed chords that swell into each other, a drone, bells far off.

use super::piece::Piece;
use crate::instruments::bowed::{Bow, bow};
use crate::instruments::plucked::{Pluck, pluck};
use crate::mixer::Place;

pub(crate) fn play(piece: &mut Piece) {
    let bar_seconds = 4.0 * piece.beat_seconds;
    let taste = piece.taste;
    // Fourths, thirds or sevenths: an artist's way to spread a chord.
    let spread: &[i32] = [&[0, 2, 4][..], &[0, 3, 4], &[0, 4, 6]][taste.habit % 3];
    for (start, chord) in piece.bars(4) {
        for (voice, step) in spread.iter().enumerate() {
            for side in [-1.0f32, 1.0] {
                let cents = 4.0 * f64::from(side) + 3.0 * f64::from(piece.chance.bipolar());
                let tone = Bow {
                    frequency_hz: piece.step_hz(chord + step, 1) * (cents / 1200.0).exp2(),
                    seconds: bar_seconds,
                    attack_seconds: 0.9 + 0.8 * taste.space,
                    release_seconds: 1.6,
                    brightness_hz: 500.0 + 1800.0 * taste.brightness,
                    vibrato_cents: 3.0 + 9.0 * taste.grit,
                    seed: piece.seed(),
                };
                let pan = side * (0.3 + 0.2 * voice as f32);
                let sound = bow(tone, piece.rate_hz);
                piece.add(start, &sound, Place { pan, gain: 0.14, send: 0.9 });
            }
        }
        let drone = Bow {
            frequency_hz: piece.step_hz(chord, -1),
            seconds: bar_seconds,
            attack_seconds: 0.6,
            release_seconds: 1.2,
            brightness_hz: 260.0,
            vibrato_cents: 0.0,
            seed: piece.seed(),
        };
        let sound = bow(drone, piece.rate_hz);
        piece.add(start, &sound, Place { pan: 0.0, gain: 0.3, send: 0.3 });
        for eighth in 0..8 {
            if piece.chance.between([0.0, 1.0]) > 0.1 + 0.3 * taste.density {
                continue;
            }
            let step = chord + 2 * piece.chance.below(5) as i32;
            let bell = Pluck {
                frequency_hz: piece.step_hz(step, 2),
                seconds: 2.5,
                velocity: 0.3 + 0.3 * taste.brightness as f32,
                decay_seconds: 5.0,
                dullness: 0.1,
                seed: piece.seed(),
            };
            let pan = 0.8 * piece.chance.bipolar();
            let at = piece.human(start + f64::from(eighth) * piece.beat_seconds / 2.0);
            let sound = pluck(bell, piece.rate_hz);
            piece.add(at, &sound, Place { pan, gain: 0.22, send: 1.5 });
        }
    }
}
