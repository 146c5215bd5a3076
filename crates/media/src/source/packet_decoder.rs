//! One compressed packet to samples, by Symphonia's decoders or, for Opus, by `opus-pure`.
//!
//! What comes out is everything that the packet holds: trimming and concealment belong to the
//! readers, which know the time.

use std::panic::{AssertUnwindSafe, catch_unwind};

use symphonia::core::audio::{Channels, GenericAudioBufferRef};
use symphonia::core::codecs::audio::well_known::{CODEC_ID_OPUS, CODEC_ID_VORBIS};
use symphonia::core::codecs::audio::{AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as SymphoniaError;
use symphonia::core::packet::PacketRef;
use symphonia::core::units::{Duration, Timestamp};

use super::opus::OpusPackets;
use super::reader::MAX_CHANNELS;
use super::timeline::Planes;
use crate::resample::MAX_RATE_HZ;
use crate::{MediaError, Speaker};

/// Symphonia decodes AAC without its spectral band replication, which doubles such rates.
pub const SBR_SUSPECT_HZ: u32 = 24_000;

/// What one packet gave.
pub struct Decoded {
    /// Samples per second and channel.
    pub sample_rate_hz: u32,
    /// One entry per channel.
    pub layout: Vec<Speaker>,
    /// Samples, `[channel][sample]`; empty for a packet that only primes the decoder.
    pub planes: Planes,
}

impl Decoded {
    /// Samples per channel.
    pub fn samples(&self) -> usize {
        self.planes.first().map_or(0, Vec::len)
    }
}

enum Codec {
    Symphonia(Box<dyn AudioDecoder>),
    Opus(OpusPackets),
}

/// A decoder of one stream.
pub struct PacketDecoder {
    codec: Codec,
    codec_id: AudioCodecId,
}

/// Decoders are ours to distrust: a panic in one is a damaged file, not the end of the program.
pub fn guarded<T>(what: &'static str, run: impl FnOnce() -> T) -> Result<T, MediaError> {
    catch_unwind(AssertUnwindSafe(run))
        .map_err(|_| MediaError::Damaged(format!("{what} failed on malformed data")))
}

impl PacketDecoder {
    /// A decoder for the codec and the set-up data in `params`.
    ///
    /// # Errors
    /// [`MediaError::Unsupported`] or [`MediaError::Damaged`].
    pub fn new(params: &AudioCodecParameters) -> Result<Self, MediaError> {
        let codec = if params.codec == CODEC_ID_OPUS {
            Codec::Opus(OpusPackets::new(params.extra_data.as_deref().unwrap_or_default())?)
        } else {
            // For Vorbis, this option means that the first block, which only primes, gives nothing.
            let options = AudioDecoderOptions::default().gapless(params.codec == CODEC_ID_VORBIS);
            let made = guarded("the decoder", || {
                symphonia::default::get_codecs().make_audio_decoder(params, &options)
            })?;
            Codec::Symphonia(made.map_err(refusal)?)
        };
        Ok(Self { codec, codec_id: params.codec })
    }

    /// The codec.
    pub fn codec_id(&self) -> AudioCodecId {
        self.codec_id
    }

    /// Decodes one packet.
    ///
    /// # Errors
    /// Why the packet makes no sense, in words.
    pub fn decode(&mut self, data: &[u8]) -> Result<Decoded, String> {
        let mut planes = Vec::new();
        let codec = &mut self.codec;
        let (sample_rate_hz, layout) = guarded("the decoder", || match codec {
            Codec::Opus(opus) => opus.decode(data, &mut planes).map(|()| opus.layout()),
            Codec::Symphonia(decoder) => {
                let packet = PacketRef::new(0, Timestamp::ZERO, Duration::ZERO, data);
                decoder
                    .decode_ref(&packet)
                    .map(|buffer| {
                        buffer.copy_to_vecs_planar(&mut planes);
                        (buffer.spec().rate(), layout_of(&buffer))
                    })
                    .map_err(|error| error.to_string())
            }
        })
        .unwrap_or_else(|error| Err(error.to_string()))?;
        let usable = !layout.is_empty() && layout.len() <= MAX_CHANNELS && layout.len() == planes.len();
        if !usable || sample_rate_hz == 0 || sample_rate_hz > MAX_RATE_HZ {
            return Err(format!("{} channels at {sample_rate_hz} Hz", layout.len()));
        }
        Ok(Decoded { sample_rate_hz, layout, planes })
    }

    /// Forgets earlier packets, for those that follow a gap.
    pub fn reset(&mut self) {
        // Opus converges by itself, and its decoder's memory is the best concealment.
        if let Codec::Symphonia(decoder) = &mut self.codec {
            // A decoder that fails here fails at its next packet as well, which is told.
            let _ = guarded("the decoder", || decoder.reset());
        }
    }
}

/// Symphonia's errors at the opening as ours.
pub fn refusal(error: SymphoniaError) -> MediaError {
    match error {
        SymphoniaError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            MediaError::Damaged("no known format, or cut off in its header".into())
        }
        SymphoniaError::IoError(error) => MediaError::Io(error),
        SymphoniaError::Unsupported(what) => MediaError::Unsupported(what.to_owned()),
        other => MediaError::Damaged(other.to_string()),
    }
}

fn layout_of(buffer: &GenericAudioBufferRef<'_>) -> Vec<Speaker> {
    let channels = buffer.spec().channels();
    match channels {
        // The low bits of Symphonia's positions are those of a WAV mask.
        Channels::Positioned(positions) => {
            let mask = u32::try_from(positions.bits()).unwrap_or(0);
            Speaker::from_wav_mask(mask, channels.count())
        }
        other => Speaker::usual_layout(other.count()),
    }
}
