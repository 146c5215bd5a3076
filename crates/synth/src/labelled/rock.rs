//! Rock: power chords through an overdriven amplifier, bass in unison, kick and snare in opposition.

use super::piece::{Piece, overlay};
use crate::instruments::drums;
use crate::instruments::plucked::{Pluck, pluck};
use crate::mixer::Place;
use melisma_signal::Biquad;

pub(crate) fn play(piece: &mut Piece) {
    let taste = piece.taste;
    let eighth = piece.beat_seconds / 2.0;
    // Where the right hand strikes, of eight eighths; `x` is damped by the palm.
    let strokes = ["O.xxO.xx", "O..O..O.", "OxxxOxxx", "O.O.O.O."][taste.habit % 4];
    let kicks = ["k...k...", "k..kk...", "k.k.k..k"][taste.habit / 2];
    for side in [-0.7f32, 0.7] {
        let mut guitar = vec![0.0; piece.samples()];
        for (start, chord) in piece.bars(4) {
            for (place, stroke) in strokes.chars().enumerate().filter(|(_, stroke)| *stroke != '.') {
                // Root, fifth, octave: seven semitones, whatever the scale says.
                for semitones in [0.0, 7.0, 12.0] {
                    let note = Pluck {
                        frequency_hz: piece.step_hz(chord, 0) * (semitones / 12.0f64).exp2(),
                        seconds: if stroke == 'x' { 0.5 * eighth } else { 2.6 * eighth },
                        velocity: 0.85,
                        decay_seconds: 4.0,
                        dullness: if stroke == 'x' { 0.48 } else { 0.2 },
                        seed: piece.seed(),
                    };
                    let at = piece.human(start + place as f64 * eighth);
                    overlay(&mut guitar, at, piece.rate_hz, &pluck(note, piece.rate_hz));
                }
            }
        }
        amplify(&mut guitar, piece.rate_hz, 6.0 + 18.0 * taste.grit, 2_800.0 + 2_600.0 * taste.brightness);
        piece.add(0.0, &guitar, Place { pan: side, gain: 0.2, send: 0.06 });
    }
    for (bar, (start, chord)) in piece.bars(4).into_iter().enumerate() {
        for place in 0..8 {
            let at = start + place as f64 * eighth;
            let bass = Pluck {
                frequency_hz: piece.step_hz(chord, -1),
                seconds: 0.9 * eighth,
                velocity: 0.8,
                decay_seconds: 3.0,
                dullness: 0.4,
                seed: piece.seed(),
            };
            let sound = pluck(bass, piece.rate_hz);
            piece.add(at, &sound, Place { pan: 0.0, gain: 0.5, send: 0.0 });
            let seed = piece.seed();
            if kicks.as_bytes()[place] == b'k' {
                let sound = drums::kick(piece.rate_hz, seed);
                piece.add(at, &sound, Place { pan: 0.0, gain: 0.7, send: 0.02 });
            }
            if place % 4 == 2 {
                let sound = drums::snare(piece.rate_hz, seed);
                piece.add(at, &sound, Place { pan: 0.05, gain: 0.6, send: 0.2 });
            }
            if place % 2 == 0 || taste.density > 0.4 {
                let sound = drums::hat_closed(piece.rate_hz, seed);
                piece.add(at, &sound, Place { pan: 0.4, gain: 0.16, send: 0.02 });
            }
        }
        if bar % 4 == 0 {
            let seed = piece.seed();
            let sound = drums::crash(piece.rate_hz, seed);
            piece.add(start, &sound, Place { pan: -0.4, gain: 0.22, send: 0.1 });
        }
    }
}

/// Tubes and a loudspeaker: a tight low end, saturation, and nothing above `cone_hz`.
fn amplify(track: &mut [f32], rate_hz: u32, drive: f64, cone_hz: f64) {
    let mut tight = Biquad::high_pass(rate_hz, 90.0, 0.7);
    let mut cone = [Biquad::low_pass(rate_hz, cone_hz, 0.8), Biquad::low_pass(rate_hz, 1.3 * cone_hz, 0.6)];
    for sample in track {
        // Uneven halves, as a tube biased off its middle has.
        let pushed = f64::from(tight.tick(*sample)) * drive;
        let bent = (pushed + 0.3).tanh() - 0.3f64.tanh();
        let [near, far] = &mut cone;
        *sample = far.tick(near.tick(bent as f32));
    }
}
