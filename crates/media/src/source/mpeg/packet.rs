//! Frames of MPEG audio that a container holds as packets: whether they can be what was written.

use super::header::FrameHeader;
use super::layer3::Layer3;
use super::subbands::Subbands;
use super::verdict::Verdict;

/// Looks at the packets of one stream, in order.
#[derive(Default)]
pub struct Packets {
    layer3: Layer3,
    subbands: Subbands,
    /// Packets before the next one are lost, and it may need their bits.
    is_torn: bool,
}

impl Packets {
    /// Whether a packet makes no sense, or leans on one that is lost.
    pub fn is_broken(&mut self, packet: &[u8]) -> bool {
        let Some(header) = FrameHeader::parse(packet) else {
            self.lose();
            return true;
        };
        if header.bytes.is_some_and(|bytes| bytes != packet.len()) || header.is_broken(packet) {
            self.lose();
            return true;
        }
        match self.layer3.look_at(&header, packet) {
            Verdict::Damaged => return true,
            Verdict::Rootless => return self.is_torn,
            Verdict::Sound => {}
        }
        let is_broken = self.subbands.look_at(&header, packet) == Verdict::Damaged;
        self.is_torn &= is_broken;
        is_broken
    }

    /// A packet is not there.
    pub fn lose(&mut self) {
        self.layer3.reset();
        self.is_torn = true;
    }
}
