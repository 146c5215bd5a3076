//! The formats that Symphonia demultiplexes and decodes (and Ogg Opus, whose packets go to another
//! decoder), with gapless trimming and concealment.
//!
//! Length rules, by format:
//! - MP3: the LAME/Lavc extension of the Xing/Info frame gives delay (plus the decoder's own 529)
//!   and padding; both are cut, and what follows the padding (files glued together) is kept.
//!   Without that extension nothing is cut, as `ffmpeg` and `mpg123` do.
//! - MP4: see [`super::mp4`].
//! - Vorbis: the granule positions of the pages, at the end and at a cut start (as libvorbis does;
//!   `ffmpeg` plays what lies before the cut).
//! - Opus: pre-skip, and the granule position of the last page (RFC 7845, section 4).
//! - FLAC, ALAC, AIFF: as stored.
//!
//! A packet that does not decode becomes silence of its duration, so that what follows keeps its
//! time, unless no good packet follows.

use std::panic::{AssertUnwindSafe, catch_unwind};

use melisma_signal::Metadata;
use symphonia::core::audio::{Channels, GenericAudioBufferRef};
use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_AAC, CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3, CODEC_ID_OPUS, CODEC_ID_VORBIS,
};
use symphonia::core::codecs::audio::{AudioCodecId, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as SymphoniaError;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;

use super::bytes::Bytes;
use super::mp4::Gapless;
use super::opus::OpusPackets;
use super::reader::{BlockReader, MAX_CHANNELS, Notes, StreamFormat, Trim};
use super::tags;
use crate::resample::MAX_RATE_HZ;
use crate::{MediaError, Speaker};

/// Failures in a row after which a stream counts as over.
const MAX_FAILURES_IN_A_ROW: u32 = 500;
/// Packets at the start that may fail before the input counts as something else.
const MAX_FAILURES_AT_START: u32 = 32;
/// Packets in a row that must disagree with the format before that is believed to be a change
/// rather than damage.
const CHANGED_PACKETS: u32 = 4;
/// Longest gap that is filled with silence at once.
const MAX_CONCEALED_SAMPLES: u64 = 48_000;
/// Symphonia decodes AAC without its spectral band replication, which doubles such rates.
const SBR_SUSPECT_HZ: u32 = 24_000;

enum Codec {
    Symphonia(Box<dyn AudioDecoder>),
    Opus(OpusPackets),
}

/// Reads through Symphonia.
pub struct SymphoniaReader {
    demuxer: Box<dyn FormatReader>,
    track_id: u32,
    codec_id: AudioCodecId,
    codec: Codec,
    format: StreamFormat,
    metadata: Metadata,
    trim: Trim,
    /// Decoded at the opening, to see the true format.
    first_block: Option<Vec<Vec<f32>>>,
    /// Silence owed for damaged packets, paid when a good one follows.
    owed_samples: u64,
    mismatches: u32,
    delivered_samples: u64,
    ended: bool,
}

/// Decoders are ours to distrust: a panic in one is a damaged file, not the end of the program.
fn guarded<T>(what: &'static str, run: impl FnOnce() -> T) -> Result<T, MediaError> {
    catch_unwind(AssertUnwindSafe(run))
        .map_err(|_| MediaError::Damaged(format!("{what} failed on malformed data")))
}

impl SymphoniaReader {
    /// Recognises the format and decodes its first packet.
    ///
    /// `extension` helps where the content is ambiguous. `gapless` is the MP4 index's word.
    ///
    /// # Errors
    /// [`MediaError::Damaged`] or [`MediaError::Unsupported`]: something else may be able to read
    /// it. The text says why.
    pub fn open(
        bytes: Bytes,
        extension: Option<&str>,
        gapless: Option<Gapless>,
        notes: &mut Notes,
    ) -> Result<Self, MediaError> {
        let mut hint = Hint::new();
        if let Some(extension) = extension {
            hint.with_extension(extension);
        }
        let stream = MediaSourceStream::new(Box::new(bytes), Default::default());
        let mut demuxer = guarded("the format reader", || {
            symphonia::default::get_probe().probe(
                &hint,
                stream,
                FormatOptions::default(),
                MetadataOptions::default(),
            )
        })?
        .map_err(refusal)?;
        let track = demuxer
            .default_track(TrackType::Audio)
            .or_else(|| demuxer.first_track(TrackType::Audio))
            .ok_or_else(|| MediaError::Unsupported("no audio track".into()))?
            .clone();
        let (codec_id, codec) = make_codec(&track)?;
        let rate = track.codec_params.as_ref().and_then(|p| p.audio()).and_then(|p| p.sample_rate);
        if codec_id == CODEC_ID_AAC && rate.is_some_and(|rate| rate <= SBR_SUSPECT_HZ) {
            notes.warn("AAC at a low rate: if it is HE-AAC, its upper half spectrum is missing");
        }
        let mut reader = Self {
            metadata: tags::collect(demuxer.as_mut(), notes),
            demuxer,
            track_id: track.id,
            codec_id,
            codec,
            format: StreamFormat { sample_rate_hz: 0, layout: Vec::new(), total_samples: None },
            trim: Trim::default(),
            first_block: None,
            owed_samples: 0,
            mismatches: 0,
            delivered_samples: 0,
            ended: false,
        };
        reader.first_block = reader.decode_next(notes)?;
        if reader.first_block.is_none() && reader.format.sample_rate_hz == 0 {
            return Err(MediaError::Damaged("no packet could be decoded".into()));
        }
        reader.set_trim(&track, gapless);
        reader.metadata =
            merge(std::mem::take(&mut reader.metadata), tags::collect(reader.demuxer.as_mut(), notes));
        Ok(reader)
    }

    /// Whether it is AAC that may be missing its upper half; see [`SBR_SUSPECT_HZ`].
    pub fn is_maybe_sbr(&self) -> bool {
        self.codec_id == CODEC_ID_AAC && self.format.sample_rate_hz <= SBR_SUSPECT_HZ
    }

    fn set_trim(&mut self, track: &Track, gapless: Option<Gapless>) {
        let is_mpeg = [CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3].contains(&self.codec_id);
        if let Some(gapless) = gapless {
            let samples = |ticks: u64| {
                let product = u128::from(ticks) * u128::from(self.format.sample_rate_hz);
                u64::try_from(product / u128::from(gapless.timescale_hz)).unwrap_or(u64::MAX)
            };
            self.format.total_samples = gapless.total.map(samples);
            self.trim = Trim { skip: samples(gapless.delay), keep: self.format.total_samples, padding: None };
        } else if is_mpeg {
            // Without the LAME extension the count is an estimate, or blind to the padding.
            if let (Some(delay), Some(padding), Some(total)) = (track.delay, track.padding, track.num_frames)
            {
                self.format.total_samples = Some(total);
                self.trim = Trim { skip: delay.into(), keep: Some(total), padding: Some(u64::from(padding)) };
            } else {
                self.trim.skip = track.delay.unwrap_or(0).into();
            }
        } else {
            if self.codec_id == CODEC_ID_OPUS {
                self.trim.skip = u64::from(track.delay.unwrap_or(0));
            }
            // Ogg counts to the end position; a stream that was cut out of a longer one starts late.
            let before = u64::try_from(track.start_ts.get()).unwrap_or(0).saturating_add(self.trim.skip);
            self.format.total_samples =
                track.num_frames.filter(|end| *end > 0).map(|end| end.saturating_sub(before));
        }
    }

    /// The next packet of our track; `None` at the end.
    fn next_packet(&mut self, notes: &mut Notes) -> Result<Option<Packet>, MediaError> {
        let mut failures = 0;
        loop {
            let demuxer = &mut self.demuxer;
            match guarded("the format reader", || demuxer.next_packet())? {
                Ok(Some(packet)) if packet.track_id == self.track_id => return Ok(Some(packet)),
                Ok(Some(_)) => {}
                Ok(None) => return Ok(None),
                Err(SymphoniaError::ResetRequired) => {
                    // The next link of a chained stream.
                    let track = self
                        .demuxer
                        .default_track(TrackType::Audio)
                        .ok_or_else(|| MediaError::Unsupported("a chained stream without audio".into()))?
                        .clone();
                    self.track_id = track.id;
                    (self.codec_id, self.codec) = make_codec(&track)?;
                    if self.codec_id == CODEC_ID_OPUS {
                        self.trim.skip = track.delay.unwrap_or(0).into();
                    }
                    self.format.total_samples = None;
                }
                Err(SymphoniaError::IoError(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                    notes.warn("the stream ends in the middle of a packet");
                    return Ok(None);
                }
                Err(SymphoniaError::IoError(error)) => return Err(error.into()),
                Err(error) => {
                    notes.decode_errors += 1;
                    failures += 1;
                    if failures >= MAX_FAILURES_AT_START {
                        notes.warn(format!("reading stopped at damage: {error}"));
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Decodes up to the next packet that gives samples.
    fn decode_next(&mut self, notes: &mut Notes) -> Result<Option<Vec<Vec<f32>>>, MediaError> {
        let mut failures = 0;
        loop {
            let Some(packet) = self.next_packet(notes)? else { return Ok(None) };
            let mut planes = Vec::new();
            let codec = &mut self.codec;
            let decoded = guarded("the decoder", || match codec {
                Codec::Opus(opus) => opus.decode(&packet, &mut planes).map(|()| opus.layout()),
                Codec::Symphonia(decoder) => decoder
                    .decode(&packet)
                    .map(|buffer| {
                        buffer.copy_to_vecs_planar(&mut planes);
                        (buffer.spec().rate(), layout_of(&buffer))
                    })
                    .map_err(|error| error.to_string()),
            })
            .unwrap_or_else(|error| Err(error.to_string()));
            match decoded {
                Ok((rate, layout)) => {
                    if self.codec_id == CODEC_ID_VORBIS {
                        cut_before_zero(&packet, &mut planes);
                    }
                    if planes.first().is_none_or(Vec::is_empty) {
                        continue; // a priming packet
                    }
                    if self.check_format(rate, layout)? {
                        self.mismatches = 0;
                        return Ok(Some(self.pay_silence(planes)));
                    }
                    notes.decode_errors += 1;
                    self.owe(&packet);
                }
                Err(reason) => {
                    notes.decode_errors += 1;
                    failures += 1;
                    if let Some((rate, channels)) = self.mpeg_change(&packet) {
                        self.mismatches += 1;
                        if self.mismatches >= CHANGED_PACKETS {
                            return Err(self.changed(rate, channels));
                        }
                    }
                    let started = self.format.sample_rate_hz != 0;
                    if !started && failures >= MAX_FAILURES_AT_START {
                        return Err(MediaError::Damaged(reason));
                    }
                    if failures >= MAX_FAILURES_IN_A_ROW {
                        notes
                            .warn(format!("{failures} damaged packets in a row: reading stopped ({reason})"));
                        return Ok(None);
                    }
                    self.owe(&packet);
                }
            }
        }
    }

    /// Takes the first format as the stream's; `Ok(false)` for a stray packet of another one.
    fn check_format(&mut self, rate: u32, layout: Vec<Speaker>) -> Result<bool, MediaError> {
        if self.format.sample_rate_hz == 0 {
            if layout.is_empty() || layout.len() > MAX_CHANNELS || rate == 0 || rate > MAX_RATE_HZ {
                return Err(MediaError::Unsupported(format!("{} channels at {rate} Hz", layout.len())));
            }
            self.format.sample_rate_hz = rate;
            self.format.layout = layout;
        } else if self.format.sample_rate_hz != rate || self.format.channel_count() != layout.len() {
            self.mismatches += 1;
            if self.mismatches >= CHANGED_PACKETS {
                return Err(self.changed(rate, layout.len()));
            }
            return Ok(false);
        }
        Ok(true)
    }

    fn changed(&self, to_hz: u32, to_channels: usize) -> MediaError {
        MediaError::FormatChanged {
            from_hz: self.format.sample_rate_hz,
            from_channels: self.format.channel_count(),
            to_hz,
            to_channels,
            at_sample: self.delivered_samples,
        }
    }

    /// Rate and channels in an MPEG audio header, if they differ from the stream's (Symphonia's
    /// decoder calls such frames damaged). Source: ISO/IEC 11172-3, 2.4.2.3; 13818-3.
    fn mpeg_change(&self, packet: &Packet) -> Option<(u32, usize)> {
        if ![CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3].contains(&self.codec_id) {
            return None;
        }
        let [_, version, rate, mode, ..] = *packet.data else { return None };
        let full = [44_100, 48_000, 32_000].get(usize::from(rate >> 2 & 3))?;
        let rate = match version >> 3 & 3 {
            3 => *full,
            2 => full / 2,
            0 => full / 4,
            _ => return None,
        };
        let channels = if mode >> 6 == 3 { 1 } else { 2 };
        let differs = rate != self.format.sample_rate_hz || channels != self.format.channel_count();
        (self.format.sample_rate_hz != 0 && differs).then_some((rate, channels))
    }

    /// Notes the duration of a packet that is lost. Only where ticks are samples.
    fn owe(&mut self, packet: &Packet) {
        if self.format.sample_rate_hz != 0 {
            let lost = packet.block_dur().get();
            self.owed_samples = self.owed_samples.saturating_add(lost).min(MAX_CONCEALED_SAMPLES);
        }
    }

    fn pay_silence(&mut self, planes: Vec<Vec<f32>>) -> Vec<Vec<f32>> {
        let owed = std::mem::take(&mut self.owed_samples) as usize;
        if owed == 0 {
            return planes;
        }
        planes
            .into_iter()
            .map(|plane| {
                let mut padded = vec![0.0; owed];
                padded.extend(plane);
                padded
            })
            .collect()
    }
}

impl BlockReader for SymphoniaReader {
    fn format(&self) -> &StreamFormat {
        &self.format
    }

    fn take_metadata(&mut self) -> Metadata {
        std::mem::take(&mut self.metadata)
    }

    fn next_block(&mut self, notes: &mut Notes) -> Result<Option<Vec<Vec<f32>>>, MediaError> {
        while !self.ended {
            let block = match self.first_block.take() {
                Some(block) => Some(block),
                None => self.decode_next(notes)?,
            };
            let Some(mut block) = block else {
                self.ended = true;
                break;
            };
            self.trim.apply(&mut block);
            let samples = block.first().map_or(0, Vec::len) as u64;
            if samples > 0 {
                self.delivered_samples += samples;
                return Ok(Some(block));
            }
            if self.trim.keep == Some(0) && self.trim.padding.is_none() {
                self.ended = true;
            }
        }
        Ok(None)
    }
}

/// Vorbis I, appendix A.2: a first page that ends earlier than its samples do says that the stream
/// was cut there, and that what lies before time 0 is not to be heard.
fn cut_before_zero(packet: &Packet, planes: &mut [Vec<f32>]) {
    let trimmed = i64::try_from(packet.trim_start.get()).unwrap_or(i64::MAX);
    let start = packet.pts.get().saturating_add(trimmed);
    if start < 0 {
        let early = usize::try_from(start.unsigned_abs()).unwrap_or(usize::MAX);
        for plane in planes {
            plane.drain(..early.min(plane.len()));
        }
    }
}

fn make_codec(track: &Track) -> Result<(AudioCodecId, Codec), MediaError> {
    let params = track
        .codec_params
        .as_ref()
        .and_then(|params| params.audio())
        .ok_or_else(|| MediaError::Unsupported("an audio track of unknown coding".into()))?;
    if params.codec == CODEC_ID_OPUS {
        let head = params.extra_data.as_deref().unwrap_or_default();
        return Ok((params.codec, Codec::Opus(OpusPackets::new(head)?)));
    }
    // Vorbis packets carry exact trims; the others are trimmed here, see the module's text.
    let options = AudioDecoderOptions::default().gapless(params.codec == CODEC_ID_VORBIS);
    let decoder =
        guarded("the decoder", || symphonia::default::get_codecs().make_audio_decoder(params, &options))?
            .map_err(refusal)?;
    Ok((params.codec, Codec::Symphonia(decoder)))
}

fn refusal(error: SymphoniaError) -> MediaError {
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

/// Adds what a later look found and an earlier one did not.
fn merge(mut first: Metadata, later: Metadata) -> Metadata {
    for tag in later.tags {
        if !first.tags.contains(&tag) {
            first.tags.push(tag);
        }
    }
    first.picture = first.picture.or(later.picture);
    first
}
