//! What every genre needs at hand while it plays: the clock, the scale, the artist's taste, the mixing desk.

use super::{Score, TrackPlan};
use crate::instruments::key_hz;
use crate::mixer::{Mixer, Place};
use melisma_signal::{Pcm, Random};

/// What all tracks of an artist have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taste {
    /// How bright sounds are, 0..1.
    pub brightness: f64,
    /// How many notes are played, 0..1.
    pub density: f64,
    /// How large the room is, 0..1.
    pub space: f64,
    /// How rough sounds and how loose rhythms are, 0..1.
    pub grit: f64,
    /// Which of a genre's ways to play is taken, 0..6.
    pub habit: usize,
}

/// A track while it is being played.
pub(crate) struct Piece {
    pub rate_hz: u32,
    pub taste: Taste,
    pub chance: Random,
    pub beat_seconds: f64,
    /// Chords of four bars, as steps of the scale.
    pub progression: [i32; 4],
    scale: &'static [u8],
    root_key: f64,
    seconds: f64,
    mixer: Mixer,
}

/// Silence before the first note, in seconds.
const LEAD_IN_SECONDS: f64 = 0.05;
const FADE_SECONDS: f64 = 0.4;

impl Piece {
    pub(crate) fn new(track: &TrackPlan, rate_hz: u32) -> Self {
        let mut artist = Random::new(track.artist_seed);
        let taste = Taste {
            brightness: artist.between([0.0, 1.0]),
            density: artist.between([0.0, 1.0]),
            space: artist.between([0.0, 1.0]),
            grit: artist.between([0.0, 1.0]),
            habit: artist.below(6) as usize,
        };
        let (slow, fast) = track.genre.tempo_range_bpm();
        let usual_bpm = artist.between([slow, fast]);
        let scale = artist.pick(track.genre.scales());
        let mut chance = Random::new(track.track_seed);
        let bpm = (usual_bpm * chance.between([0.96, 1.04])).clamp(slow, fast);
        let progression = chance.pick(track.genre.progressions());
        // Any of an octave of keys, around D.
        let root_key = 45.0 + chance.below(12) as f64;
        Self {
            rate_hz,
            taste,
            chance,
            beat_seconds: 60.0 / bpm,
            progression,
            scale,
            root_key,
            seconds: track.seconds,
            mixer: Mixer::new(rate_hz, track.seconds),
        }
    }

    /// Frequency of a step of the scale, `octave` octaves above the root between A2 and G#3.
    pub(crate) fn step_hz(&self, step: i32, octave: i32) -> f64 {
        key_hz(self.step_key(step, octave))
    }

    /// MIDI key of a step of the scale.
    pub(crate) fn step_key(&self, step: i32, octave: i32) -> f64 {
        let steps = self.scale.len() as i32;
        let semitones = f64::from(self.scale[step.rem_euclid(steps) as usize]);
        self.root_key + semitones + 12.0 * f64::from(octave + step.div_euclid(steps))
    }

    /// Start of each bar of `beats` beats, with the step that its chord stands on.
    pub(crate) fn bars(&self, beats: u32) -> Vec<(f64, i32)> {
        let bar_seconds = f64::from(beats) * self.beat_seconds;
        let count = ((self.seconds - LEAD_IN_SECONDS) / bar_seconds).ceil().max(1.0) as usize;
        (0..count)
            .map(|bar| (LEAD_IN_SECONDS + bar as f64 * bar_seconds, self.progression[bar % 4]))
            .collect()
    }

    pub(crate) fn score(&self) -> Score {
        // MIDI counts keys from a C.
        let tonic = (self.root_key as i64).rem_euclid(12) as u8;
        Score { tempo_bpm: 60.0 / self.beat_seconds, tonic, scale: self.scale }
    }

    pub(crate) fn seed(&mut self) -> u64 {
        self.chance.bits()
    }

    /// Early or late by what the artist thinks loose.
    pub(crate) fn human(&mut self, seconds: f64) -> f64 {
        seconds + (0.001 + 0.007 * self.taste.grit) * f64::from(self.chance.bipolar())
    }

    pub(crate) fn samples(&self) -> usize {
        (self.seconds * f64::from(self.rate_hz)) as usize
    }

    /// Adds a sound to the mix. The artist's space scales the hall.
    pub(crate) fn add(&mut self, start_seconds: f64, sound: &[f32], place: Place) {
        let send = place.send * (0.3 + 1.2 * self.taste.space) as f32;
        self.mixer.add(start_seconds, sound, Place { send, ..place });
    }

    pub(crate) fn finish(self) -> Pcm {
        self.mixer.master(FADE_SECONDS.min(self.seconds / 4.0))
    }
}

/// Adds a note to an instrument's own track, before amplifier or body colour it.
pub(crate) fn overlay(track: &mut [f32], start_seconds: f64, rate_hz: u32, note: &[f32]) {
    let start = (start_seconds.max(0.0) * f64::from(rate_hz)) as usize;
    for (sample, new) in track.iter_mut().skip(start).zip(note) {
        *sample += new;
    }
}
