//! A file whose bytes come bit by bit: described, decoded to planar 32-bit floats, sought in, drawn.
//!
//! ```text
//! open -> { input(n), write n bytes, feed(n) -> { next -> channel(0), channel(1) }* }* -> end -> { next }*
//!         tail(n, file bytes): seek table, length and loudness, before the rest is there
//!         seek(sample) -> byte from which the host feeds now
//! ```

use crate::{DONE, FAILED, description, room_of, status_of};
use melisma_codec::{BandPicture, DecodeError, Models, Pcm, PushDecoder, Trailer, container::Tail};
use std::{cell::RefCell, collections::BTreeSet, error::Error};

/// One file.
struct Stream {
    decoder: PushDecoder,
    /// Read from the end of the file, before it was its turn.
    trailer: Option<Trailer>,
    input: Vec<u8>,
    block: Option<Pcm>,
    /// First sample of what comes behind `block`.
    position: u64,
    picture: Option<BandPicture>,
    /// What a text is asked for last.
    text: String,
    /// Offsets of damage that was told: a seek can meet it again.
    told: BTreeSet<u64>,
}

impl Default for Stream {
    fn default() -> Self {
        Self {
            decoder: PushDecoder::new(Models::default()).with_pictures(),
            trailer: None,
            input: Vec::new(),
            block: None,
            position: 0,
            picture: None,
            text: String::new(),
            told: BTreeSet::new(),
        }
    }
}

thread_local! {
    static STREAM: RefCell<Stream> = RefCell::default();
}

impl Stream {
    fn settle(&mut self, outcome: Result<(), DecodeError>) -> i32 {
        let Err(error) = outcome else { return DONE };
        self.text = error.to_string();
        if let Some(source) = error.source() {
            self.text = format!("{}: {source}", self.text);
        }
        status_of(&error)
    }

    fn piece(&mut self, bytes: usize) -> Vec<u8> {
        let mut input = std::mem::take(&mut self.input);
        input.truncate(bytes);
        input
    }

    fn feed(&mut self, bytes: usize) -> i32 {
        let input = self.piece(bytes);
        let outcome = self.decoder.feed(&input);
        self.input = input;
        self.settle(outcome)
    }

    /// 0 if the trailer is known now, -1 if there is none, otherwise how many bytes from the end are needed.
    fn tail(&mut self, bytes: usize, file_bytes: u64) -> f64 {
        let input = self.piece(bytes);
        let tail = Tail::of(&input, file_bytes);
        self.input = input;
        match tail {
            Tail::Found { trailer, .. } => {
                self.trailer = Some(trailer);
                0.0
            }
            Tail::Longer(bytes) => bytes as f64,
            Tail::Absent => -1.0,
        }
    }

    fn trailer(&self) -> Option<&Trailer> {
        self.trailer.as_ref().or_else(|| self.decoder.trailer())
    }

    /// Begins anew by the copy of the header in the trailer.
    fn recover(&mut self) -> i32 {
        let Some(trailer) = &self.trailer else { return FAILED };
        match PushDecoder::recover(trailer, Models::default()) {
            Ok(decoder) => {
                self.decoder = decoder.with_pictures();
                DONE
            }
            Err(error) => self.settle(Err(error)),
        }
    }

    fn next(&mut self) -> usize {
        self.block = self.decoder.next_block();
        let samples = self.block.as_ref().map_or(0, Pcm::samples);
        self.position += samples as u64;
        samples
    }

    fn seek(&mut self, sample: u64) -> u64 {
        let Some(header) = self.decoder.header() else { return 0 };
        let wanted = (sample / header.section_samples().max(1)).saturating_sub(1);
        let (offset, section) = match self.trailer() {
            Some(trailer) => match trailer.section_offset(wanted) {
                Some(offset) => (offset, wanted),
                None => (trailer.first_section_offset, 0),
            },
            None => (self.decoder.header_bytes(), 0),
        };
        self.decoder.seek(offset, section, sample);
        self.block = None;
        self.position = sample;
        offset
    }

    fn tell(&mut self, text: String) -> usize {
        self.text = text;
        self.text.len()
    }
}

fn with<T>(look: impl FnOnce(&mut Stream) -> T) -> T {
    STREAM.with_borrow_mut(look)
}

/// Forgets the last file and begins another.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_stream_open() {
    with(|stream| *stream = Stream::default());
}

/// Room for the next `bytes` bytes; null if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_stream_input(bytes: usize) -> *mut u8 {
    with(|stream| room_of(&mut stream.input, bytes))
}

/// Takes the next bytes of the file, as many of those written to [`melisma_stream_input`]; 0 or what is wrong, see
/// [`melisma_stream_text`].
#[unsafe(no_mangle)]
pub extern "C" fn melisma_stream_feed(bytes: usize) -> i32 {
    with(|stream| stream.feed(bytes))
}

/// Says that no more bytes come.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_stream_end() -> i32 {
    with(|stream| {
        let outcome = stream.decoder.feed_end();
        stream.settle(outcome)
    })
}

/// Takes the last bytes of a file of `file_bytes`: 0 if seek table, length and loudness are known now, -1 if they are
/// not there, otherwise how many bytes from the end are needed.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_stream_tail(bytes: usize, file_bytes: f64) -> f64 {
    with(|stream| stream.tail(bytes, file_bytes as u64))
}

/// After [`melisma_stream_tail`] found the trailer: begins anew by the copy of the header in there; 0 or what is wrong.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_stream_recover() -> i32 {
    with(Stream::recover)
}

/// Decodes the next sound: samples per channel, 0 if more bytes are needed or the end was reached.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_stream_next() -> usize {
    with(Stream::next)
}

/// Where the samples of a channel of the last block lie; null if it has no such channel.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_stream_channel(channel: usize) -> *const f32 {
    with(|stream| {
        let channels = stream.block.as_ref().map_or(&[][..], |block| &block.channels);
        channels.get(channel).map_or(std::ptr::null(), |samples| samples.as_ptr())
    })
}

/// First sample behind the last block, from the beginning of the track.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_stream_position() -> f64 {
    with(|stream| stream.position as f64)
}

/// Moves so that the next block begins at `sample`; gives the byte of the file from which the host is to feed now.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_stream_seek(sample: f64) -> f64 {
    with(|stream| stream.seek(sample as u64) as f64)
}

/// Writes the header as JSON; its length in bytes, 0 if it was not read yet.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_stream_header() -> usize {
    with(|stream| match stream.decoder.header().map(description::header) {
        Some(text) => stream.tell(text),
        None => 0,
    })
}

/// Writes what the end of the file says as JSON; its length in bytes, 0 if it was not read yet.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_stream_trailer() -> usize {
    with(|stream| match stream.trailer().map(description::trailer) {
        Some(text) => stream.tell(text),
        None => 0,
    })
}

/// Writes damage that was not told before as JSON; its length in bytes, 0 if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_stream_damage() -> usize {
    with(|stream| {
        let told = &mut stream.told;
        let fresh: Vec<_> =
            stream.decoder.damage().iter().filter(|place| told.insert(place.byte_offset)).collect();
        if fresh.is_empty() {
            return 0;
        }
        let text = description::damage(fresh.into_iter());
        stream.tell(text)
    })
}

/// Where the text that was written last lies, in UTF-8; after an error, what is wrong.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_stream_text() -> *const u8 {
    with(|stream| stream.text.as_ptr())
}

/// Bytes of that text.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_stream_text_bytes() -> usize {
    with(|stream| stream.text.len())
}

/// Where the cover lies; null if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_stream_cover() -> *const u8 {
    with(|stream| {
        let picture = stream.decoder.header().and_then(|header| header.metadata.picture.as_ref());
        picture.map_or(std::ptr::null(), |picture| picture.data.as_ptr())
    })
}

/// Bytes of the cover.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_stream_cover_bytes() -> usize {
    with(|stream| {
        let picture = stream.decoder.header().and_then(|header| header.metadata.picture.as_ref());
        picture.map_or(0, |picture| picture.data.len())
    })
}

/// Takes the picture of the next section that was decoded: how many frames it has, 0 if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_stream_picture() -> usize {
    with(|stream| {
        stream.picture = stream.decoder.next_picture();
        stream.picture.as_ref().map_or(0, BandPicture::frames)
    })
}

/// Where the levels of that picture's mid channel lie, `[frame][band]`, in dB.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_stream_picture_levels() -> *const f32 {
    with(|stream| {
        let levels = stream.picture.as_ref().and_then(|picture| picture.levels_db.first());
        levels.map_or(std::ptr::null(), |levels| levels.as_ptr())
    })
}

/// First sample of that picture, from the beginning of the track.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_stream_picture_position() -> f64 {
    with(|stream| {
        let hop = stream.decoder.picture_grid().map_or(0, |grid| grid.hop_samples);
        stream.picture.as_ref().map_or(0.0, |picture| picture.first_frame as f64 * f64::from(hop))
    })
}

/// Samples from one frame of pictures to the next; 0 before the header was read.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_stream_picture_hop() -> u32 {
    with(|stream| stream.decoder.picture_grid().map_or(0, |grid| grid.hop_samples))
}

/// Bands of a frame; 0 before the header was read.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_stream_picture_bands() -> usize {
    with(|stream| stream.decoder.picture_grid().map_or(0, |grid| grid.band_count()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NOT_MELISMA;

    const GOLDEN: &[u8] = include_bytes!("../../../tests/vectors/stereo-44k-transients.mlsm");

    fn feed(stream: &mut Stream, bytes: &[u8]) -> i32 {
        assert!(!room_of(&mut stream.input, bytes.len()).is_null());
        stream.input.copy_from_slice(bytes);
        stream.feed(bytes.len())
    }

    fn sound(stream: &mut Stream) -> Vec<f32> {
        let mut left = Vec::new();
        while stream.next() > 0 {
            left.extend(&stream.block.as_ref().unwrap().channels[0]);
        }
        left
    }

    #[test]
    fn the_end_of_a_file_says_where_a_seek_goes() {
        let whole = melisma_codec::decode(GOLDEN).unwrap().pcm.channels.remove(0);
        let mut stream = Stream::default();
        assert_eq!(feed(&mut stream, &GOLDEN[..GOLDEN.len() / 2]), DONE);
        let file_bytes = GOLDEN.len() as u64;
        let wanted = stream.tail(0, file_bytes);
        assert!(wanted >= 8.0);
        let mut wanted = wanted as usize;
        loop {
            stream.input = GOLDEN[GOLDEN.len() - wanted..].to_vec();
            match stream.tail(wanted, file_bytes) {
                0.0 => break,
                more => wanted = more as usize,
            }
        }
        let sample = whole.len() as u64 - 1000;
        let offset = stream.seek(sample) as usize;
        assert_eq!(feed(&mut stream, &GOLDEN[offset..]), DONE);
        let mut found = sound(&mut stream);
        assert_eq!(stream.decoder.feed_end().map(|()| DONE).unwrap(), DONE);
        found.extend(sound(&mut stream));
        assert!(found == whole[sample as usize..]);
        assert_eq!(stream.position, whole.len() as u64);
    }

    #[test]
    fn what_is_wrong_is_said_in_words() {
        let mut stream = Stream::default();
        assert_eq!(feed(&mut stream, b"RIFF and what belongs to a WAV file"), NOT_MELISMA);
        assert!(stream.text.contains("not a .mlsm file"), "{}", stream.text);
        assert_eq!((stream.next(), stream.seek(5), stream.recover()), (0, 0, FAILED));
    }
}
