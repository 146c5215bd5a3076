//! What the decoders have in common: a format, blocks, and remarks about what they met.

use melisma_signal::Metadata;

use super::timeline::{Planes, Timeline};
use crate::{MediaError, Speaker};

/// Largest number of channels that is taken in, to bound the memory of a block.
pub const MAX_CHANNELS: usize = 64;

/// The stream as it is stored, before any mixing or resampling.
#[derive(Clone, Debug)]
pub struct StreamFormat {
    /// Samples per second and channel.
    pub sample_rate_hz: u32,
    /// One entry per channel.
    pub layout: Vec<Speaker>,
    /// Samples per channel, if the container states it.
    pub total_samples: Option<u64>,
}

impl StreamFormat {
    /// Number of channels.
    pub fn channel_count(&self) -> usize {
        self.layout.len()
    }
}

/// Remarks collected while reading.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    /// Things that the user may want to know, one sentence each.
    warnings: Vec<String>,
    /// Places without their music, in order of time.
    lost: Vec<Lost>,
    /// What is known about a missing end.
    end_missing: Option<String>,
    /// Damage whose place in time is not known.
    unplaced: u64,
}

/// A stretch of time whose music is damaged or missing; silence stands in for it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Lost {
    start_seconds: f64,
    end_seconds: f64,
    what: &'static str,
}

/// Stretches nearer to each other than this are told as one: a listener hears one fault.
const JOINED_SECONDS: f64 = 0.05;

impl Notes {
    /// No input makes the list of sentences longer than that.
    const MAX_WARNINGS: usize = 32;

    /// Adds a warning, once.
    pub fn warn(&mut self, text: impl Into<String>) {
        let text = text.into();
        if self.warnings.len() < Self::MAX_WARNINGS && !self.warnings.contains(&text) {
            self.warnings.push(text);
        }
    }

    /// Music is lost between two places, in seconds from the beginning of what is delivered.
    pub fn lose(&mut self, start_seconds: f64, end_seconds: f64, what: &'static str) {
        let full = self.lost.len() >= Self::MAX_WARNINGS;
        match self.lost.last_mut() {
            Some(last) if full || start_seconds <= last.end_seconds + JOINED_SECONDS => {
                last.end_seconds = last.end_seconds.max(end_seconds);
            }
            _ => self.lost.push(Lost { start_seconds, end_seconds, what }),
        }
    }

    /// The input stops before its end; told once, the first account counts.
    pub fn miss_end(&mut self, text: impl Into<String>) {
        self.end_missing.get_or_insert_with(|| text.into());
    }

    /// The input stops at `present` of `total` samples.
    pub fn miss_samples(&mut self, present: u64, total: u64, sample_rate_hz: u32) {
        let seconds = |samples: u64| clock(samples as f64 / f64::from(sample_rate_hz.max(1)));
        self.miss_end(format!("{} of {} is there", seconds(present), seconds(total)));
    }

    /// Damage of which nothing more is known than the text.
    pub fn harm(&mut self, text: impl Into<String>) {
        self.unplaced += 1;
        self.warn(text);
    }

    /// Number of damaged places, a missing end included.
    pub fn damaged_places(&self) -> u64 {
        self.lost.len() as u64 + self.unplaced + u64::from(self.end_missing.is_some())
    }

    /// Seconds that are silent because their music is lost.
    pub fn lost_seconds(&self) -> f64 {
        self.lost.iter().map(|lost| lost.end_seconds - lost.start_seconds).sum()
    }

    /// Whether of the `seconds` that were delivered, none are without damage.
    pub fn is_all_lost(&self, seconds: f64) -> bool {
        let lost: f64 = self.lost.iter().map(|lost| lost.end_seconds.min(seconds) - lost.start_seconds).sum();
        self.damaged_places() > 0 && lost + JOINED_SECONDS >= seconds
    }

    /// Everything that is to be told, one sentence each.
    pub fn sentences(&self) -> Vec<String> {
        let mut all = self.warnings.clone();
        all.extend(self.lost.iter().map(|lost| {
            let (start, end) = (clock(lost.start_seconds), clock(lost.end_seconds));
            format!("silence from {start} to {end}: {}", lost.what)
        }));
        all.extend(self.end_missing.iter().map(|text| format!("the end is missing: {text}")));
        all
    }
}

/// Minutes and seconds, with hundredths: `3:07.25`.
pub fn clock(seconds: f64) -> String {
    let hundredths = (seconds.max(0.0) * 100.0).round() as u64;
    let (minutes, rest) = (hundredths / 6000, hundredths % 6000);
    format!("{minutes}:{:02}.{:02}", rest / 100, rest % 100)
}

/// A decoder that gives planar blocks in stored order.
pub trait BlockReader: Send {
    /// The format of the block that was given last; before the first, that of the first. A stream
    /// may change it on the way.
    fn format(&self) -> &StreamFormat;

    /// Tags and cover; taken once.
    fn take_metadata(&mut self) -> Metadata;

    /// Tags and cover that stood behind the music of a pipe; known after the last block, taken once.
    fn take_late_metadata(&mut self, _notes: &mut Notes) -> Metadata {
        Metadata::default()
    }

    /// The next block, `[channel][sample]`, not empty; `None` at the end.
    fn next_block(&mut self, notes: &mut Notes) -> Result<Option<Vec<Vec<f32>>>, MediaError>;
}

/// A reader that takes its stream step by step and puts what it finds on a [`Timeline`].
pub trait Stepper: Send {
    /// As [`BlockReader::format`].
    fn format(&self) -> &StreamFormat;
    /// As [`BlockReader::take_metadata`].
    fn take_metadata(&mut self) -> Metadata;
    /// As [`BlockReader::take_late_metadata`].
    fn take_late_metadata(&mut self, _notes: &mut Notes) -> Metadata {
        Metadata::default()
    }
    /// Where the music waits to be taken.
    fn timeline(&mut self) -> &mut Timeline;
    /// Whether there is no further step.
    fn has_ended(&self) -> bool;
    /// Takes the next frame, page or element.
    fn step(&mut self, notes: &mut Notes) -> Result<(), MediaError>;
}

impl<S: Stepper> BlockReader for S {
    fn format(&self) -> &StreamFormat {
        Stepper::format(self)
    }

    fn take_metadata(&mut self) -> Metadata {
        Stepper::take_metadata(self)
    }

    fn take_late_metadata(&mut self, notes: &mut Notes) -> Metadata {
        Stepper::take_late_metadata(self, notes)
    }

    fn next_block(&mut self, notes: &mut Notes) -> Result<Option<Planes>, MediaError> {
        loop {
            if let Some(block) = self.timeline().pop() {
                return Ok(Some(block));
            }
            if self.has_ended() {
                return Ok(None);
            }
            self.step(notes)?;
        }
    }
}

/// Removes encoder delay and padding from a stream of blocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trim {
    /// Decoded samples still to be dropped before the music.
    pub skip: u64,
    /// Samples of music still to come, if known.
    pub keep: Option<u64>,
    /// Samples to be dropped after the music; what comes behind those is kept. `None`: everything.
    pub padding: Option<u64>,
}

impl Trim {
    /// Cuts a block in place.
    pub fn apply(&mut self, block: &mut [Vec<f32>]) {
        let length = block.first().map_or(0, Vec::len);
        let lead = usize::try_from(self.skip).unwrap_or(usize::MAX).min(length);
        self.skip -= lead as u64;
        let after_lead = length - lead;
        let Some(keep) = &mut self.keep else {
            block.iter_mut().for_each(|channel| drop(channel.drain(..lead)));
            return;
        };
        let music = usize::try_from(*keep).unwrap_or(usize::MAX).min(after_lead);
        *keep -= music as u64;
        let surplus = after_lead - music;
        let dropped = match &mut self.padding {
            None => surplus,
            Some(padding) => {
                let dropped = usize::try_from(*padding).unwrap_or(usize::MAX).min(surplus);
                *padding -= dropped as u64;
                dropped
            }
        };
        for channel in block {
            channel.drain(lead + music..lead + music + dropped);
            channel.drain(..lead);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trims_alike_in_any_chunking() {
        let signal: Vec<f32> = (0..100).map(|n| n as f32).collect();
        for (trim, expected) in [
            (Trim { skip: 7, keep: Some(50), padding: None }, (7..57).collect::<Vec<_>>()),
            (Trim { skip: 7, keep: Some(50), padding: Some(3) }, (7..57).chain(60..100).collect()),
            (Trim { skip: 7, keep: None, padding: None }, (7..100).collect()),
            (Trim { skip: 200, keep: Some(5), padding: None }, vec![]),
        ] {
            for chunk in [1, 3, 10, 64, 100] {
                let mut state = trim;
                let mut output: Vec<usize> = Vec::new();
                for part in signal.chunks(chunk) {
                    let mut block = vec![part.to_vec()];
                    state.apply(&mut block);
                    output.extend(block[0].iter().map(|x| *x as usize));
                }
                assert_eq!(output, expected, "{trim:?} in chunks of {chunk}");
            }
        }
    }
}
