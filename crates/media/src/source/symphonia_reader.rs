//! The containers that Symphonia demultiplexes: WAV and AIFF of coded samples, and MP4 of codings that
//! `mp4` does not read.
//!
//! Length rules: MP4 is cut as its index says; the others give what is stored. A packet that does
//! not decode becomes silence of its duration, and so does a jump in the time stamps.

use melisma_signal::Metadata;
use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::errors::Error as SymphoniaError;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;

use super::bytes::Bytes;
use super::mp4::Gapless;
use super::packet_decoder::{PacketDecoder, guarded, refusal};
use super::reader::{BlockReader, Notes, StreamFormat, Trim};
use super::timeline::{Planes, Timeline};
use crate::MediaError;

/// Failures in a row after which a stream counts as over.
const MAX_FAILURES_IN_A_ROW: u32 = 500;
/// Packets at the start that may fail before the input counts as something else.
const MAX_FAILURES_AT_START: u32 = 32;

const UNDECODABLE: &str = "packets that cannot be decoded";

/// Reads through Symphonia.
pub struct SymphoniaReader {
    demuxer: Box<dyn FormatReader>,
    track_id: u32,
    decoder: PacketDecoder,
    format: StreamFormat,
    timeline: Timeline,
    /// Lost before the first packet that could be decoded.
    lost_at_start: u64,
    ended: bool,
}

impl SymphoniaReader {
    /// Recognises the format and decodes its first packet. `track` counts the audio tracks from 0;
    /// `None`: the default one. `extension` helps where the content is ambiguous. `gapless` is the MP4
    /// index's word.
    ///
    /// # Errors
    /// [`MediaError::Unsupported`], [`MediaError::Damaged`], [`MediaError::Io`].
    pub fn open(
        bytes: Bytes,
        extension: Option<&str>,
        track: Option<usize>,
        gapless: Option<Gapless>,
        notes: &mut Notes,
    ) -> Result<Self, MediaError> {
        let mut demuxer = probe(Box::new(bytes), extension)?;
        let track = choose_track(demuxer.as_mut(), track)?;
        let params = audio_params(&track)?;
        let decoder = PacketDecoder::new(params)?;
        let mut reader = Self {
            demuxer,
            track_id: track.id,
            decoder,
            format: StreamFormat { sample_rate_hz: 0, layout: Vec::new(), total_samples: None },
            timeline: Timeline::default(),
            lost_at_start: 0,
            ended: false,
        };
        while reader.format.layout.is_empty() && !reader.ended {
            reader.step(Some((&track, gapless)), notes)?;
        }
        if reader.format.layout.is_empty() {
            return Err(MediaError::Damaged("no packet could be decoded".into()));
        }
        // A coding that is known by name alone gives blocks without samples.
        while reader.timeline.taken_samples() == 0 && !reader.ended {
            reader.step(None, notes)?;
        }
        if reader.timeline.taken_samples() == 0 && reader.format.total_samples.is_some_and(|total| total > 0)
        {
            return Err(MediaError::Damaged("its packets hold no sound that could be decoded".into()));
        }
        Ok(reader)
    }

    /// What is cut, and how long the music is, once the rate is known.
    fn trim(&mut self, track: &Track, gapless: Option<Gapless>, sample_rate_hz: u32) -> Trim {
        let Some(gapless) = gapless else {
            let start = u64::try_from(track.start_ts.get()).unwrap_or(0);
            self.format.total_samples =
                track.num_frames.filter(|end| *end > 0).map(|end| end.saturating_sub(start));
            return Trim::default();
        };
        let samples = |ticks| gapless.samples(ticks, sample_rate_hz);
        self.format.total_samples = gapless.total.map(samples);
        Trim { skip: samples(gapless.delay.unwrap_or(0)), keep: self.format.total_samples, padding: None }
    }

    /// The next packet of our track; `None` at the end.
    fn next_packet(&mut self, notes: &mut Notes) -> Result<Option<Packet>, MediaError> {
        let mut failures = 0;
        loop {
            let demuxer = &mut self.demuxer;
            match guarded("the format reader", || demuxer.next_packet())? {
                Ok(Some(packet)) if packet.track_id == self.track_id => return Ok(Some(packet)),
                Ok(Some(_)) => {}
                Ok(None) | Err(SymphoniaError::ResetRequired) => return Ok(None),
                Err(SymphoniaError::IoError(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                    return Ok(None);
                }
                Err(SymphoniaError::IoError(error)) => return Err(error.into()),
                Err(error) => {
                    failures += 1;
                    if failures >= MAX_FAILURES_AT_START {
                        notes.harm(format!("reading stopped at damage: {error}"));
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Decodes the next packet. `opening`: what trims the stream, before its first packet.
    fn step(
        &mut self,
        opening: Option<(&Track, Option<Gapless>)>,
        notes: &mut Notes,
    ) -> Result<(), MediaError> {
        let mut failures = 0;
        loop {
            let Some(packet) = self.next_packet(notes)? else {
                self.finish(notes);
                return Ok(());
            };
            match self.decoder.decode(&packet.data) {
                Ok(decoded) => {
                    let agrees = decoded.sample_rate_hz == self.format.sample_rate_hz
                        && decoded.layout.len() == self.format.layout.len();
                    if let Some((track, gapless)) = opening {
                        let trim = self.trim(track, gapless, decoded.sample_rate_hz);
                        self.timeline.start(decoded.sample_rate_hz, decoded.layout.len(), trim);
                        (self.format.sample_rate_hz, self.format.layout) =
                            (decoded.sample_rate_hz, decoded.layout);
                        self.timeline.lose(std::mem::take(&mut self.lost_at_start), UNDECODABLE, notes);
                    } else if !agrees {
                        self.timeline.start(decoded.sample_rate_hz, decoded.layout.len(), Trim::default());
                        (self.format.sample_rate_hz, self.format.layout) =
                            (decoded.sample_rate_hz, decoded.layout);
                    }
                    self.timeline.push(decoded.planes);
                    return Ok(());
                }
                Err(reason) => {
                    self.decoder.reset();
                    failures += 1;
                    let lost = packet.block_dur().get();
                    if opening.is_some() {
                        self.lost_at_start = self.lost_at_start.saturating_add(lost);
                        if failures >= MAX_FAILURES_AT_START {
                            return Err(MediaError::Damaged(reason));
                        }
                    } else {
                        self.timeline.lose(lost, UNDECODABLE, notes);
                        if failures >= MAX_FAILURES_IN_A_ROW {
                            notes.harm(format!(
                                "{failures} damaged packets in a row: reading stopped ({reason})"
                            ));
                            self.finish(notes);
                            return Ok(());
                        }
                    }
                }
            }
        }
    }

    /// Says what is missing of the length that the container states.
    fn finish(&mut self, notes: &mut Notes) {
        self.ended = true;
        let present = self.timeline.coming_samples();
        if let Some(total) = self.format.total_samples.filter(|total| *total > present) {
            notes.miss_samples(present, total, self.format.sample_rate_hz);
        }
    }
}

fn probe(source: Box<dyn MediaSource>, extension: Option<&str>) -> Result<Box<dyn FormatReader>, MediaError> {
    let mut hint = Hint::new();
    if let Some(extension) = extension {
        hint.with_extension(extension);
    }
    let stream = MediaSourceStream::new(source, Default::default());
    guarded("the format reader", || {
        symphonia::default::get_probe().probe(
            &hint,
            stream,
            FormatOptions::default(),
            MetadataOptions::default(),
        )
    })?
    .map_err(refusal)
}

/// What the audio track with that number (from 0) is coded with.
pub fn track_params(source: Box<dyn MediaSource>, number: usize) -> Result<AudioCodecParameters, MediaError> {
    let mut demuxer = probe(source, Some("mp4"))?;
    audio_params(&choose_track(demuxer.as_mut(), Some(number))?).cloned()
}

/// The audio track with that number, or the default one.
fn choose_track(demuxer: &mut dyn FormatReader, number: Option<usize>) -> Result<Track, MediaError> {
    let is_audio = |track: &&Track| track.codec_params.as_ref().is_some_and(|params| params.is_audio());
    let count = demuxer.tracks().iter().filter(is_audio).count();
    let found = match number {
        Some(number) => demuxer.tracks().iter().filter(is_audio).nth(number),
        None => demuxer.default_track(TrackType::Audio).or_else(|| demuxer.first_track(TrackType::Audio)),
    };
    found.cloned().ok_or_else(|| match number {
        Some(number) => no_such_track(number, count),
        None => MediaError::Unsupported("no audio track".into()),
    })
}

/// The error of a track number (from 0) that there is not.
pub fn no_such_track(number: usize, count: usize) -> MediaError {
    MediaError::Unsupported(format!("there is no audio track {} (of {count})", number + 1))
}

fn audio_params(track: &Track) -> Result<&AudioCodecParameters, MediaError> {
    let params = track.codec_params.as_ref().and_then(|params| params.audio());
    params.ok_or_else(|| MediaError::Unsupported("an audio track of unknown coding".into()))
}

impl BlockReader for SymphoniaReader {
    fn format(&self) -> &StreamFormat {
        &self.format
    }

    fn take_metadata(&mut self) -> Metadata {
        Metadata::default() // read by `tags`
    }

    fn next_block(&mut self, notes: &mut Notes) -> Result<Option<Planes>, MediaError> {
        loop {
            if let Some(block) = self.timeline.pop() {
                return Ok(Some(block));
            }
            if self.ended {
                return Ok(None);
            }
            self.step(None, notes)?;
        }
    }
}
