//! One file to all that the index keeps of it: read once, from a `.mlsm` without decoding its sound, from anything else
//! by decoding it.
//!
//! ```text
//! .mlsm -sections-> identity;  -sketch-> embedding, fingerprint, tempo
//! other -samples->  identity;  -analysis-> sketch -> embedding, fingerprint, tempo
//! ```

use crate::{
    LibraryError,
    hearing::{Ear, Heard, sketch_of_melisma},
    index::{FileState, Sound, Track},
    listing::file_state,
    tags::{Tags, key_of},
};
use melisma_codec::container::Reader;
use melisma_media::{AudioSource, Input, MediaError, OpenOptions};
use melisma_signal::{FastLoudness, Metadata, Pcm};
use melisma_understanding::TrackSketch;
use std::{
    fs::File,
    io::{Cursor, Read, Seek, SeekFrom},
    path::Path,
};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// Bytes at the beginning and at the end of a file that are looked at to tell whether it was only moved.
const EDGE_BYTES: u64 = 1 << 16;

/// Sounds that were heard before, by identity.
pub type Known<'a> = dyn Fn(u128) -> Option<Sound> + Sync + 'a;

/// Reads a file, whatever it is called. `path` is what the index will call it; `ffmpeg` is the program for formats that
/// are not built in. What `known` has is not analysed again.
///
/// # Errors
/// [`LibraryError`] if it cannot be read or has no sound.
pub fn listen(
    on_disk: &Path,
    path: &str,
    ffmpeg: Option<&str>,
    known: &Known<'_>,
) -> Result<Track, LibraryError> {
    let wrap = |action: &'static str| {
        move |source| LibraryError::File { action, path: on_disk.to_path_buf(), source }
    };
    let mut file = File::open(on_disk).map_err(wrap("cannot open"))?;
    let state = file_state(&file.metadata().map_err(wrap("cannot read"))?);
    let edges = edges(&mut file, state).map_err(wrap("cannot read"))?;
    let (tags, mut sound) = if is_melisma(&mut file, on_disk) {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(wrap("cannot read"))?;
        of_melisma(&bytes, known)?
    } else {
        of_audio(on_disk, ffmpeg, known)?
    };
    sound.edges = edges;
    Ok(Track { path: path.to_owned(), file: state, tags, sound })
}

/// A hash over size, beginning and end of a file.
///
/// # Errors
/// What the operating system says.
pub fn edges(file: &mut File, state: FileState) -> std::io::Result<u64> {
    let mut bytes = state.bytes.to_le_bytes().to_vec();
    file.seek(SeekFrom::Start(0))?;
    file.by_ref().take(EDGE_BYTES).read_to_end(&mut bytes)?;
    file.seek(SeekFrom::Start(state.bytes.saturating_sub(EDGE_BYTES)))?;
    file.by_ref().take(EDGE_BYTES).read_to_end(&mut bytes)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(xxh3_64(&bytes))
}

/// Whether a file is a `.mlsm`: by its name, or by its first bytes.
#[must_use]
pub fn is_melisma_file(on_disk: &Path) -> bool {
    File::open(on_disk).is_ok_and(|mut file| is_melisma(&mut file, on_disk))
}

/// By its name, or by its first bytes: a chunk with a header in it.
fn is_melisma(file: &mut File, on_disk: &Path) -> bool {
    if on_disk.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("mlsm")) {
        return true;
    }
    let mut head = Vec::new();
    let read = file.by_ref().take(16).read_to_end(&mut head).and_then(|_| file.seek(SeekFrom::Start(0)));
    read.is_ok() && head.windows(4).any(|word| word == b"MLSM")
}

/// Sketch and tags of a file, whatever it is called; for exports, and for what learns from tags.
///
/// # Errors
/// As [`listen`].
pub fn sketch_of(on_disk: &Path, ffmpeg: Option<&str>) -> Result<(TrackSketch, Metadata), LibraryError> {
    let wrap = |action: &'static str| {
        move |source| LibraryError::File { action, path: on_disk.to_path_buf(), source }
    };
    let mut file = File::open(on_disk).map_err(wrap("cannot open"))?;
    if is_melisma(&mut file, on_disk) {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(wrap("cannot read"))?;
        let metadata = Reader::open(Cursor::new(&bytes))?.header().metadata.clone();
        return Ok((sketch_of_melisma(&bytes)?, metadata));
    }
    let mut source = open_audio(on_disk, ffmpeg)?;
    let mut ear = Ear::new(source.sample_rate_hz(), source.channel_count())?;
    while let Some(block) = source.next_block()? {
        ear.push(&block)?;
    }
    Ok((ear.finish()?, source.metadata().clone()))
}

/// From the bytes of a `.mlsm` file.
fn of_melisma(bytes: &[u8], known: &Known<'_>) -> Result<(Tags, Sound), LibraryError> {
    let mut reader = Reader::open(Cursor::new(bytes))?;
    let header = reader.header().clone();
    let mut hash = Xxh3::new();
    hash.update(&header.payload());
    let mut found = 0;
    while let Some(section) = reader.next_section()? {
        hash.update(&section.payload);
        found = (section.number + 1) * header.section_samples();
    }
    let (identity, tags) = (hash.digest128(), Tags::of(&reader.header().metadata));
    let key = key_of(&reader.header().metadata);
    if let Some(sound) = known(identity) {
        return Ok((tags, Sound { key, ..sound }));
    }
    let rate_hz = f64::from(header.sample_rate_hz.max(1));
    // Without its end a file has what its sections hold, and has lost what its header promises beyond that.
    let (samples, cut) = match reader.trailer() {
        Some(trailer) => (trailer.total_samples.min(found), 0),
        None => (found, header.declared_samples.map_or(1, |declared| declared.saturating_sub(found).max(1))),
    };
    let lost = reader.damage().iter().map(|damage| damage.samples).sum::<u64>() + cut;
    let loudness = reader.trailer().and_then(|trailer| trailer.loudness);
    let heard = Heard::of(&sketch_of_melisma(bytes)?)?;
    let sound = Sound {
        identity,
        seconds: (samples as f64 / rate_hz) as f32,
        lost_seconds: (lost as f64 / rate_hz) as f32,
        loudness_lufs: loudness.map(|loudness| loudness.integrated_lufs).filter(|lufs| lufs.is_finite()),
        embedding: heard.embedding,
        fingerprint: heard.fingerprint,
        tempo_bpm: heard.tempo_bpm,
        key,
        ..Sound::default()
    };
    Ok((tags, sound))
}

fn open_audio(on_disk: &Path, ffmpeg: Option<&str>) -> Result<AudioSource, LibraryError> {
    let options = OpenOptions::default().with_downmix(true).with_ffmpeg(ffmpeg.map(str::to_owned));
    Ok(AudioSource::open(&Input::Path(on_disk.to_path_buf()), &options)?)
}

/// By decoding.
fn of_audio(on_disk: &Path, ffmpeg: Option<&str>, known: &Known<'_>) -> Result<(Tags, Sound), LibraryError> {
    let mut source = open_audio(on_disk, ffmpeg)?;
    let (tags, key) = (Tags::of(source.metadata()), key_of(source.metadata()));
    let (rate_hz, channels) = (source.sample_rate_hz(), source.channel_count());
    let mut loudness = FastLoudness::new(rate_hz, channels);
    let mut identity = SoundHash::new(rate_hz, channels);
    let mut ear = Ear::new(rate_hz, channels)?;
    let mut samples = 0;
    while let Some(block) = source.next_block()? {
        samples += block.samples() as u64;
        identity.push(&block);
        if let Some(meter) = &mut loudness {
            meter.push(&block.channels);
        }
        ear.push(&block)?;
    }
    let identity = identity.finish();
    if let Some(sound) = known(identity) {
        return Ok((tags, Sound { key, ..sound }));
    }
    let per_second = f64::from(rate_hz.max(1));
    let promised = source.total_samples().map_or(0, |total| total.saturating_sub(samples));
    let cut = if source.decode_errors() > 0 { promised as f64 / per_second } else { 0.0 };
    let heard = Heard::of(&ear.finish()?)?;
    let sound = Sound {
        identity,
        seconds: (samples as f64 / per_second) as f32,
        lost_seconds: (source.lost_seconds() + cut) as f32,
        loudness_lufs: loudness.map(|meter| meter.integrated_lufs() as f32).filter(|lufs| lufs.is_finite()),
        embedding: heard.embedding,
        fingerprint: heard.fingerprint,
        tempo_bpm: heard.tempo_bpm,
        key,
        ..Sound::default()
    };
    Ok((tags, sound))
}

/// XXH3-128 of each channel's samples, and of those hashes: equal however the samples come in blocks.
struct SoundHash {
    rate_hz: u32,
    channels: Vec<Xxh3>,
    bytes: Vec<u8>,
}

impl SoundHash {
    fn new(rate_hz: u32, channels: usize) -> Self {
        Self { rate_hz, channels: vec![Xxh3::new(); channels], bytes: Vec::new() }
    }

    fn push(&mut self, block: &Pcm) {
        for (hash, channel) in self.channels.iter_mut().zip(&block.channels) {
            self.bytes.clear();
            // Adding zero makes -0 and 0 one.
            self.bytes.extend(channel.iter().flat_map(|sample| (sample + 0.0).to_le_bytes()));
            hash.update(&self.bytes);
        }
    }

    fn finish(self) -> u128 {
        let mut whole = Xxh3::new();
        whole.update(&self.rate_hz.to_le_bytes());
        for channel in &self.channels {
            whole.update(&channel.digest128().to_le_bytes());
        }
        whole.digest128()
    }
}

/// Why a file could not be read, in words that do not repeat its name.
#[must_use]
pub fn reason(error: &LibraryError) -> String {
    match error {
        LibraryError::File { action, source, .. } => format!("{action} it: {source}"),
        LibraryError::Media(MediaError::File { action, source, .. }) => format!("{action} it: {source}"),
        // A text file named .mp3 does not need ffmpeg.
        LibraryError::Media(MediaError::NeedsFfmpeg { reason }) => reason.clone(),
        other => other.to_string(),
    }
}
