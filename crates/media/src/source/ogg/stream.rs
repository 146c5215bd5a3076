//! One stream inside an Ogg file: which codec it is, its headers, and how long its packets last.
//!
//! Input: the first packets of a stream. Output: what a decoder needs. Sources: Vorbis I, section 4.2
//! and appendix A; RFC 7845, section 5 (Opus); the FLAC-to-Ogg mapping, RFC 9639, section 10.1.

use melisma_signal::Metadata;
use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known::{CODEC_ID_FLAC, CODEC_ID_OPUS, CODEC_ID_VORBIS};

use super::super::flac::frame::{FrameHeader, STREAM_INFO_BYTES, StreamInfo, crc16};
use super::super::opus::packet_samples;
use super::super::packet_decoder::PacketDecoder;
use super::super::reader::Notes;
use super::super::tags;
use crate::MediaError;

/// Bytes before STREAMINFO's body in the first packet of FLAC in Ogg.
const FLAC_PREFIX_BYTES: usize = 17;

/// A codec that is read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mapping {
    /// Vorbis.
    Vorbis,
    /// Opus, with the samples to drop at the start.
    Opus(u64),
    /// FLAC.
    Flac(StreamInfo),
}

impl Mapping {
    /// Recognises a stream by its first packet.
    pub fn of(packet: &[u8]) -> Option<Self> {
        if packet.starts_with(b"\x01vorbis") {
            return Some(Self::Vorbis);
        }
        if packet.starts_with(b"OpusHead") {
            return Some(Self::Opus(u16::from_le_bytes(packet.get(10..12)?.try_into().ok()?).into()));
        }
        if packet.starts_with(b"\x7fFLAC") {
            return StreamInfo::parse(packet.get(FLAC_PREFIX_BYTES..)?).map(Self::Flac);
        }
        None
    }

    /// Whether a packet is a header.
    pub fn is_header(self, packet: &[u8]) -> bool {
        match self {
            Self::Vorbis => packet.first().is_some_and(|kind| kind & 1 == 1),
            Self::Opus(_) => packet.starts_with(b"OpusTags"),
            Self::Flac(_) => packet.first() != Some(&0xFF),
        }
    }

    /// A decoder from the header packets.
    pub fn decoder(self, headers: &[Vec<u8>]) -> Result<PacketDecoder, MediaError> {
        let first = headers.first().map(Vec::as_slice).unwrap_or_default();
        let mut params = AudioCodecParameters::new();
        match self {
            Self::Vorbis => {
                let setup = headers.iter().find(|packet| packet.starts_with(b"\x05vorbis"));
                let setup =
                    setup.ok_or_else(|| MediaError::Damaged("Vorbis without its set-up header".into()))?;
                params.for_codec(CODEC_ID_VORBIS).with_extra_data([first, setup].concat().into());
            }
            Self::Opus(_) => {
                params.for_codec(CODEC_ID_OPUS).with_extra_data(first.into());
            }
            Self::Flac(_) => {
                let info =
                    first.get(FLAC_PREFIX_BYTES..FLAC_PREFIX_BYTES + STREAM_INFO_BYTES).unwrap_or_default();
                params.for_codec(CODEC_ID_FLAC).with_extra_data(info.into());
            }
        }
        PacketDecoder::new(&params)
    }

    /// Whether the header of tags is there, which these streams must have.
    pub fn has_tags(self, headers: &[Vec<u8>]) -> bool {
        let starts = |prefix: &[u8]| headers.iter().any(|packet| packet.starts_with(prefix));
        match self {
            Self::Vorbis => starts(b"\x03vorbis"),
            Self::Opus(_) => starts(b"OpusTags"),
            Self::Flac(_) => true,
        }
    }

    /// Tags and cover from the header packets.
    pub fn metadata(self, headers: &[Vec<u8>], notes: &mut Notes) -> Metadata {
        let comments = |prefix: &[u8]| headers.iter().find_map(|packet| packet.strip_prefix(prefix));
        match self {
            Self::Vorbis => {
                tags::read::from_vorbis_comment(comments(b"\x03vorbis").unwrap_or_default(), notes)
            }
            Self::Opus(_) => {
                tags::read::from_vorbis_comment(comments(b"OpusTags").unwrap_or_default(), notes)
            }
            Self::Flac(_) => {
                // The first packet ends with the native stream's own beginning; the others are blocks.
                let start = headers.first().and_then(|packet| packet.get(9..)).unwrap_or_default();
                let mut head = start.to_vec();
                let blocks = headers.get(1..).unwrap_or_default();
                for (index, block) in blocks.iter().enumerate() {
                    let at = head.len();
                    head.extend(block);
                    // Whether it is the last block: not all writers bother.
                    if let Some(kind) = head.get_mut(at) {
                        *kind = *kind & 0x7F | if index + 1 == blocks.len() { 0x80 } else { 0 };
                    }
                }
                if blocks.is_empty() {
                    return Metadata::default();
                }
                tags::read::from_flac_head(&head, notes)
            }
        }
    }

    /// Samples that a packet lasts, whether or not it can be decoded; `None` if that cannot be seen.
    pub fn packet_samples(self, packet: &[u8]) -> Option<u64> {
        match self {
            Self::Vorbis => None,
            Self::Opus(_) => packet_samples(packet),
            Self::Flac(info) => FrameHeader::parse(packet, &info).map(|header| header.block_samples.into()),
        }
    }

    /// Whether the packet's own checksum, if it has one, fails.
    pub fn is_broken(self, packet: &[u8]) -> bool {
        matches!(self, Self::Flac(_)) && packet.iter().fold(0, |crc, byte| crc16(crc, *byte)) != 0
    }
}
