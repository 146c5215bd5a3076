//! What the decoders have in common: a format, blocks, and remarks about what they met.

use melisma_signal::Metadata;

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
    pub warnings: Vec<String>,
    /// Packets that could not be decoded and were replaced by silence or skipped.
    pub decode_errors: u64,
}

impl Notes {
    /// No input makes this list longer than that.
    const MAX_WARNINGS: usize = 32;

    /// Adds a warning, once.
    pub fn warn(&mut self, text: impl Into<String>) {
        let text = text.into();
        if self.warnings.len() < Self::MAX_WARNINGS && !self.warnings.contains(&text) {
            self.warnings.push(text);
        }
    }
}

/// A decoder that gives planar blocks in stored order.
pub trait BlockReader: Send {
    /// The format, fixed from the opening on.
    fn format(&self) -> &StreamFormat;

    /// Tags and cover; taken once.
    fn take_metadata(&mut self) -> Metadata;

    /// The next block, `[channel][sample]`, not empty; `None` at the end.
    fn next_block(&mut self, notes: &mut Notes) -> Result<Option<Vec<Vec<f32>>>, MediaError>;
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
