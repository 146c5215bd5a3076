//! What a file says about itself at its start.
//!
//! Files of every kind name their rate, channels and length; the rest belongs to the codec that made the file, and so
//! does the order of the fields. `docs/format.md`, sections 2 and 11.1.

mod music;
mod network;

use crate::DecodeError;
use melisma_bitstream::bytes::Reader;
use melisma_signal::Metadata;
use std::ops::Range;

pub use music::{MusicHeader, MusicVersion, SAMPLE_RATES_HZ, SUPERFRAMES_LOG2, Tune};
pub use network::{MAX_CHANNELS, MAX_NAME_BYTES, MAX_SECTION_SYMBOLS, ModelHash, NetworkHeader};

/// First bytes of a header's payload.
pub(super) const MAGIC: [u8; 4] = *b"MLSM";

/// The newest format version that is read.
const NEWEST_VERSION: u8 = 3;

/// Longest section in samples: 21 s at 48 kHz, a few MiB of memory to decode.
pub const MAX_SECTION_SAMPLES: usize = 1 << 20;

/// Highest sample rate that a header may name, in Hz; the music codec itself takes less.
const MAX_RATE_HZ: usize = 10_000_000;

/// What a file says about itself at its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Samples per second of the coded sound.
    pub sample_rate_hz: u32,
    /// Samples per second of the source, where it was resampled before coding.
    pub original_sample_rate_hz: Option<u32>,
    /// Channels of the sound: 1 or 2.
    pub channel_count: usize,
    /// Samples per channel, if the encoder knew it beforehand. Files of trained networks always say it, exactly; in
    /// others it is a hint, and the sections decide.
    pub declared_samples: Option<u64>,
    /// Tags and cover. They have a chunk of their own, which [`Header::parse`] does not read.
    pub metadata: Metadata,
    /// What the codec that made the file needs to know.
    pub codec: CodecHeader,
}

/// The part of a header that belongs to the codec that made the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodecHeader {
    /// Melisma's own music codec: format version 1 or 3.
    Music(MusicHeader),
    /// A trained network: format version 2.
    Network(NetworkHeader),
}

impl Header {
    /// Format version of the file, 1 to 3.
    #[must_use]
    pub fn version(&self) -> u8 {
        match &self.codec {
            CodecHeader::Music(music) => music.version.number(),
            CodecHeader::Network(_) => network::VERSION,
        }
    }

    /// The fields of the music codec.
    ///
    /// # Errors
    /// [`DecodeError::NeedsModel`] if a trained network made the file.
    pub fn music(&self) -> Result<&MusicHeader, DecodeError> {
        match &self.codec {
            CodecHeader::Music(music) => Ok(music),
            CodecHeader::Network(network) => {
                Err(DecodeError::NeedsModel { system: network.system.clone(), model: network.model })
            }
        }
    }

    /// The fields of a trained network, if one made the file.
    #[must_use]
    pub fn network(&self) -> Option<&NetworkHeader> {
        match &self.codec {
            CodecHeader::Music(_) => None,
            CodecHeader::Network(network) => Some(network),
        }
    }

    /// Samples per channel of a full section.
    #[must_use]
    pub fn section_samples(&self) -> u64 {
        match &self.codec {
            CodecHeader::Music(music) => u64::from(music.section_samples),
            CodecHeader::Network(network) => network.section_samples(),
        }
    }

    /// How many sections the whole file has, if the header tells: those of trained networks do.
    #[must_use]
    pub fn announced_sections(&self) -> Option<u64> {
        self.network().map(NetworkHeader::sections)
    }

    /// How many of the announced sections a file of so many bytes can have held: one for every smallest chunk, and one.
    pub(super) fn sections_within(&self, file_bytes: u64) -> Option<u64> {
        let least = self.least_section_bytes();
        self.announced_sections().map(|announced| announced.min(file_bytes / least + 1))
    }

    /// Samples per channel that decoding a file of so many bytes gives, lost ones included, if the header tells: what it
    /// declares, as far as the file can have held its sections.
    #[must_use]
    pub fn samples_within(&self, file_bytes: u64) -> Option<u64> {
        let sections = self.sections_within(file_bytes)?;
        Some(sections.checked_sub(1).map_or(0, |last| self.samples_of(last).end))
    }

    /// First sample of a section and the one after its last.
    ///
    /// Of a file whose length the header tells exactly, the last section has all that is left. Otherwise the section is
    /// taken for a full one.
    #[must_use]
    pub fn samples_of(&self, section: u64) -> Range<u64> {
        let full = self.section_samples();
        let (begin, end) = (section.saturating_mul(full), section.saturating_add(1).saturating_mul(full));
        let Some(network) = self.network() else { return begin..end };
        let total = self.declared_samples.unwrap_or(0);
        let is_last = section.saturating_add(1) >= network.sections();
        begin.min(total)..if is_last { total } else { end.min(total) }
    }

    /// Bytes of the smallest chunk that a section can have: so many bytes stand for at most so many sections, present
    /// or lost.
    pub(super) fn least_section_bytes(&self) -> u64 {
        match self.codec {
            CodecHeader::Music(_) => music::MIN_SECTION_BYTES,
            CodecHeader::Network(_) => network::MIN_SECTION_BYTES,
        }
    }

    /// The header chunk's payload.
    #[must_use]
    pub fn payload(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.push(self.version());
        match &self.codec {
            CodecHeader::Music(fields) => music::write(self, fields, &mut out),
            CodecHeader::Network(fields) => network::write(self, fields, &mut out),
        }
        out
    }

    /// Reads a header chunk's payload, which lies at `offset` in its file. Metadata stays empty.
    ///
    /// # Errors
    /// [`DecodeError::NotMelisma`] without the magic bytes, [`DecodeError::Version`] for a newer version,
    /// [`DecodeError::Header`] if a field is missing or out of range.
    pub fn parse(payload: &[u8], offset: u64) -> Result<Self, DecodeError> {
        let Some((&magic, [version, ..])) = payload.split_first_chunk() else {
            return Err(DecodeError::NotMelisma);
        };
        if magic != MAGIC {
            return Err(DecodeError::NotMelisma);
        }
        let begin = MAGIC.len() + 1;
        let mut reader = Reader::new(&payload[begin..], offset + begin as u64);
        match (*version, MusicVersion::numbered(*version)) {
            (_, Some(version)) => music::parse(version, &mut reader),
            (network::VERSION, None) => network::parse(&mut reader),
            (found, None) => return Err(DecodeError::Version { found, newest: NEWEST_VERSION }),
        }
        .map_err(DecodeError::Header)
    }
}

#[cfg(test)]
pub(crate) use {music::tests::header as music_header, network::tests::header as network_header};
