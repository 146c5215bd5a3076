//! The sketch: what the detail is coded against, and what can be read without it.
//!
//! Per superframe: how it is cut into blocks, the rotation of the stereo plane in each band, and a *scale*
//! (rms amplitude, 2 dB steps) for every band, channel and block. Each is coded against what is known already.
//!
//! | question | file |
//! |---|---|
//! | how is a superframe cut into blocks? | `partition` |
//! | how is the stereo plane turned? | `angles` |
//! | how loud is each band? | `scales` |
//! | what is learned, and in which order are the three coded? | `model` |

mod angles;
mod model;
mod partition;
mod scales;

pub use angles::{ANGLES, MID_SIDE};
pub use model::SketchModel;

/// Scales of one moment.
///
/// # Shapes
/// `[channel * base_bands + base_band]`, values 0..=63; bands that a short block merges hold equal values.
pub type ScaleFrame = Vec<u8>;

/// One superframe of the sketch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SuperframeSketch {
    /// Base-two logarithms of the block sizes in samples, in time order.
    pub sizes_log2: Vec<u8>,
    /// `[base_band]`, 0..32 in 1/32 of half a turn; empty in mono.
    pub angles: Vec<u8>,
    /// One frame a block; or one for all of them; or none, where the last frame holds on.
    pub frames: Vec<ScaleFrame>,
}

/// How often scales are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScaleGrid {
    /// For every block.
    PerBlock,
    /// Once for so many superframes.
    PerSuperframes(u8),
}

impl ScaleGrid {
    /// Scale frames in superframe number `superframe` of a section, which has `blocks` blocks.
    #[must_use]
    pub fn frames(self, superframe: usize, blocks: usize) -> usize {
        match self {
            Self::PerBlock => blocks,
            Self::PerSuperframes(period) => {
                usize::from(superframe.is_multiple_of(usize::from(period.max(1))))
            }
        }
    }
}
