//! Which reader an input gets: by its first bytes, then by what refuses.

use std::io::{Cursor, Read};

use melisma_signal::Metadata;

use super::OpenOptions;
use super::bytes::Bytes;
use super::ffmpeg::FfmpegReader;
use super::flac::FlacReader;
use super::matroska::MatroskaReader;
use super::mp4::{self, Chosen, Gapless, Index, Mp4Reader};
use super::mpeg::MpegReader;
use super::ogg::OggReader;
use super::packet_decoder::SBR_SUSPECT_HZ;
use super::pcm::{PcmReader, aiff, au, caf, wav};
use super::reader::{BlockReader, Notes};
use super::symphonia_reader::{SymphoniaReader, no_such_track};
use super::tags::{self, Collected};
use super::trailing_tags;
use super::{flac, matroska, ogg};
use crate::MediaError;

/// How far into an input of unknown beginning a known one is looked for.
const JUNK_BYTES: usize = 64 << 10;
/// Enough to see that frames follow each other: three of the longest.
const LOOK_BYTES: usize = JUNK_BYTES + (32 << 10);

/// Said of AAC at [`SBR_SUSPECT_HZ`] and below.
const MAYBE_SBR: &str = "AAC at a low rate: if it is HE-AAC, its upper half spectrum is missing";

/// Enough of a pipe for `ffmpeg` to see what it is.
const PROBED_BYTES: u64 = 4 << 20;

/// Beginnings of what only `ffmpeg` reads, in whose bytes nothing else is to be looked for: WavPack,
/// TTA, Monkey's Audio, Musepack, OptimFROG, ASF, AC-3, DTS, AMR, Real, Flash, MPEG-PS.
const FOREIGN: &[&[u8]] = &[
    b"wvpk",
    b"TTA",
    b"MAC ",
    b"MPCK",
    b"MP+",
    b"OFR ",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",
    b"\x0b\x77",
    b"\x7f\xfe\x80\x01",
    b"#!AMR",
    b".RMF",
    b"FLV",
    b"\0\0\x01\xba",
];

/// What an input seems to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Wav,
    Aiff,
    Au,
    Caf,
    Flac,
    Ogg,
    Mpeg,
    Matroska,
    Mp4,
    Other,
}

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
        let reader = PcmReader::raw(again(&bytes, 0)?, raw)?;
        return Ok((Box::new(reader), Metadata::default()));
    }
    let (leading, offset) = trailing_tags::read_leading(&mut again(&bytes, 0)?)?;
    let (kind, offset) = recognise(&again(&bytes, offset)?, offset)?;
    let track = options.track.unwrap_or(0);
    if track > 0 && matches!(kind, Kind::Wav | Kind::Aiff | Kind::Au | Kind::Caf | Kind::Flac | Kind::Mpeg) {
        return Err(no_such_track(track, 1));
    }
    let mut collected = Collected::default();
    let opened: Result<Box<dyn BlockReader>, MediaError> = match kind {
        Kind::Wav => match wav::open(again(&bytes, offset)?, notes)? {
            // Nobody reads a broken WAV header better; a coded WAV (ADPCM, A-law) goes on below.
            Some(reader) => Ok(Box::new(reader)),
            None => symphonia(&bytes, extension, options.track, None, notes),
        },
        Kind::Aiff => match aiff::open(again(&bytes, offset)?, notes)? {
            Some(reader) => Ok(Box::new(reader)),
            None => symphonia(&bytes, extension, options.track, None, notes),
        },
        Kind::Au => au::open(again(&bytes, offset)?).and_then(plain),
        Kind::Caf => caf::open(again(&bytes, offset)?, notes).and_then(plain),
        Kind::Flac => {
            let reader = FlacReader::open(again(&bytes, offset)?, notes);
            tags::read::around(&bytes, &leading, &mut collected, notes);
            boxed(reader)
        }
        Kind::Ogg => match OggReader::open(again(&bytes, offset)?, track, notes) {
            Ok(Some(reader)) => Ok(Box::new(reader)),
            Ok(None) => Err(MediaError::Unsupported("no Vorbis, Opus or FLAC in this Ogg file".into())),
            Err(error) => Err(error),
        },
        Kind::Mpeg => {
            tags::read::around(&bytes, &leading, &mut collected, notes);
            match MpegReader::open(again(&bytes, 0)?, notes) {
                Ok(Some(reader)) if reader.is_aac() && reader.format().sample_rate_hz <= SBR_SUSPECT_HZ => {
                    notes.warn(MAYBE_SBR);
                    let chosen = Chosen { number: 0, gapless: None, moved_bytes: 0 };
                    let reader = in_full(Box::new(reader), &bytes, &chosen, options, notes)?;
                    return Ok((reader, collected.into_metadata(notes)));
                }
                Ok(Some(reader)) => Ok(Box::new(reader)),
                Ok(None) => Err(MediaError::Damaged("no frames follow each other".into())),
                Err(error) => Err(error),
            }
        }
        Kind::Matroska => boxed(MatroskaReader::open(again(&bytes, offset)?, options.track, notes)),
        Kind::Mp4 => {
            let mut index = mp4::read_index(&mut again(&bytes, offset)?)?;
            if matches!(index, Index::Behind) {
                bytes = bytes.spooled()?.ok_or_else(lost)?;
                index = mp4::read_index(&mut again(&bytes, offset)?)?;
            }
            let (before, moved_bytes) = match index {
                Index::Found { before, moved_bytes } => (before, moved_bytes),
                _ => (Vec::new(), 0),
            };
            if !before.is_empty() {
                tags::read::mp4(&mut Cursor::new(&before), &mut collected, notes);
            }
            let chosen = mp4::choose_track(&before, options.track, moved_bytes);
            match Mp4Reader::open(again(&bytes, offset)?, &before, &chosen, notes) {
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
        Ok(reader) => return Ok((reader, collected.into_metadata(notes))),
        Err(error @ (MediaError::Io(_) | MediaError::File { .. })) => return Err(error),
        Err(error) => error,
    };
    let Some(program) = &options.ffmpeg else { return Err(reason) };
    if bytes.length_bytes().is_none() {
        // A pipe may have no end: only music is worth a file that takes all of it.
        let mut beginning = Vec::new();
        again(&bytes, 0)?.take(PROBED_BYTES).read_to_end(&mut beginning)?;
        if !FfmpegReader::recognises(&beginning, program, &reason)? {
            return Err(reason);
        }
    }
    // ffmpeg wants to seek in most of what it is asked for here.
    let file = bytes.spooled()?.ok_or_else(lost)?;
    let mut collected = Collected::default();
    // What the readers above met is theirs; this one looks for itself.
    *notes = Notes::default();
    tags::read::around(&file, &leading, &mut collected, notes);
    let reason = match reason {
        MediaError::Damaged(text) | MediaError::Unsupported(text) => text,
        other => other.to_string(),
    };
    let reader = FfmpegReader::open(file, program, options.track, &reason, collected, notes)?;
    Ok((Box::new(reader), Metadata::default()))
}

fn lost() -> MediaError {
    MediaError::Unsupported("the input's beginning is too long to be read twice".into())
}

/// The input from `offset` on.
fn again(bytes: &Bytes, offset: u64) -> Result<Bytes, MediaError> {
    let mut again = bytes.rewound()?.ok_or_else(lost)?;
    again.skip(offset)?;
    Ok(again)
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

/// What the input is, and where it starts: foreign bytes may stand before it.
fn recognise(bytes: &Bytes, offset: u64) -> Result<(Kind, u64), MediaError> {
    let mut look = Vec::new();
    again(bytes, offset)?.take(LOOK_BYTES as u64).read_to_end(&mut look)?;
    let ended = look.len() < LOOK_BYTES;
    if let Some(kind) = kind_of(&look) {
        return Ok((kind, offset));
    }
    if FOREIGN.iter().any(|magic| look.starts_with(magic)) {
        return Ok((Kind::Other, offset));
    }
    let reach = look.len().min(JUNK_BYTES);
    let found = (0..reach).find_map(|at| {
        let rest = &look[at..];
        let kind = match rest[0] {
            // Before the other kinds of frames: a checksum says more than a length.
            0xFF if flac::recognises_frames(rest) => Some(Kind::Flac),
            0xFF if MpegReader::recognises(rest, ended) => Some(Kind::Mpeg),
            // Longer beginnings than two or three letters, lest chance finds them.
            b'f' | b'O' | b'R' | b'F' => kind_of(rest).filter(|kind| *kind != Kind::Mp4),
            _ => None,
        };
        kind.map(|kind| (kind, at as u64))
    });
    let (kind, at) = found.unwrap_or((Kind::Other, 0));
    Ok((kind, offset + at))
}

/// What starts with these bytes.
fn kind_of(head: &[u8]) -> Option<Kind> {
    Some(match head {
        _ if wav::is_wav(head) => Kind::Wav,
        _ if aiff::is_aiff(head) => Kind::Aiff,
        _ if head.starts_with(au::MAGIC) => Kind::Au,
        _ if head.starts_with(caf::MAGIC) && head.get(4..6) == Some(&[0, 1]) => Kind::Caf,
        _ if head.starts_with(flac::MAGIC) && head.get(4).is_some_and(|kind| kind & 0x7F == 0) => Kind::Flac,
        _ if head.starts_with(ogg::MAGIC) && head.get(4) == Some(&0) => Kind::Ogg,
        _ if head.starts_with(matroska::MAGIC) => Kind::Matroska,
        _ if mp4::is_mp4(head) => Kind::Mp4,
        _ => return None,
    })
}

/// Through Symphonia.
fn symphonia(
    bytes: &Bytes,
    extension: Option<&str>,
    track: Option<usize>,
    gapless: Option<Gapless>,
    notes: &mut Notes,
) -> Result<Box<dyn BlockReader>, MediaError> {
    boxed(SymphoniaReader::open(again(bytes, 0)?, extension, track, gapless, notes))
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
    let file = bytes.spooled()?.ok_or_else(lost)?;
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
