//! Techno: a kick on every beat, an open hat between, a saw bass in sixteenths, chords as stabs.

use super::piece::Piece;
use crate::instruments::drums;
use crate::instruments::oscillator::{Shape, Tone, tone};
use crate::mixer::Place;

pub(crate) fn play(piece: &mut Piece) {
    let taste = piece.taste;
    let sixteenth = piece.beat_seconds / 4.0;
    // A loop of sixteen steps that does not change: hypnosis.
    let line: Vec<Option<i32>> = (0..16)
        .map(|step| {
            let sounds = step % 4 != 0 && piece.chance.between([0.0, 1.0]) < 0.35 + 0.55 * taste.density;
            sounds.then(|| piece.chance.pick(&[0, 0, 0, 7, 2, 4]))
        })
        .collect();
    let stabs = ["..x...x.........", "...x..x...x..x..", "x.....x........."][taste.habit % 3].as_bytes();
    let bass_hz = 350.0 + 1_400.0 * taste.brightness;
    let stab_hz = 900.0 + 3_000.0 * taste.brightness;
    for (start, chord) in piece.bars(4) {
        for step in 0..16usize {
            let at = start + step as f64 * sixteenth;
            let seed = piece.seed();
            if step % 4 == 0 {
                let sound = drums::kick(piece.rate_hz, seed);
                piece.add(at, &sound, Place { pan: 0.0, gain: 0.95, send: 0.01 });
            }
            if step % 4 == 2 {
                let sound = drums::hat_open(piece.rate_hz, seed);
                piece.add(at, &sound, Place { pan: 0.15, gain: 0.3, send: 0.05 });
            } else if taste.grit > 0.4 {
                let sound = drums::hat_closed(piece.rate_hz, seed);
                piece.add(at, &sound, Place { pan: -0.25, gain: 0.12, send: 0.02 });
            }
            if step % 8 == 4 && taste.habit > 1 {
                let sound = drums::snare(piece.rate_hz, seed);
                piece.add(at, &sound, Place { pan: 0.0, gain: 0.35, send: 0.35 });
            }
            if let Some(degree) = line[step] {
                let note = Tone {
                    shape: Shape::Saw,
                    frequency_hz: piece.step_hz(chord + degree, -1),
                    seconds: 0.85 * sixteenth,
                    attack_seconds: 0.002,
                    decay_seconds: 0.12,
                    detune_cents: 9.0 * taste.grit,
                    cutoff_hz: bass_hz,
                };
                let sound = tone(note, piece.rate_hz);
                piece.add(at, &sound, Place { pan: 0.0, gain: 0.55, send: 0.03 });
            }
            if stabs[step] == b'x' {
                for (voice, degree) in [0, 2, 4, 6].into_iter().enumerate() {
                    let note = Tone {
                        shape: Shape::Saw,
                        frequency_hz: piece.step_hz(chord + degree, 1),
                        seconds: 1.5 * sixteenth,
                        attack_seconds: 0.003,
                        decay_seconds: 0.15,
                        detune_cents: 14.0,
                        cutoff_hz: stab_hz,
                    };
                    let pan = 0.3 * (voice as f32 - 1.5);
                    let sound = tone(note, piece.rate_hz);
                    piece.add(at, &sound, Place { pan, gain: 0.12, send: 0.8 });
                }
            }
        }
    }
}
