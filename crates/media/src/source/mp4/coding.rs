//! What an MP4 track is coded with, and what can be said of its packets without decoding them.

use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known as ids;

use super::boxes::find;
use super::track::Track;
use crate::source::flac::frame::crc16;

/// Samples a second and channel of Opus, of how many its packets last a multiple, and the most of a packet.
const OPUS_RATE_HZ: u32 = 48_000;
const OPUS_STEP_SAMPLES: u64 = 120;
const OPUS_MAX_SAMPLES: u64 = 5760;
/// Zeros in a row that are damage, of ALAC.
const ZEROED_BYTES: usize = 64;

/// A coding that is read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// AAC.
    Aac,
    /// Apple Lossless.
    Alac,
    /// FLAC.
    Flac,
    /// Opus.
    Opus,
    /// MPEG audio.
    Mpeg,
    /// Samples as they are.
    Samples {
        /// Bytes of a sample of all channels.
        frame_bytes: u32,
    },
}

impl Coding {
    /// The coding that `params` name, which are set right where Symphonia errs; `None` for one that is not read here.
    pub fn of(track: &Track, params: &mut AudioCodecParameters) -> Option<Self> {
        Some(match params.codec {
            ids::CODEC_ID_AAC => Self::Aac,
            ids::CODEC_ID_ALAC => Self::Alac,
            ids::CODEC_ID_FLAC => Self::Flac,
            ids::CODEC_ID_OPUS => Self::Opus,
            ids::CODEC_ID_MP1 | ids::CODEC_ID_MP2 | ids::CODEC_ID_MP3 => Self::Mpeg,
            _ => {
                let sample_bytes = samples_of(track, params)?;
                let channels = params.channels.as_ref().map_or(0, |channels| channels.count());
                let frame_bytes = sample_bytes.checked_mul(u32::try_from(channels).ok()?)?;
                // Symphonia wants to know how much a packet may hold.
                params.with_max_frames_per_packet(1 << 16);
                (frame_bytes > 0).then_some(Self::Samples { frame_bytes })?
            }
        })
    }

    /// Whether a packet cannot be what was written, though its decoder may take it for music.
    pub fn is_broken(self, packet: &[u8]) -> bool {
        match self {
            Self::Flac => packet.iter().fold(0, |crc, byte| crc16(crc, *byte)) != 0,
            Self::Alac => is_zeroed_alac(packet),
            // A block that begins with its end, and goes on.
            Self::Aac => packet.len() > 2 && packet[0] >> 5 == 7,
            Self::Opus | Self::Mpeg | Self::Samples { .. } => false,
        }
    }

    /// Whether a packet that gives so many samples is not the one of which the track states `ticks`; others last
    /// `usual_ticks`. Opus counts in its own samples, and its packets say themselves how long they last.
    pub fn contradicts(self, samples: u64, ticks: u64, timescale_hz: u32, usual_ticks: u64) -> bool {
        if self != Self::Opus || timescale_hz != OPUS_RATE_HZ || ticks > OPUS_MAX_SAMPLES {
            return false;
        }
        // Of the last packet, not all may be wanted.
        let is_cut = ticks < samples && (usual_ticks == samples || !ticks.is_multiple_of(OPUS_STEP_SAMPLES));
        samples != ticks && !is_cut
    }
}

/// Bytes of a sample of one channel, where samples are stored as they are. QuickTime's larger ones are big-endian
/// unless a box says otherwise (QuickTime File Format, "Sound Sample Descriptions": `enda`).
fn samples_of(track: &Track, params: &mut AudioCodecParameters) -> Option<u32> {
    let descriptions = find(track.body, &[b"mdia", b"minf", b"stbl", b"stsd"])?;
    let is_named =
        |names: &[&[u8; 4]]| descriptions.get(12..16).is_some_and(|name| names.iter().any(|n| *n == name));
    if is_named(&[b"in24", b"in32", b"fl32", b"fl64"]) {
        let enda = descriptions.windows(6).find(|bytes| bytes.starts_with(b"enda"));
        let is_big_endian = enda.is_none_or(|bytes| bytes[4..] == [0, 0]);
        params.codec = match (params.codec, is_big_endian) {
            (ids::CODEC_ID_PCM_S24LE, true) => ids::CODEC_ID_PCM_S24BE,
            (ids::CODEC_ID_PCM_S32LE, true) => ids::CODEC_ID_PCM_S32BE,
            (ids::CODEC_ID_PCM_F32LE, true) => ids::CODEC_ID_PCM_F32BE,
            (ids::CODEC_ID_PCM_F64LE, true) => ids::CODEC_ID_PCM_F64BE,
            (codec, _) => codec,
        };
    }
    Some(match params.codec {
        ids::CODEC_ID_PCM_S8 | ids::CODEC_ID_PCM_U8 => 1,
        ids::CODEC_ID_PCM_S16LE | ids::CODEC_ID_PCM_S16BE => 2,
        ids::CODEC_ID_PCM_S24LE | ids::CODEC_ID_PCM_S24BE => 3,
        ids::CODEC_ID_PCM_S32LE
        | ids::CODEC_ID_PCM_S32BE
        | ids::CODEC_ID_PCM_F32LE
        | ids::CODEC_ID_PCM_F32BE => 4,
        ids::CODEC_ID_PCM_F64LE | ids::CODEC_ID_PCM_F64BE => 8,
        _ => return None,
    })
}

/// Whether bytes of an ALAC packet were overwritten with zeros, which its decoder takes for music. Rice codes
/// never leave so many; samples as they are may, and so may low bits that stand beside the codes.
fn is_zeroed_alac(packet: &[u8]) -> bool {
    // Behind 3 bits of the kind, 4 of the number, 12 unused and 1 of the length: 2 of low bytes, 1 of samples.
    let is_coded = packet.get(2).is_some_and(|byte| byte & 0x0E == 0);
    is_coded && packet.split(|byte| *byte != 0).any(|zeros| zeros.len() >= ZEROED_BYTES)
}

/// Makes the identification header of Opus, whose numbers are big-endian in MP4, that of RFC 7845; its pre-skip
/// at 48 kHz.
///
/// Source: Encapsulation of Opus in ISO Base Media File Format, section 4.3.2.
pub fn opus_head(params: &mut AudioCodecParameters) -> Option<u16> {
    let head = params.extra_data.as_mut().filter(|_| params.codec == ids::CODEC_ID_OPUS)?;
    let numbers = head.get_mut(10..18)?;
    numbers[..2].reverse();
    numbers[2..6].reverse();
    numbers[6..].reverse();
    Some(u16::from_le_bytes([numbers[0], numbers[1]]))
}
