//! Decoded sections to continuous sound: borders unfolded, silence in place of what is lost.
//!
//! Sections come in order. The end of each is folded until the next one completes it, so one section is held back.
//! `docs/format.md`, section 9.4.

use super::{geometry::Geometry, section::SectionHead};
use melisma_signal::{Pcm, lapped::LappedTransform};
use std::collections::VecDeque;

/// Longest block of silence given out at once, in samples.
const SILENCE_SAMPLES: u64 = 1 << 16;

/// Joins sections.
pub(crate) struct Join {
    sample_rate_hz: u32,
    channel_count: usize,
    section_samples: u64,
    lapped: LappedTransform,
    /// What goes out next, in order.
    ready: VecDeque<Piece>,
    /// First sample behind everything that went out or is ready.
    produced: u64,
    /// First sample behind everything that went out.
    position: u64,
    /// The last section's samples, folded still at its end, which the next one completes.
    held: Option<Held>,
    /// Samples before this one are not given out: a seek landed inside a section.
    skip_before: u64,
}

enum Piece {
    /// `[channel][sample]`
    Sound(Vec<Vec<f32>>),
    /// So many samples; given out in short blocks, for a file can announce much of it.
    Silence(u64),
}

/// A section whose end waits for its successor.
struct Held {
    index: u64,
    channels: Vec<Vec<f32>>,
    right_log2: Option<u8>,
    samples: usize,
}

impl Join {
    /// Begins at the first section of a stream.
    pub(crate) fn new(geometry: &Geometry, lapped: LappedTransform) -> Self {
        Self {
            sample_rate_hz: geometry.sample_rate_hz,
            channel_count: geometry.channel_count,
            section_samples: geometry.section_samples() as u64,
            lapped,
            ready: VecDeque::new(),
            produced: 0,
            position: 0,
            held: None,
            skip_before: 0,
        }
    }

    /// Begins anew with section `first`; what lies before `sample` is not given out.
    pub(crate) fn go_on_at(&mut self, first: u64, sample: u64) {
        self.ready.clear();
        self.held = None;
        let begin = first * self.section_samples;
        (self.produced, self.position) = (begin, begin);
        self.skip_before = sample;
    }

    /// Takes the next section as synthesised: completes the one before with it and holds this one back.
    ///
    /// # Shapes
    /// `channels` `[channel][sample]`, all superframes of the section.
    pub(crate) fn section(&mut self, head: &SectionHead, geometry: &Geometry, channels: Vec<Vec<f32>>) {
        let index = u64::from(head.index);
        let samples = head.samples(geometry) as usize;
        let mut next = Held { index, channels, right_log2: head.overlaps_log2.1, samples };
        if self.held.as_ref().is_some_and(|held| held.index + 1 == index) {
            self.release_held(Some((&mut next, head.overlaps_log2.0)));
        } else {
            self.release_held(None);
            self.silence_to(index * self.section_samples);
        }
        self.held = Some(next);
    }

    /// Ends the stream; silence follows up to sample `total`.
    pub(crate) fn end(&mut self, total: u64) {
        self.release_held(None);
        self.silence_to(total);
    }

    /// The next sound, none if that waits for a section or the end was reached.
    pub(crate) fn next_block(&mut self) -> Option<Pcm> {
        while let Some(piece) = self.ready.pop_front() {
            let channels = match piece {
                Piece::Sound(channels) => channels,
                Piece::Silence(samples) => {
                    let now = samples.min(SILENCE_SAMPLES);
                    if samples > now {
                        self.ready.push_front(Piece::Silence(samples - now));
                    }
                    vec![vec![0.0; now as usize]; self.channel_count]
                }
            };
            let mut block = Pcm { sample_rate_hz: self.sample_rate_hz, channels };
            let samples = block.samples() as u64;
            let skip = self.skip_before.saturating_sub(self.position).min(samples);
            self.position += samples;
            for channel in &mut block.channels {
                channel.drain(..skip as usize);
            }
            if !block.is_empty() {
                return Some(block);
            }
        }
        None
    }

    fn silence_to(&mut self, sample: u64) {
        let missing = sample.saturating_sub(self.produced);
        self.give(Piece::Silence(missing), missing);
    }

    fn give(&mut self, piece: Piece, samples: u64) {
        if samples > 0 {
            self.ready.push_back(piece);
            self.produced += samples;
        }
    }

    /// Unfolds the border between the held section and `next`, and gives the held one out.
    fn release_held(&mut self, next: Option<(&mut Held, Option<u8>)>) {
        let Some(mut held) = self.held.take() else { return };
        if let Some((next, left_log2)) = next
            && let (Some(left), Some(right)) = (left_log2, held.right_log2)
        {
            for (before, after) in held.channels.iter_mut().zip(&mut next.channels) {
                self.lapped.slope(u32::from(left.min(right))).unfold(before, after);
            }
        }
        for channel in &mut held.channels {
            channel.truncate(held.samples);
        }
        self.give(Piece::Sound(held.channels), held.samples as u64);
    }
}
