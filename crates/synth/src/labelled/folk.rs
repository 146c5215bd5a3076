//! Folk: a fingerpicked guitar, a wooden bass, and a voice or a fiddle above; some clap along.

use super::piece::{Piece, overlay};
use crate::instruments::bowed::{Bow, bow};
use crate::instruments::drums;
use crate::instruments::plucked::{Pluck, guitar_body, pluck};
use crate::instruments::voice::{SungNote, sing};
use crate::mixer::Place;

pub(crate) fn play(piece: &mut Piece) {
    let taste = piece.taste;
    let beats = if taste.habit.is_multiple_of(3) { 3 } else { 4 };
    let mut guitar = vec![0.0; piece.samples()];
    for (start, chord) in piece.bars(beats) {
        // Chord tones over two octaves: the thumb keeps to the root, the fingers roam.
        let picked: [i32; 8] = [[0, 4, 7, 9, 11, 9, 7, 4], [0, 7, 4, 9, 7, 11, 9, 7]][taste.habit % 2];
        for eighth in 0..2 * beats {
            if eighth % 2 == 1 && piece.chance.between([0.0, 1.0]) > 0.4 + 0.6 * taste.density {
                continue;
            }
            let note = Pluck {
                frequency_hz: piece.step_hz(chord + picked[eighth as usize % 8], 0),
                seconds: 1.2,
                velocity: (if eighth == 0 { 0.8 } else { 0.5 }) + 0.1 * piece.chance.bipolar(),
                decay_seconds: 2.0 + 2.5 * taste.space,
                dullness: 0.4 - 0.3 * taste.brightness,
                seed: piece.seed(),
            };
            let at = piece.human(start + f64::from(eighth) * piece.beat_seconds / 2.0);
            overlay(&mut guitar, at, piece.rate_hz, &pluck(note, piece.rate_hz));
        }
        let bass = Pluck {
            frequency_hz: piece.step_hz(chord, -1),
            seconds: 0.9 * f64::from(beats) * piece.beat_seconds,
            velocity: 0.7,
            decay_seconds: 3.0,
            dullness: 0.45,
            seed: piece.seed(),
        };
        let sound = pluck(bass, piece.rate_hz);
        piece.add(start, &sound, Place { pan: 0.1, gain: 0.5, send: 0.05 });
        if taste.grit > 0.5 {
            for beat in 1..beats {
                let seed = piece.seed();
                let clap = drums::castanet(piece.rate_hz, seed);
                let at = piece.human(start + f64::from(beat) * piece.beat_seconds);
                piece.add(at, &clap, Place { pan: -0.5, gain: 0.2, send: 0.3 });
            }
        }
    }
    guitar_body(&mut guitar, piece.rate_hz);
    piece.add(0.0, &guitar, Place { pan: -0.25, gain: 0.55, send: 0.15 });
    tune(piece, beats);
}

/// A line that wanders by step, one note or two to a beat.
fn tune(piece: &mut Piece, beats: u32) {
    let mut notes = Vec::new();
    let mut degree = 4;
    for (start, chord) in piece.bars(beats) {
        let mut beat = 0.0;
        while beat < f64::from(beats) {
            let length = piece.chance.pick(&[0.5f64, 1.0, 1.0, 2.0]).min(f64::from(beats) - beat);
            degree = (degree + piece.chance.below(5) as i32 - 2).clamp(0, 9);
            // Strong beats rest on the chord.
            let step = if beat == 0.0 { chord + 2 * (degree / 2) } else { degree };
            notes.push(SungNote {
                start_seconds: start + beat * piece.beat_seconds,
                seconds: 0.95 * length * piece.beat_seconds,
                key: piece.step_key(step, 1),
            });
            beat += length;
        }
    }
    let place = Place { pan: 0.2, gain: 0.3, send: 0.35 };
    if piece.taste.habit < 3 {
        let (samples, seed) = (piece.samples(), piece.seed());
        let voice = sing(&notes, samples, piece.rate_hz, seed);
        piece.add(0.0, &voice, place);
        return;
    }
    for note in notes {
        let fiddle = Bow {
            frequency_hz: crate::instruments::key_hz(note.key),
            seconds: note.seconds,
            attack_seconds: 0.06,
            release_seconds: 0.1,
            brightness_hz: 2_200.0 + 1_500.0 * piece.taste.brightness,
            vibrato_cents: 14.0,
            seed: piece.seed(),
        };
        let sound = bow(fiddle, piece.rate_hz);
        piece.add(note.start_seconds, &sound, place);
    }
}
