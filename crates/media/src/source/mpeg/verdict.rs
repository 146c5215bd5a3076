//! What is to be thought of a frame, and of a stream by its frames so far.

/// What is to be thought of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing speaks against it.
    Sound,
    /// It needs data from before the beginning of the stream, or of what is left of it.
    Rootless,
    /// It cannot be what was written.
    Damaged,
}

/// How often a stream kept to a rule that most encoders keep to: what breaks it counts as damage only
/// in a stream that usually does not.
#[derive(Default)]
pub struct Habits {
    neat: u64,
    odd: u64,
}

impl Habits {
    /// Parts after which a stream is known.
    const KNOWN: u64 = 16;
    /// One odd part among so many is damage; more are the encoder's habit.
    const RARE: u64 = 20;

    /// Whether the stream is known to keep to the rule.
    pub fn are_neat(&self) -> bool {
        self.neat >= Self::KNOWN && self.odd * Self::RARE <= self.neat
    }

    /// Counts parts that kept to the rule, and parts that did not.
    pub fn count(&mut self, neat: u64, odd: u64) {
        self.neat += neat;
        self.odd += odd;
    }
}
