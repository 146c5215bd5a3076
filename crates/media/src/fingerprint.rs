//! Is this the same sound? Blocks of samples in, a short name for all of them out, whatever the tags around them say.
//!
//! The name is the MD5 (RFC 1321) of rate, channels and every sample's bits: equal names mean equal samples, for all
//! that happens by accident.

use md5::{Digest, Md5};
use melisma_signal::Pcm;

/// Takes sound as it streams by.
pub struct Fingerprint {
    hash: Md5,
    buffer: Vec<u8>,
}

impl Fingerprint {
    /// Letters of every fingerprint.
    pub const LETTERS: usize = 32;

    /// For sound of one format.
    #[must_use]
    pub fn new(sample_rate_hz: u32, channel_count: usize) -> Self {
        let mut hash = Md5::new();
        hash.update(sample_rate_hz.to_le_bytes());
        hash.update((channel_count as u64).to_le_bytes());
        Self { hash, buffer: Vec::new() }
    }

    /// Takes the next block. Where blocks begin and end does not matter.
    pub fn push(&mut self, pcm: &Pcm) {
        self.buffer.clear();
        for n in 0..pcm.samples() {
            for channel in &pcm.channels {
                self.buffer.extend(channel[n].to_le_bytes());
            }
        }
        self.hash.update(&self.buffer);
    }

    /// The fingerprint: [`LETTERS`](Self::LETTERS) hexadecimal digits.
    #[must_use]
    pub fn finish(self) -> String {
        self.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rate_hz: u32, samples: &[f32], block: usize) -> String {
        let mut fingerprint = Fingerprint::new(rate_hz, 1);
        for part in samples.chunks(block) {
            fingerprint.push(&Pcm { sample_rate_hz: rate_hz, channels: vec![part.to_vec()] });
        }
        fingerprint.finish()
    }

    #[test]
    fn samples_and_rate_decide_and_blocks_do_not() {
        let sound = [0.0, 0.5, -0.25, 0.125];
        let whole = of(8_000, &sound, 4);
        assert_eq!(whole.len(), Fingerprint::LETTERS);
        assert_eq!(of(8_000, &sound, 1), whole);
        assert_ne!(of(8_001, &sound, 4), whole);
        assert_ne!(of(8_000, &sound[..3], 4), whole);
        assert_ne!(of(8_000, &[0.0, 0.5, -0.25, 0.126], 4), whole);
    }
}
