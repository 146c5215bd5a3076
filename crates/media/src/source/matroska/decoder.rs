//! What decodes a track of Matroska.
//!
//! Source: RFC 9559 and the Matroska codec specification ("Codec Mappings"): names of codings, and what their private
//! data hold.

use symphonia::core::audio::Channels;
use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known as ids;

use super::head::Track;
use crate::MediaError;
use crate::source::flac::frame::StreamInfo;
use crate::source::packet_decoder::{PacketDecoder, SBR_SUSPECT_HZ};

/// The STREAMINFO of a FLAC track.
pub fn flac_info(track: &Track) -> Option<StreamInfo> {
    let body = track.private.strip_prefix(b"fLaC".as_slice()).unwrap_or(&track.private).get(4..)?;
    if track.codec == "A_FLAC" { StreamInfo::parse(body) } else { None }
}

/// A decoder for a track's coding.
///
/// # Errors
/// [`MediaError::Unsupported`] for one that is not read here, [`MediaError::Damaged`].
pub fn make_decoder(track: &Track) -> Result<PacketDecoder, MediaError> {
    let unsupported = || MediaError::Unsupported(format!("{} in Matroska", track.codec));
    if track.is_encoded {
        return Err(unsupported());
    }
    let mut params = AudioCodecParameters::new();
    let rate = track.sample_rate_hz.round() as u32;
    params.with_sample_rate(rate).with_channels(Channels::Discrete(track.channel_count.min(64) as u16));
    match track.codec.as_str() {
        "A_OPUS" => params.for_codec(ids::CODEC_ID_OPUS).with_extra_data(track.private.clone().into()),
        "A_VORBIS" => {
            let headers = vorbis_headers(&track.private)
                .ok_or_else(|| MediaError::Damaged("Vorbis set-up in Matroska".into()))?;
            params.for_codec(ids::CODEC_ID_VORBIS).with_extra_data(headers.into())
        }
        "A_FLAC" => {
            let body = track.private.strip_prefix(b"fLaC".as_slice()).unwrap_or(&track.private);
            let info = body.get(4..38).ok_or_else(unsupported)?;
            params.for_codec(ids::CODEC_ID_FLAC).with_extra_data(info.into())
        }
        "A_MPEG/L1" => params.for_codec(ids::CODEC_ID_MP1),
        "A_MPEG/L2" => params.for_codec(ids::CODEC_ID_MP2),
        "A_MPEG/L3" => params.for_codec(ids::CODEC_ID_MP3),
        "A_ALAC" => params.for_codec(ids::CODEC_ID_ALAC).with_extra_data(track.private.clone().into()),
        // Band replication, which only ffmpeg decodes in full, is likely at low rates.
        "A_AAC" if rate > SBR_SUSPECT_HZ => {
            params.for_codec(ids::CODEC_ID_AAC).with_extra_data(track.private.clone().into())
        }
        "A_PCM/INT/LIT" | "A_PCM/INT/BIG" | "A_PCM/FLOAT/IEEE" => {
            let id = match (track.codec.as_str(), track.bits) {
                ("A_PCM/INT/LIT", 8) => ids::CODEC_ID_PCM_U8,
                ("A_PCM/INT/LIT", 16) => ids::CODEC_ID_PCM_S16LE,
                ("A_PCM/INT/LIT", 24) => ids::CODEC_ID_PCM_S24LE,
                ("A_PCM/INT/LIT", 32) => ids::CODEC_ID_PCM_S32LE,
                ("A_PCM/INT/BIG", 16) => ids::CODEC_ID_PCM_S16BE,
                ("A_PCM/INT/BIG", 24) => ids::CODEC_ID_PCM_S24BE,
                ("A_PCM/INT/BIG", 32) => ids::CODEC_ID_PCM_S32BE,
                ("A_PCM/FLOAT/IEEE", 32) => ids::CODEC_ID_PCM_F32LE,
                ("A_PCM/FLOAT/IEEE", 64) => ids::CODEC_ID_PCM_F64LE,
                _ => return Err(unsupported()),
            };
            // Symphonia wants to know how much a packet may hold.
            params.for_codec(id).with_bits_per_sample(track.bits as u32).with_max_frames_per_packet(1 << 16)
        }
        _ => return Err(unsupported()),
    };
    PacketDecoder::new(&params)
}

/// Identification and set-up header of Vorbis, from three packets in Xiph lacing.
fn vorbis_headers(private: &[u8]) -> Option<Vec<u8>> {
    let (count, mut rest) = private.split_first()?;
    let mut sizes = Vec::new();
    for _ in 0..*count {
        let end = rest.iter().position(|byte| *byte != 255)?;
        sizes.push(255 * end + usize::from(rest[end]));
        rest = &rest[end + 1..];
    }
    let [first, comments] = sizes[..] else { return None };
    let setup = rest.get(first.checked_add(comments)?..)?;
    Some([rest.get(..first)?, setup].concat())
}
