//! Which reader an input gets: by its first bytes, then by what refuses.

use std::io::{Cursor, Read};

use melisma_signal::Metadata;

use super::OpenOptions;
use super::bytes::{self, Bytes};
use super::ffmpeg::FfmpegReader;
use super::flac::FlacReader;
use super::matroska::MatroskaReader;
use super::mp4::{self, Chosen, Gapless, Index, Mp4Reader};
use super::mpeg::MpegReader;
use super::ogg::OggReader;
use super::packet_decoder::SBR_SUSPECT_HZ;
use super::pcm::{PcmReader, aiff, au, caf, wav};
use super::reader::{BlockReader, Notes};
use super::recognise::{Beginning, Kind, recognise};
use super::symphonia_reader::{SymphoniaReader, no_such_track};
use super::tags::{self, Collected};
use crate::MediaError;

/// Said of AAC at [`SBR_SUSPECT_HZ`] and below.
const MAYBE_SBR: &str = "AAC at a low rate: if it is HE-AAC, its upper half spectrum is missing";

/// Enough of a pipe for `ffmpeg` to see what it is.
const PROBED_BYTES: u64 = 4 << 20;

/// Opens an input: its reader, and the tags that stand around what it reads.
pub fn open_reader(
    mut bytes: Bytes,
    extension: Option<&str>,
    options: &OpenOptions,
    notes: &mut Notes,
) -> Result<(Box<dyn BlockReader>, Metadata), MediaError> {
    let mut head = [0];
    if bytes.read(&mut head)? == 0 {
        return Err(MediaError::Empty);
    }
    if let Some(raw) = options.raw {
        let reader = PcmReader::raw(bytes.again(0)?, raw)?;
        return Ok((Box::new(reader), Metadata::default()));
    }
    let Beginning { kind, offset: foreign_bytes, tags: leading } = recognise(&bytes)?;
    // Places that a container names count from its own start.
    let mut bytes = bytes.behind(foreign_bytes)?;
    let track = options.track.unwrap_or(0);
    if track > 0 && matches!(kind, Kind::Wav | Kind::Aiff | Kind::Au | Kind::Caf | Kind::Flac | Kind::Mpeg) {
        return Err(no_such_track(track, 1));
    }
    let mut collected = Collected::default();
    let mut gapless = None;
    // What holds whoever reads the input.
    let mut kept = Notes::default();
    let opened: Result<Box<dyn BlockReader>, MediaError> = match kind {
        Kind::Wav => match wav::open(bytes.again(0)?, notes)? {
            // Nobody reads a broken WAV header better; a coded WAV (ADPCM, A-law) goes on below.
            wav::Opened::Samples(reader) => Ok(reader),
            wav::Opened::Mpeg(start, tags) => {
                collected.fill_from(tags);
                match MpegReader::open(bytes.behind(start)?, notes)? {
                    Some(reader) => Ok(Box::new(reader)),
                    None => symphonia(&bytes, extension, options.track, None, notes),
                }
            }
            wav::Opened::Coded(length) => {
                gapless = length;
                kept = notes.clone();
                symphonia(&bytes, extension, options.track, length, notes)
            }
        },
        Kind::Aiff => match aiff::open(bytes.again(0)?, notes)? {
            Some(reader) => Ok(Box::new(reader)),
            None => symphonia(&bytes, extension, options.track, None, notes),
        },
        Kind::Au => au::open(bytes.again(0)?, notes).and_then(plain),
        Kind::Caf => caf::open(bytes.again(0)?, notes).and_then(plain),
        Kind::Flac => {
            let reader = FlacReader::open(bytes.again(0)?, notes);
            tags::ends::around(&bytes, &leading, &mut collected, notes);
            boxed(reader)
        }
        Kind::Ogg => match OggReader::open(bytes.again(0)?, track, notes) {
            Ok(Some(reader)) => Ok(Box::new(reader)),
            Ok(None) => Err(MediaError::Unsupported("no Vorbis, Opus or FLAC in this Ogg file".into())),
            Err(error) => Err(error),
        },
        Kind::Mpeg => {
            tags::ends::around(&bytes, &leading, &mut collected, notes);
            match MpegReader::open(bytes.again(0)?, notes) {
                Ok(Some(reader)) if reader.is_aac() && reader.format().sample_rate_hz <= SBR_SUSPECT_HZ => {
                    notes.warn(MAYBE_SBR);
                    let chosen = Chosen { number: 0, gapless: None, moved_bytes: 0, foreign_bytes: 0 };
                    let reader = in_full(Box::new(reader), &bytes, &chosen, options, notes)?;
                    return Ok((reader, collected.into_metadata(notes)));
                }
                Ok(Some(reader)) => Ok(Box::new(reader)),
                Ok(None) => Err(MediaError::Damaged("no frames follow each other".into())),
                Err(error) => Err(error),
            }
        }
        Kind::Matroska => boxed(MatroskaReader::open(bytes.again(0)?, options.track, notes)),
        Kind::Mp4 => {
            let mut index = mp4::read_index(&mut bytes.again(0)?)?;
            if matches!(index, Index::Behind) {
                bytes = bytes.spooled()?.ok_or_else(bytes::lost)?;
                index = mp4::read_index(&mut bytes.again(0)?)?;
            }
            let (mut before, moved_bytes) = match index {
                Index::Found { before, moved_bytes, joined_bytes } => {
                    if joined_bytes > 0 {
                        notes
                            .harm(format!("{joined_bytes} bytes of another file follow, which are not read"));
                    }
                    (before, moved_bytes)
                }
                _ => (Vec::new(), 0),
            };
            if let Some(mended) = mp4::mended(&before) {
                notes.harm("the MP4 index is damaged: boxes in it are not as long as they say");
                before = mended;
            }
            if !before.is_empty() {
                tags::read::mp4(&mut Cursor::new(&before), &mut collected, notes);
                tags::chapters::read(&before, &bytes, &mut collected);
            }
            let chosen = Chosen { foreign_bytes, ..mp4::choose_track(&before, options.track, moved_bytes) };
            gapless = chosen.gapless;
            match Mp4Reader::open(bytes.again(0)?, &before, &chosen, notes) {
                Ok(Some(reader)) if reader.is_maybe_sbr() => {
                    notes.warn(MAYBE_SBR);
                    in_full(Box::new(reader), &bytes, &chosen, options, notes)
                }
                Ok(Some(reader)) => Ok(Box::new(reader)),
                Ok(None) => symphonia(&bytes, extension, Some(chosen.number), chosen.gapless, notes),
                Err(error) => Err(error),
            }
        }
        Kind::Other => Err(MediaError::Damaged("no known format".into())),
    };
    let reason = match opened {
        Ok(reader) => {
            if !matches!(kind, Kind::Flac | Kind::Mpeg) {
                let mut others = Collected::default();
                tags::ends::around(&bytes, &leading, &mut others, notes);
                collected.fill_from(others);
            }
            return Ok((reader, collected.into_metadata(notes)));
        }
        Err(error @ (MediaError::Io(_) | MediaError::File { .. })) => return Err(error),
        Err(error) => error,
    };
    let Some(program) = &options.ffmpeg else { return Err(reason) };
    if bytes.length_bytes().is_none() {
        // A pipe may have no end: only music is worth a file that takes all of it.
        let mut beginning = Vec::new();
        bytes.again(0)?.take(PROBED_BYTES).read_to_end(&mut beginning)?;
        if !FfmpegReader::recognises(&beginning, program, &reason)? {
            return Err(reason);
        }
    }
    // ffmpeg wants to seek in most of what it is asked for here.
    let file = bytes.spooled()?.ok_or_else(bytes::lost)?;
    if kind == Kind::Wav && bytes.length_bytes().is_none() {
        // What follows the blocks is seen only now.
        kept = Notes::default();
        wav::open(file.again(0)?, &mut kept)?;
    }
    let mut collected = Collected::default();
    // What else the readers above met is theirs; this one looks for itself.
    *notes = kept;
    tags::asf::read(&file, &mut collected);
    tags::ends::around(&file, &leading, &mut collected, notes);
    let reason = match reason {
        MediaError::Damaged(text) | MediaError::Unsupported(text) => text,
        other => other.to_string(),
    };
    let mut reader = FfmpegReader::open(file, program, options.track, &reason, collected, notes)?;
    reader.limit(gapless);
    Ok((Box::new(reader), Metadata::default()))
}

/// Samples as they are; coded ones are somebody else's.
fn plain(reader: Option<PcmReader>) -> Result<Box<dyn BlockReader>, MediaError> {
    let reader = reader.ok_or_else(|| MediaError::Unsupported("coded samples in AU or CAF".into()))?;
    Ok(Box::new(reader))
}

fn boxed<R: BlockReader + 'static>(
    reader: Result<R, MediaError>,
) -> Result<Box<dyn BlockReader>, MediaError> {
    reader.map(|reader| Box::new(reader) as Box<dyn BlockReader>)
}

/// Through Symphonia.
fn symphonia(
    bytes: &Bytes,
    extension: Option<&str>,
    track: Option<usize>,
    gapless: Option<Gapless>,
    notes: &mut Notes,
) -> Result<Box<dyn BlockReader>, MediaError> {
    boxed(SymphoniaReader::open(bytes.again(0)?, extension, track, gapless, notes))
}

/// `ffmpeg` decodes HE-AAC in full; without it, the lower half is what there is.
fn in_full(
    reader: Box<dyn BlockReader>,
    bytes: &Bytes,
    chosen: &Chosen,
    options: &OpenOptions,
    notes: &mut Notes,
) -> Result<Box<dyn BlockReader>, MediaError> {
    let Some(program) = &options.ffmpeg else { return Ok(reader) };
    let file = bytes.spooled()?.ok_or_else(bytes::lost)?;
    if bytes.length_bytes().is_none() {
        // Only a file can be looked at by both.
        *notes = Notes::default();
        return open_reader(file, None, options, notes).map(|(reader, _)| reader);
    }
    let collected = Collected::default();
    match FfmpegReader::open(
        file,
        program,
        Some(chosen.number),
        "possibly HE-AAC",
        collected,
        &mut Notes::default(),
    ) {
        // The same rate: plain AAC after all, and the reader here knows its exact length.
        Ok(full) if full.format().sample_rate_hz == reader.format().sample_rate_hz => {
            *notes = Notes::default();
            Ok(reader)
        }
        Ok(mut full) => {
            *notes = Notes::default();
            full.limit(chosen.gapless);
            Ok(Box::new(full))
        }
        Err(_) => Ok(reader),
    }
}
