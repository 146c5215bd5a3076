//! Planar floating-point audio: the one representation that every crate here passes around.

/// A block of audio, planar.
///
/// # Shapes
/// `channels[channel][sample]`; every channel has the same length. Nominal range is -1..1 (full
/// scale); values beyond it are legal and are clipped only where an integer format is written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pcm {
    /// Samples per second and channel.
    pub sample_rate_hz: u32,
    /// `[channel][sample]`, in the order left, right.
    pub channels: Vec<Vec<f32>>,
}

impl Pcm {
    /// An empty block of `channel_count` channels.
    #[must_use]
    pub fn empty(sample_rate_hz: u32, channel_count: usize) -> Self {
        Self { sample_rate_hz, channels: vec![Vec::new(); channel_count] }
    }

    /// Number of channels.
    #[must_use]
    pub fn channel_count(&self) -> usize {
        self.channels.len()
    }

    /// Samples per channel.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.channels.first().map_or(0, Vec::len)
    }

    /// Whether there is not a single sample.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.samples() == 0
    }

    /// Duration in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.samples() as f64 / f64::from(self.sample_rate_hz.max(1))
    }

    /// Appends `other`, which must have the same rate and channel count.
    ///
    /// # Panics
    /// If the channel counts differ.
    pub fn append(&mut self, other: &Self) {
        assert_eq!(self.channel_count(), other.channel_count(), "channel counts differ");
        for (mine, theirs) in self.channels.iter_mut().zip(&other.channels) {
            mine.extend_from_slice(theirs);
        }
    }
}
