//! The music of a stream in its order: blocks, silence for what is lost, and what is trimmed.
//!
//! A reader puts in what it decodes and the length of what it could not; out come blocks of bounded
//! size. Places of losses are told in seconds of what is delivered, over all streams of a chain.

use std::collections::VecDeque;

use super::reader::{Notes, Trim};

/// Samples per channel of a block of silence.
const SILENT_BLOCK_SAMPLES: u64 = 4096;
/// Longest gap, in seconds, that is filled with silence: beyond it, a damaged time stamp is the
/// likelier cause.
pub const MAX_GAP_SECONDS: u64 = 2 * 3600;

/// Planar samples, `[channel][sample]`.
pub type Planes = Vec<Vec<f32>>;

enum Piece {
    Music(Planes),
    Silence(u64),
}

/// Music on its way from a decoder to the caller.
#[derive(Default)]
pub struct Timeline {
    queue: VecDeque<Piece>,
    sample_rate_hz: u32,
    channel_count: usize,
    trim: Trim,
    /// Samples dropped at the start of this stream, to tell places in music time.
    lead_samples: u64,
    /// Samples of music, if known.
    keep_samples: Option<u64>,
    /// Samples put in since the stream began, before trimming.
    taken_samples: u64,
    /// Samples given out since the stream began.
    given_samples: u64,
    /// Length of the earlier streams of the chain.
    earlier_seconds: f64,
}

impl Timeline {
    /// Starts a stream, behind those before it. Everything put in before must have been taken out.
    pub fn start(&mut self, sample_rate_hz: u32, channel_count: usize, trim: Trim) {
        self.earlier_seconds = self.now_seconds();
        (self.sample_rate_hz, self.channel_count) = (sample_rate_hz, channel_count);
        (self.trim, self.lead_samples, self.keep_samples) = (trim, trim.skip, trim.keep);
        (self.taken_samples, self.given_samples) = (0, 0);
    }

    /// Samples put in since the stream began.
    pub fn taken_samples(&self) -> u64 {
        self.taken_samples
    }

    /// Samples of the stream that were given out or are still to come of what was put in.
    pub fn coming_samples(&self) -> u64 {
        let taken = self.taken_samples.saturating_sub(self.lead_samples);
        self.keep_samples.map_or(taken, |keep| taken.min(keep))
    }

    /// Seconds given out so far.
    pub fn now_seconds(&self) -> f64 {
        self.earlier_seconds + self.given_samples as f64 / f64::from(self.sample_rate_hz.max(1))
    }

    /// Puts in decoded music.
    pub fn push(&mut self, planes: Planes) {
        let samples = planes.first().map_or(0, Vec::len);
        if samples > 0 {
            self.taken_samples += samples as u64;
            self.queue.push_back(Piece::Music(planes));
        }
    }

    /// Puts in silence for `samples` that are lost, and tells where.
    pub fn lose(&mut self, samples: u64, what: &'static str, notes: &mut Notes) {
        if samples == 0 {
            return;
        }
        let start = self.seconds_at(self.taken_samples);
        if samples / u64::from(self.sample_rate_hz.max(1)) >= MAX_GAP_SECONDS {
            notes.harm(format!("time jumps by more than two hours behind {}", super::reader::clock(start)));
            return;
        }
        self.taken_samples += samples;
        self.queue.push_back(Piece::Silence(samples));
        notes.lose(start, self.seconds_at(self.taken_samples), what);
    }

    /// Puts in silence that is meant, of less than two hours.
    pub fn pause(&mut self, samples: u64) {
        if samples > 0 && samples / u64::from(self.sample_rate_hz.max(1)) < MAX_GAP_SECONDS {
            self.taken_samples += samples;
            self.queue.push_back(Piece::Silence(samples));
        }
    }

    /// Puts in what stands for music that is lost, and tells where.
    pub fn stand_in(&mut self, planes: Planes, what: &'static str, notes: &mut Notes) {
        let start = self.seconds_at(self.taken_samples);
        self.push(planes);
        notes.lose(start, self.seconds_at(self.taken_samples), what);
    }

    /// The place of a sample that was put in, in seconds of what is delivered.
    fn seconds_at(&self, sample: u64) -> f64 {
        let music = sample.saturating_sub(self.lead_samples) as f64;
        self.earlier_seconds + music / f64::from(self.sample_rate_hz.max(1))
    }

    /// The next block, trimmed and not empty; `None` when more must be put in.
    pub fn pop(&mut self) -> Option<Planes> {
        loop {
            let mut planes = match self.queue.pop_front()? {
                Piece::Music(planes) => planes,
                Piece::Silence(samples) => {
                    let now = samples.min(SILENT_BLOCK_SAMPLES);
                    if samples > now {
                        self.queue.push_front(Piece::Silence(samples - now));
                    }
                    vec![vec![0.0; now as usize]; self.channel_count]
                }
            };
            self.trim.apply(&mut planes);
            let samples = planes.first().map_or(0, Vec::len);
            if samples > 0 {
                self.given_samples += samples as u64;
                return Some(planes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_takes_its_time_and_is_told_in_music_time() {
        let (mut timeline, mut notes) = (Timeline::default(), Notes::default());
        timeline.start(1000, 1, Trim { skip: 500, keep: None, padding: None });
        timeline.push(vec![vec![1.0; 1500]]);
        timeline.lose(5000, "a test", &mut notes);
        timeline.push(vec![vec![1.0; 10]]);
        let all: Vec<f32> = std::iter::from_fn(|| timeline.pop()).flatten().flatten().collect();
        assert_eq!(all.len(), 6010);
        assert!(all[1000..6000].iter().all(|x| *x == 0.0) && all[999] == 1.0 && all[6000] == 1.0);
        assert_eq!(notes.sentences(), ["silence from 0:01.00 to 0:06.00: a test"]);

        timeline.start(100, 1, Trim::default());
        timeline.push(vec![vec![1.0; 100]]);
        timeline.lose(100, "another", &mut notes);
        assert_eq!(notes.sentences()[1], "silence from 0:07.01 to 0:08.01: another");
        timeline.lose(u64::MAX, "never", &mut notes);
        assert_eq!(timeline.taken_samples(), 200);
        assert_eq!(notes.damaged_places(), 3);
    }
}
