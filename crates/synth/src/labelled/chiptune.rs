//! Chiptune: chords as fast arpeggios of a pulse wave, a tune on another, a triangle bass, noise for drums. Dry.

use super::piece::Piece;
use crate::instruments::oscillator::{Shape, Tone, tone};
use crate::mixer::Place;
use melisma_signal::Random;

pub(crate) fn play(piece: &mut Piece) {
    let taste = piece.taste;
    let sixteenth = piece.beat_seconds / 4.0;
    let width = [0.125, 0.25, 0.5][taste.habit % 3];
    let order: [i32; 4] = [[0, 2, 4, 7], [7, 4, 2, 0], [0, 4, 2, 4]][taste.habit / 2];
    let cutoff_hz = 4_000.0 + 8_000.0 * taste.brightness;
    let beep = |shape, frequency_hz, seconds, decay_seconds| Tone {
        shape,
        frequency_hz,
        seconds,
        attack_seconds: 0.001,
        decay_seconds,
        detune_cents: 0.0,
        cutoff_hz,
    };
    // A motif of two beats, repeated over the changing chords: what makes it a tune.
    let motif: Vec<(i32, bool)> = (0..8)
        .map(|_| {
            (piece.chance.below(5) as i32, piece.chance.between([0.0, 1.0]) < 0.45 + 0.4 * taste.density)
        })
        .collect();
    for (start, chord) in piece.bars(4) {
        for step in 0..16u32 {
            let at = start + f64::from(step) * sixteenth;
            let frequency_hz = piece.step_hz(chord + order[step as usize % 4], 2);
            let sound = tone(beep(Shape::Pulse(width), frequency_hz, 0.9 * sixteenth, 0.09), piece.rate_hz);
            piece.add(at, &sound, Place { pan: -0.4, gain: 0.24, send: 0.02 });
            let (degree, sounds) = motif[step as usize / 2];
            if step % 2 == 0 && sounds {
                let frequency_hz = piece.step_hz(chord + degree, 3);
                let sound = tone(beep(Shape::Pulse(0.5), frequency_hz, 1.8 * sixteenth, 0.25), piece.rate_hz);
                piece.add(at, &sound, Place { pan: 0.35, gain: 0.26, send: 0.05 });
            }
            if step % 2 == 0 {
                let octave = if step % 4 == 0 { -1 } else { 0 };
                let note =
                    beep(Shape::Triangle, piece.step_hz(chord, octave), 1.6 * sixteenth, f64::INFINITY);
                let sound = tone(note, piece.rate_hz);
                piece.add(at, &sound, Place { pan: 0.0, gain: 0.4, send: 0.0 });
            }
            let (level, decay_seconds) = match step % 8 {
                4 => (0.5, 0.07),
                0 => (0.35, 0.03),
                2 | 6 => (0.16, 0.02),
                _ if taste.density > 0.5 => (0.08, 0.012),
                _ => continue,
            };
            let seed = piece.seed();
            let hit = noise(piece.rate_hz, seed, decay_seconds);
            piece.add(at, &hit, Place { pan: 0.0, gain: level, send: 0.0 });
        }
    }
}

/// A burst of the noise channel: samples held, as the old chips' shift registers did.
fn noise(rate_hz: u32, seed: u64, decay_seconds: f64) -> Vec<f32> {
    let mut chance = Random::new(seed);
    let hold = (f64::from(rate_hz) / 14_000.0).ceil().max(1.0) as usize;
    let mut value = 0.0;
    (0..(5.0 * decay_seconds * f64::from(rate_hz)) as usize)
        .map(|n| {
            if n % hold == 0 {
                value = chance.bipolar().signum();
            }
            value * (-(n as f64) / (decay_seconds * f64::from(rate_hz))).exp() as f32
        })
        .collect()
}
