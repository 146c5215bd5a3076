//! One file, read once: is it music, how long, how loud, and is it the same as another?
//!
//! The file's bytes pass by once for the hash, and its samples once, each block going to the loudness meter, the
//! search for silence and the hash of the sound.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use melisma_media::{AudioSource, Input, MediaError, OpenOptions};
use melisma_signal::{FastLoudness, Metadata};
use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::Xxh3;

use crate::manifest::{ArtistFrom, Entry, Verdict, hex};

/// Below this, a tenth of a second counts as silent: 16-bit dither lies at -90 dBFS, a quiet hall at -60.
const SILENCE: f32 = 1e-3;
/// Longest tag value that is kept: names, not lyrics.
const MAX_TAG_CHARACTERS: usize = 300;

/// Reads a file and fills in all that its bytes tell: everything but path, verdict by length or silence, split.
///
/// `known` may answer for a SHA-256 that was analysed before; then nothing is decoded.
/// A file that cannot be read gets the verdict `unreadable` and the reason: this does not fail.
pub fn analyse(path: &Path, ffmpeg: Option<&str>, known: impl Fn(&str) -> Option<Entry>) -> Entry {
    let mut entry = Entry::default();
    let (sha256, bytes) = match hash_file(path) {
        Ok(hashed) => hashed,
        Err(error) => {
            entry.refuse(Verdict::Unreadable, error.to_string());
            return entry;
        }
    };
    if let Some(found) = known(&sha256) {
        return found;
    }
    (entry.sha256, entry.bytes) = (Some(sha256), Some(bytes));
    if let Err(error) = listen(path, ffmpeg, &mut entry) {
        entry.refuse(Verdict::Unreadable, reason(&error));
    }
    entry
}

/// Without the path, which stands beside it already.
fn reason(error: &MediaError) -> String {
    match error {
        MediaError::File { source, .. } => source.to_string(),
        // Only where it matters: a text file named .mp3 does not need ffmpeg.
        MediaError::NeedsFfmpeg { reason } => reason.clone(),
        other => other.to_string(),
    }
}

/// SHA-256 and size of a file.
pub(crate) fn hash_file(path: &Path) -> std::io::Result<(String, u64)> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut bytes = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((hex(&hash.finalize()), bytes)),
            count => {
                hash.update(&buffer[..count]);
                bytes += count as u64;
            }
        }
    }
}

/// How every part of this crate opens a file: at its own rate, as one or two channels.
pub(crate) fn open(path: &Path, ffmpeg: Option<&str>) -> Result<AudioSource, MediaError> {
    let options =
        OpenOptions::default().with_any_rate(true).with_downmix(true).with_ffmpeg(ffmpeg.map(str::to_owned));
    AudioSource::open(&Input::Path(path.to_path_buf()), &options)
}

fn listen(path: &Path, ffmpeg: Option<&str>, entry: &mut Entry) -> Result<(), MediaError> {
    let mut source = open(path, ffmpeg)?;
    take_tags(source.metadata(), entry);
    let (rate_hz, channels) = (source.sample_rate_hz(), source.channel_count());
    entry.sample_rate_hz = Some(rate_hz);
    entry.channels = Some(source.original_channel_count());
    let mut loudness = FastLoudness::new(rate_hz, channels);
    let mut silence = SilenceMeter::new(rate_hz);
    let mut sound = SoundHash::new(channels);
    let (mut samples, mut blocks) = (0u64, 0u64);
    while let Some(pcm) = source.next_block()? {
        if let Some(meter) = &mut loudness {
            meter.push(&pcm.channels);
        }
        silence.push(&pcm.channels);
        sound.push(&pcm.channels);
        samples += pcm.samples() as u64;
        blocks += 1;
    }
    let (silent_part, peak) = silence.finish();
    entry.samples = Some(samples);
    entry.seconds = Some(rounded(samples as f64 / f64::from(rate_hz.max(1)), 1e6));
    entry.peak = Some(rounded(f64::from(peak), 1e4) as f32);
    entry.silent_part = Some(rounded(silent_part, 1e4) as f32);
    entry.loudness_lufs = loudness
        .map(|meter| meter.integrated_lufs())
        .filter(|lufs| lufs.is_finite())
        .map(|lufs| rounded(lufs, 100.0) as f32);
    entry.audio_hash = Some(sound.finish(rate_hz));
    let lost = lost_part(source.decode_errors(), blocks, source.total_samples(), samples);
    entry.lost_part = (lost > 0.0).then_some(rounded(lost, 1e4) as f32);
    Ok(())
}

/// Numbers in a manifest are as fine as they mean something.
fn rounded(value: f64, steps: f64) -> f64 {
    (value * steps).round() / steps
}

/// Packets that failed, of all; or samples that the header promises and that never came, if those are more.
fn lost_part(decode_errors: u64, blocks: u64, promised: Option<u64>, samples: u64) -> f64 {
    let packets = decode_errors as f64 / (decode_errors + blocks).max(1) as f64;
    let cut = promised.map_or(0.0, |total| total.saturating_sub(samples) as f64 / total.max(1) as f64);
    packets.max(cut)
}

fn take_tags(metadata: &Metadata, entry: &mut Entry) {
    let tag = |names: &[&str]| {
        names.iter().find_map(|name| {
            let value = metadata.tags.iter().find(|(key, _)| key == name).map(|(_, value)| value.trim())?;
            (!value.is_empty()).then(|| value.chars().take(MAX_TAG_CHARACTERS).collect::<String>())
        })
    };
    entry.artist = tag(&["ARTIST", "ALBUMARTIST"]);
    entry.artist_from = entry.artist.as_ref().map(|_| ArtistFrom::Tags);
    entry.album = tag(&["ALBUM"]);
    entry.title = tag(&["TITLE"]);
    entry.genre = tag(&["GENRE"]);
}

/// Counts tenths of a second in which nothing is to be heard.
struct SilenceMeter {
    slot_samples: usize,
    in_slot: usize,
    slot_peak: f32,
    peak: f32,
    slots: u64,
    silent: u64,
}

impl SilenceMeter {
    fn new(rate_hz: u32) -> Self {
        let slot_samples = (rate_hz as usize / 10).max(1);
        Self { slot_samples, in_slot: 0, slot_peak: 0.0, peak: 0.0, slots: 0, silent: 0 }
    }

    fn push(&mut self, channels: &[Vec<f32>]) {
        let samples = channels.first().map_or(0, Vec::len);
        let mut start = 0;
        while start < samples {
            let end = samples.min(start + self.slot_samples - self.in_slot);
            for channel in channels {
                // `f32::max` passes a NaN by.
                let loudest = channel[start..end].iter().fold(0.0f32, |peak, x| peak.max(x.abs()));
                self.slot_peak = self.slot_peak.max(loudest);
            }
            self.in_slot += end - start;
            if self.in_slot == self.slot_samples {
                self.close();
            }
            start = end;
        }
    }

    fn close(&mut self) {
        self.slots += 1;
        self.silent += u64::from(self.slot_peak < SILENCE);
        self.peak = self.peak.max(self.slot_peak);
        (self.in_slot, self.slot_peak) = (0, 0.0);
    }

    /// Silent part of the sound, 0..=1, and its largest absolute sample.
    fn finish(mut self) -> (f64, f32) {
        if self.in_slot > 0 {
            self.close();
        }
        (self.silent as f64 / self.slots.max(1) as f64, self.peak)
    }
}

/// XXH3-128 of each channel's samples, and of those hashes. Not a cryptographic hash: it tells files apart that
/// nobody made equal on purpose.
struct SoundHash {
    channels: Vec<Xxh3>,
    bytes: Vec<u8>,
}

impl SoundHash {
    fn new(channel_count: usize) -> Self {
        Self { channels: vec![Xxh3::new(); channel_count], bytes: Vec::new() }
    }

    fn push(&mut self, channels: &[Vec<f32>]) {
        for (hash, channel) in self.channels.iter_mut().zip(channels) {
            self.bytes.resize(channel.len() * 4, 0);
            for (bytes, sample) in self.bytes.chunks_exact_mut(4).zip(channel) {
                // Adding zero makes -0 and 0 one.
                bytes.copy_from_slice(&(sample + 0.0).to_le_bytes());
            }
            hash.update(&self.bytes);
        }
    }

    fn finish(self, rate_hz: u32) -> String {
        let mut whole = Xxh3::new();
        whole.update(&rate_hz.to_le_bytes());
        for channel in &self.channels {
            whole.update(&channel.digest128().to_le_bytes());
        }
        format!("{:032x}", whole.digest128())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meters_do_not_mind_how_music_is_cut() {
        let signal: Vec<f32> =
            (0..9_000).map(|n| if (2_000..4_500).contains(&n) { 0.5 } else { 1e-4 }).collect();
        for chunk in [1, 7, 100, 4_096, 9_000] {
            let (mut silence, mut sound) = (SilenceMeter::new(1_000), SoundHash::new(2));
            for part in signal.chunks(chunk) {
                let planes = vec![part.to_vec(), part.iter().map(|x| -x).collect()];
                silence.push(&planes);
                sound.push(&planes);
            }
            // 90 tenths, of which 25 are loud.
            assert_eq!(silence.finish(), (65.0 / 90.0, 0.5), "{chunk}");
            let mut whole = SoundHash::new(2);
            whole.push(&[signal.clone(), signal.iter().map(|x| -x).collect()]);
            assert_eq!(sound.finish(1_000), whole.finish(1_000), "{chunk}");
        }
        let hash = |rate, planes: &[Vec<f32>]| {
            let mut hash = SoundHash::new(planes.len());
            hash.push(planes);
            hash.finish(rate)
        };
        let (a, b) = (vec![0.0, 1.0], vec![-0.0, 1.0]);
        assert_eq!(hash(8_000, std::slice::from_ref(&a)), hash(8_000, &[b]));
        assert_ne!(hash(8_000, std::slice::from_ref(&a)), hash(8_001, std::slice::from_ref(&a)));
        assert_ne!(hash(8_000, std::slice::from_ref(&a)), hash(8_000, &[a.clone(), a.clone()]));
    }

    #[test]
    fn lost_parts() {
        for (errors, blocks, promised, samples, expected) in [
            (0, 100, None, 1000, 0.0),
            (25, 75, None, 1000, 0.25),
            (0, 100, Some(1000), 400, 0.6),
            (1, 99, Some(1000), 1200, 0.01),
            (0, 0, Some(0), 0, 0.0),
        ] {
            assert_eq!(lost_part(errors, blocks, promised, samples), expected);
        }
    }
}
