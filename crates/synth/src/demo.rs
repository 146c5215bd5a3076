//! The demo piece: the score handed to the players, and the players to the mixer.

use crate::instruments::bowed::{Bow, bow};
use crate::instruments::plucked::{Pluck, guitar_body, pluck};
use crate::instruments::voice::{SungNote, sing};
use crate::instruments::{drums, key_hz};
use crate::mixer::{Mixer, Place};
use crate::score;
use melisma_signal::{Pcm, Random};

const BEAT_SECONDS: f64 = 60.0 / score::BEATS_PER_MINUTE;
const BAR_SECONDS: f64 = score::BEATS_PER_BAR * BEAT_SECONDS;
const SIXTEENTH_SECONDS: f64 = BEAT_SECONDS / 4.0;
/// A breath before the first note, so that its attack is not the first sample.
const LEAD_IN_SECONDS: f64 = 0.25;
/// Seconds for which the last chord rings on.
const RING_SECONDS: f64 = 2.3;

/// Renders the demo piece, about 29 seconds of stereo, peak at -1 dBFS.
///
/// Guitars (Karplus-Strong), string section and cello, bass, a sung lead line of many notes on one
/// vowel (a *melisma*), kick, snare, hi-hat, castanets, in a small hall. Any rate from 8 kHz up will
/// do. Same rate, same samples.
#[must_use]
pub fn demo_piece(sample_rate_hz: u32) -> Pcm {
    let seconds = LEAD_IN_SECONDS + score::BARS as f64 * BAR_SECONDS + RING_SECONDS;
    let mut band = Band {
        sample_rate_hz,
        seconds,
        mixer: Mixer::new(sample_rate_hz, seconds),
        chance: Random::new(1600),
    };
    band.guitars();
    band.bass();
    band.string_section();
    band.cello();
    band.voice();
    band.drums();
    band.mixer.master(1.2)
}

struct Band {
    sample_rate_hz: u32,
    seconds: f64,
    mixer: Mixer,
    chance: Random,
}

fn bar_start(bar: usize) -> f64 {
    LEAD_IN_SECONDS + bar as f64 * BAR_SECONDS
}

/// How loud the band plays, bar by bar: the piece's arch.
fn dynamics(bar: usize) -> f32 {
    [0.7, 0.76, 0.78, 0.82, 0.86, 0.9, 1.0, 1.0, 1.06, 1.1, 0.8, 0.72][bar.min(score::BARS - 1)]
}

impl Band {
    fn seed(&mut self) -> u64 {
        u64::from(self.chance.bipolar().to_bits())
    }

    /// A few milliseconds early or late, as people play.
    fn human(&mut self, seconds: f64) -> f64 {
        seconds + 0.004 * f64::from(self.chance.bipolar())
    }

    fn samples(&self) -> usize {
        (self.seconds * f64::from(self.sample_rate_hz)) as usize
    }

    /// Adds a note to an instrument's own track, before its body colours it.
    fn write(&self, track: &mut [f32], start_seconds: f64, note: &[f32]) {
        let start = (start_seconds.max(0.0) * f64::from(self.sample_rate_hz)) as usize;
        for (sample, new) in track.iter_mut().skip(start).zip(note) {
            *sample += new;
        }
    }

    /// Fingerpicked: eighths in the introduction, flowing sixteenths once the song begins.
    fn guitars(&mut self) {
        const EIGHTHS: &[usize] = &[0, 2, 4, 3];
        const SIXTEENTHS: &[usize] = &[0, 2, 3, 4, 1, 3, 4, 2];
        let mut near = vec![0.0; self.samples()];
        let mut far = vec![0.0; self.samples()];
        for (half, chord) in score::HARMONY.iter().enumerate() {
            let bar = half / 2;
            let start = bar_start(bar) + (half % 2) as f64 * BAR_SECONDS / 2.0;
            if bar + 1 == score::BARS {
                if half % 2 == 0 {
                    self.strum(&mut near, start, &chord.guitar);
                }
                continue;
            }
            let order = if bar < score::SONG_BAR || bar == score::BARS - 2 { EIGHTHS } else { SIXTEENTHS };
            let step = BAR_SECONDS / 2.0 / order.len() as f64;
            for (place, string) in order.iter().enumerate() {
                let accent = if place == 0 { 0.82 } else { 0.56 };
                let note = Pluck {
                    frequency_hz: key_hz(f64::from(chord.guitar[*string])),
                    seconds: if *string < 2 { BAR_SECONDS / 2.0 } else { 3.2 * step },
                    velocity: dynamics(bar) * accent * (1.0 + 0.12 * self.chance.bipolar()),
                    decay_seconds: 3.6,
                    dullness: 0.22,
                    seed: self.seed(),
                };
                let at = self.human(start + place as f64 * step);
                self.write(&mut near, at, &pluck(note, self.sample_rate_hz));
                // The second guitar joins the full band: off-beats, an octave up, across the stage.
                if (score::CELLO_BAR..score::BARS - 2).contains(&bar) && place % 2 == 1 && *string >= 2 {
                    let echo = Pluck {
                        frequency_hz: 2.0 * note.frequency_hz,
                        velocity: 0.6 * note.velocity,
                        dullness: 0.3,
                        seed: self.seed(),
                        ..note
                    };
                    self.write(&mut far, at, &pluck(echo, self.sample_rate_hz));
                }
            }
        }
        guitar_body(&mut near, self.sample_rate_hz);
        guitar_body(&mut far, self.sample_rate_hz);
        self.mixer.add(0.0, &near, Place { pan: -0.42, gain: 0.5, send: 0.16 });
        self.mixer.add(0.0, &far, Place { pan: 0.6, gain: 0.42, send: 0.24 });
    }

    fn strum(&mut self, track: &mut [f32], start: f64, keys: &[u8]) {
        for (string, key) in keys.iter().enumerate() {
            let note = Pluck {
                frequency_hz: key_hz(f64::from(*key)),
                seconds: 6.0,
                velocity: 0.6,
                decay_seconds: 5.5,
                dullness: 0.25,
                seed: self.seed(),
            };
            self.write(track, start + 0.045 * string as f64, &pluck(note, self.sample_rate_hz));
        }
    }

    fn bass(&mut self) {
        for (half, chord) in score::HARMONY.iter().enumerate().skip(2 * score::SONG_BAR) {
            let bar = half / 2;
            let start = bar_start(bar) + (half % 2) as f64 * BAR_SECONDS / 2.0;
            let last = bar + 1 == score::BARS;
            let line: &[(u8, f64, f64)] = match (last, half % 2) {
                (true, 0) => &[(0, 0.0, 7.5)],
                (true, _) => &[],
                (false, _) => &[(0, 0.0, 1.4), (1, 1.5, 0.45)],
            };
            for (which, beat, beats) in line {
                let frequency_hz = key_hz(f64::from(chord.bass[usize::from(*which)]));
                let velocity = dynamics(bar) * if *which == 0 { 0.8 } else { 0.6 };
                let note = Pluck {
                    frequency_hz,
                    seconds: beats * BEAT_SECONDS,
                    velocity,
                    decay_seconds: 3.5,
                    dullness: 0.45,
                    seed: self.seed(),
                };
                let mut tone = pluck(note, self.sample_rate_hz);
                self.add_fundamental(&mut tone, note);
                let at = self.human(start + beat * BEAT_SECONDS);
                self.mixer.add(at, &tone, Place { pan: 0.04, gain: 0.55, send: 0.03 });
            }
        }
    }

    /// The weight of a wooden bass: its fundamental, fading with the string.
    fn add_fundamental(&self, tone: &mut [f32], note: Pluck) {
        let step = std::f64::consts::TAU * note.frequency_hz / f64::from(self.sample_rate_hz);
        let samples = tone.len();
        for (index, sample) in tone.iter_mut().enumerate() {
            let seconds = index as f64 / f64::from(self.sample_rate_hz);
            let end = ((samples - index) as f64 / (0.1 * f64::from(self.sample_rate_hz))).min(1.0);
            let level =
                0.5 * f64::from(note.velocity) * (-seconds / 0.9).exp() * (seconds / 0.012).min(1.0) * end;
            *sample += (level * (step * index as f64).sin()) as f32;
        }
    }

    /// Three voices, three players each, spread over the stage.
    fn string_section(&mut self) {
        for (half, chord) in score::HARMONY.iter().enumerate().skip(2 * score::SONG_BAR) {
            let bar = half / 2;
            let last = bar + 1 == score::BARS;
            if last && half % 2 == 1 {
                continue;
            }
            let start = bar_start(bar) + (half % 2) as f64 * BAR_SECONDS / 2.0;
            for (voice, key) in chord.strings.iter().enumerate() {
                for player in 0..3 {
                    let cents = 7.0 * f64::from(player - 1) + 2.0 * f64::from(self.chance.bipolar());
                    let tone = Bow {
                        frequency_hz: key_hz(f64::from(*key) + cents / 100.0),
                        seconds: if last { BAR_SECONDS + 0.8 } else { BAR_SECONDS / 2.0 },
                        attack_seconds: 0.28,
                        release_seconds: if last { 1.4 } else { 0.45 },
                        brightness_hz: 1500.0 + 1200.0 * f64::from(dynamics(bar)),
                        vibrato_cents: 9.0,
                        seed: self.seed(),
                    };
                    let pan = 0.75 * (player - 1) as f32 + 0.12 * (voice as f32 - 1.0);
                    let place = Place { pan: pan.clamp(-1.0, 1.0), gain: 0.062 * dynamics(bar), send: 0.5 };
                    let at = self.human(start);
                    self.mixer.add(at, &bow(tone, self.sample_rate_hz), place);
                }
            }
        }
    }

    fn cello(&mut self) {
        let mut beat = 0.0;
        for (key, beats) in score::CELLO {
            let bar = score::CELLO_BAR + (beat / score::BEATS_PER_BAR) as usize;
            let tone = Bow {
                frequency_hz: key_hz(f64::from(*key)),
                seconds: beats * BEAT_SECONDS - 0.02,
                attack_seconds: 0.11,
                release_seconds: if bar + 1 == score::BARS { 1.5 } else { 0.14 },
                brightness_hz: 1900.0,
                vibrato_cents: 16.0,
                seed: self.seed(),
            };
            let start = bar_start(score::CELLO_BAR) + beat * BEAT_SECONDS;
            let place = Place { pan: 0.3, gain: 0.2 * dynamics(bar), send: 0.3 };
            self.mixer.add(start, &bow(tone, self.sample_rate_hz), place);
            beat += beats;
        }
    }

    fn voice(&mut self) {
        let mut beat = 0.0;
        let mut notes = Vec::new();
        for (key, beats) in score::SONG {
            if *key != 0 {
                notes.push(SungNote {
                    start_seconds: bar_start(score::SONG_BAR) + beat * BEAT_SECONDS,
                    seconds: beats * BEAT_SECONDS,
                    key: f64::from(*key),
                });
            }
            beat += beats;
        }
        let samples = self.samples();
        let lead = sing(&notes, samples, self.sample_rate_hz, 11);
        self.mixer.add(0.0, &lead, Place { pan: -0.04, gain: 0.42, send: 0.32 });
        // A second singer far back in the hall, a hair late: the line gains width without a chorus effect.
        let double = sing(&notes, samples, self.sample_rate_hz, 12);
        self.mixer.add(0.018, &double, Place { pan: 0.35, gain: 0.09, send: 1.4 });
    }

    fn drums(&mut self) {
        for (bar, pattern) in score::DRUMS.iter().enumerate() {
            for (sixteenth, (((kick, snare), hat), castanets)) in pattern
                .kick
                .chars()
                .zip(pattern.snare.chars())
                .zip(pattern.hat.chars())
                .zip(pattern.castanets.chars())
                .enumerate()
            {
                let at = bar_start(bar) + sixteenth as f64 * SIXTEENTH_SECONDS;
                self.strike(kick, at, bar, drums::kick, Place { pan: 0.0, gain: 0.62, send: 0.02 });
                self.strike(snare, at, bar, drums::snare, Place { pan: 0.08, gain: 0.4, send: 0.2 });
                let metal = if hat == 'o' { drums::hat_open } else { drums::hat_closed };
                self.strike(hat, at, bar, metal, Place { pan: 0.34, gain: 0.13, send: 0.05 });
                let shells = Place { pan: -0.62, gain: 0.42, send: 0.3 };
                if castanets == 'r' {
                    for third in 0..3 {
                        let at = at + f64::from(third) * SIXTEENTH_SECONDS / 3.0;
                        self.strike('r', at, bar, drums::castanet, shells);
                    }
                } else {
                    self.strike(castanets, at, bar, drums::castanet, shells);
                }
            }
        }
        for (bar, gain) in [(score::CELLO_BAR, 0.17), (score::BARS - 2, 0.14)] {
            let seed = self.seed();
            let cymbal = drums::crash(self.sample_rate_hz, seed);
            self.mixer.add(bar_start(bar), &cymbal, Place { pan: -0.3, gain, send: 0.15 });
        }
    }

    fn strike(&mut self, letter: char, at: f64, bar: usize, drum: fn(u32, u64) -> Vec<f32>, place: Place) {
        let force = match letter {
            '.' => return,
            'X' => 1.0,
            'r' => 0.5,
            _ => 0.62,
        };
        let force = force * dynamics(bar) * (1.0 + 0.1 * self.chance.bipolar());
        let at = self.human(at);
        let seed = self.seed();
        let hit = drum(self.sample_rate_hz, seed);
        self.mixer.add(at, &hit, Place { gain: place.gain * force, ..place });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_piece_is_loud_clean_stereo_and_the_same_every_time() {
        for sample_rate_hz in [8_000, 44_100] {
            let piece = demo_piece(sample_rate_hz);
            assert_eq!(piece.channel_count(), 2);
            assert!((20.0..30.0).contains(&piece.seconds()), "{} s", piece.seconds());
            let samples = || piece.channels.iter().flatten();
            assert!(samples().all(|sample| sample.is_finite()));
            let peak = samples().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
            // -1 dBFS = 0.8913; f32 rounding of one multiplication.
            assert!((peak - 0.891_25).abs() < 1e-4, "peak {peak}");
            let power = samples().map(|x| f64::from(*x).powi(2)).sum::<f64>() / samples().count() as f64;
            // Between a quiet classical and a loud pop master.
            assert!((-24.0..-12.0).contains(&(10.0 * power.log10())), "rms {} dB", 10.0 * power.log10());
            assert_ne!(piece.channels[0], piece.channels[1]);
            assert_eq!(piece, demo_piece(sample_rate_hz));
        }
    }
}
