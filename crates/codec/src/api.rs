// SKETCH OF THE PUBLIC API: bodies come; signatures and meaning are meant to hold.
use std::io::{Read, Seek};
use melisma_signal::{Loudness, Metadata, Pcm};

/// What the encoder spends its bits on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tune { /** perceptual */ #[default] Music, /** least squared error */ Mse }

/// How the rate is chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RateTarget {
    /// Constant quality, 0.0..=10.0, variable bitrate.
    Quality(f32),
    /// Average bitrate of the whole file in bit/s.
    Bitrate(u32),
    /// Whole-file size in bytes; needs `StreamFormat::total_samples`.
    SizeBytes(u64),
}

#[derive(Clone, Debug)]
pub struct EncoderConfig { pub tune: Tune, pub rate: RateTarget, pub block_switching: bool }

/// What is encoded.
#[derive(Clone, Debug)]
pub struct StreamFormat {
    /// 8000..=48000
    pub sample_rate_hz: u32,
    /// 1 or 2
    pub channel_count: usize,
    /// If the source had another rate and was resampled: that rate.
    pub original_sample_rate_hz: Option<u32>,
    /// Samples per channel if known beforehand (needed by SizeBytes; improves Bitrate).
    pub total_samples: Option<u64>,
}

pub struct Encoder;
impl Encoder {
    pub fn new(_config: EncoderConfig, _format: StreamFormat, _metadata: &Metadata) -> Result<Self, EncodeError> { todo!() }
    /// Takes PCM in blocks of any length; appends whatever file bytes are finished to `out`.
    pub fn push(&mut self, _pcm: &Pcm, _out: &mut Vec<u8>) -> Result<(), EncodeError> { todo!() }
    /// Ends the stream: last sections and the trailer (exact length, loudness, seek table).
    pub fn finish(self, _loudness: Option<Loudness>, _out: &mut Vec<u8>) -> Result<EncodeSummary, EncodeError> { todo!() }
}
/// Whole track at once.
pub fn encode(_pcm: &Pcm, _config: &EncoderConfig, _metadata: &Metadata) -> Result<Vec<u8>, EncodeError> { todo!() }

#[derive(Clone, Debug)]
pub struct EncodeSummary { pub total_samples: u64, pub total_bytes: u64, pub sections: usize, pub non_finite_samples: u64 }

/// Fixed part at the start of a file.
#[derive(Clone, Debug)]
pub struct Header { pub version: u8, pub sample_rate_hz: u32, pub original_sample_rate_hz: Option<u32>, pub channel_count: usize,
    pub tune: Tune, pub model_id: u64, pub section_samples: u32, /** if the encoder knew it */ pub declared_samples: Option<u64>, pub metadata: Metadata }
/// End of a file; absent from a truncated one.
#[derive(Clone, Debug)]
pub struct Trailer { pub total_samples: u64, pub loudness: Option<Loudness> }
/// One damaged place, and what it cost.
#[derive(Clone, Debug)]
pub struct Damage { pub section: Option<usize>, pub byte_offset: u64, pub first_sample: u64, pub samples: u64, pub what: String }

/// Streaming decoder: pulls bytes, yields PCM. Damaged sections come out as silence of the right length and are listed.
pub struct Decoder<R: Read> { _r: R }
impl<R: Read> Decoder<R> {
    pub fn new(_reader: R) -> Result<Self, DecodeError> { todo!() }
    pub fn header(&self) -> &Header { todo!() }
    /// Next block of PCM, or None at the end.
    pub fn next_block(&mut self) -> Result<Option<Pcm>, DecodeError> { todo!() }
    /// Known once `next_block` gave None, or after seeking support read it.
    pub fn trailer(&self) -> Option<&Trailer> { todo!() }
    pub fn damage(&self) -> &[Damage] { todo!() }
}
impl<R: Read + Seek> Decoder<R> {
    /// Exact length from the trailer, else by scanning section headers.
    pub fn total_samples(&mut self) -> Result<u64, DecodeError> { todo!() }
    /// The next block begins exactly at `sample`.
    pub fn seek(&mut self, _sample: u64) -> Result<(), DecodeError> { todo!() }
}
/// Whole file at once.
pub fn decode(_bytes: &[u8]) -> Result<Decoded, DecodeError> { todo!() }
pub struct Decoded { pub header: Header, pub trailer: Option<Trailer>, pub pcm: Pcm, pub damage: Vec<Damage> }

/// Structure of a file without decoding audio: for `info` and `verify`.
pub fn inspect<R: Read>(_reader: R) -> Result<Inspection, DecodeError> { todo!() }
#[derive(Clone, Debug)]
pub struct Inspection { pub header: Header, pub header_bytes: u64, pub sections: Vec<SectionInfo>, pub trailer: Option<Trailer>, pub trailer_bytes: u64, pub total_bytes: u64, pub damage: Vec<Damage> }
#[derive(Clone, Debug)]
pub struct SectionInfo { pub byte_offset: u64, pub bytes: u64, pub sketch_bytes: u64, pub detail_bytes: u64, pub first_sample: u64, pub samples: u64, pub step_index: u8 }

/// thiserror enums
#[derive(Debug)] pub enum EncodeError { Unsupported(String), Limit(String), Config(String) }
#[derive(Debug)] pub enum DecodeError { Io(std::io::Error), NotMelisma, Version(u8), UnknownModel(u64), Damaged(String), Limit(String) }
