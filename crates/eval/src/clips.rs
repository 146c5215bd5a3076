//! The clips of a run: their names, what tells a changed one from the one measured before, and which
//! parts are kept to listen to.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use melisma_signal::Pcm;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::EvalError;
use crate::journal::Excerpt;

/// Clips by name, loaded when their turn comes.
pub struct Clips<'a> {
    /// Names of the clips, each of them once.
    pub names: Vec<String>,
    /// For each clip a text that changes when the clip does, such as the hash of its file; as many as names.
    pub fingerprints: Vec<String>,
    /// Loads the clip of an index; fails with [`EvalError::Clip`].
    pub load: &'a (dyn Fn(usize) -> Result<Pcm, EvalError> + Sync),
}

/// Which excerpts are kept to listen to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ListenConfig {
    /// Names of the clips that excerpts are kept of.
    pub clips: Vec<String>,
    /// Length of an excerpt, taken from the middle of the clip.
    pub seconds: f64,
}

impl ListenConfig {
    /// Which samples of a clip are its excerpt.
    #[must_use]
    pub fn part(&self, pcm: &Pcm) -> std::ops::Range<usize> {
        let wanted = (self.seconds * f64::from(pcm.sample_rate_hz)).round() as usize;
        let start = pcm.samples().saturating_sub(wanted) / 2;
        start..pcm.samples().min(start + wanted)
    }

    /// Names the files of a decoded version's excerpt; `start_s` is not known yet.
    #[must_use]
    pub fn excerpt(&self, setting: &str, clip: &str, codec: &str, label: &str) -> Excerpt {
        let folder = format!("audio/{setting}/{}", file_name(clip));
        Excerpt {
            start_s: 0.0,
            asked_s: self.seconds,
            file: format!("{folder}/{}.flac", file_name(&format!("{codec}-{label}"))),
            original: format!("{folder}/original.flac"),
        }
    }
}

/// The name with nothing in it that a file system refuses; where it had to change, a hash keeps it unique.
fn file_name(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@');
    let safe: String = name.chars().map(|c| if plain(c) { c } else { '_' }).take(80).collect();
    if safe == name { safe } else { format!("{safe}-{}", short_hash(name.as_bytes(), 4)) }
}

/// The first `length` bytes of the SHA-256 of `bytes`, in hexadecimal.
fn short_hash(bytes: &[u8], length: usize) -> String {
    Sha256::digest(bytes).iter().take(length).map(|b| format!("{b:02x}")).collect()
}

/// SHA-256 over rate, channel count and 16-bit samples, first 16 hexadecimal digits.
#[must_use]
pub fn clip_hash(pcm: &Pcm) -> String {
    let mut hash = Sha256::new();
    hash.update(pcm.sample_rate_hz.to_le_bytes());
    hash.update((pcm.channel_count() as u32).to_le_bytes());
    for channel in &pcm.channels {
        let bytes: Vec<u8> = channel.iter().flat_map(|&x| ((x * 32_768.0) as i32).to_le_bytes()).collect();
        hash.update(&bytes);
    }
    hash.finalize().iter().take(8).map(|b| format!("{b:02x}")).collect()
}

/// SHA-256 of a file's bytes, first 16 hexadecimal digits.
///
/// # Errors
/// What the system said.
pub fn file_hash(path: &Path) -> std::io::Result<String> {
    let mut hash = Sha256::new();
    std::io::copy(&mut std::fs::File::open(path)?, &mut hash)?;
    Ok(hash.finalize().iter().take(8).map(|b| format!("{b:02x}")).collect())
}

/// Names of clips from their paths: the shortest tails that tell them apart, without extension.
#[must_use]
pub fn clip_names(paths: &[PathBuf]) -> Vec<String> {
    let tail = |path: &Path, parts: usize| {
        let without = path.with_extension("");
        let all: Vec<_> =
            without.components().map(|c| c.as_os_str().to_string_lossy().into_owned()).collect();
        all[all.len().saturating_sub(parts)..].join("/")
    };
    // Two parts always, so that a name does not depend on which other clips are in the list.
    for parts in 2..12 {
        let names: Vec<String> = paths.iter().map(|p| tail(p, parts)).collect();
        if names.iter().collect::<BTreeSet<_>>().len() == names.len() {
            return names;
        }
    }
    paths.iter().map(|p| p.to_string_lossy().into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_paths_apart() {
        let names = |paths: &[&str]| clip_names(&paths.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(names(&["/m/a/1.wav", "/m/b/1.wav"]), ["a/1", "b/1"]);
        assert_eq!(names(&["/x/a/1.wav", "/y/a/1.wav"]), ["x/a/1", "y/a/1"]);
        assert_eq!(names(&["a.wav", "a.mp3"]), ["a.wav", "a.mp3"]);
    }

    #[test]
    fn excerpts_come_from_the_middle_and_have_safe_names() {
        let listen = ListenConfig { clips: Vec::new(), seconds: 2.0 };
        let pcm = |seconds: usize| Pcm { sample_rate_hz: 1000, channels: vec![vec![0.0; 1000 * seconds]] };
        assert_eq!(listen.part(&pcm(10)), 4000..6000);
        assert_eq!(listen.part(&pcm(1)), 0..1000);
        let a = listen.excerpt("S44", "../x y", "melisma:mse", "8");
        let b = listen.excerpt("S44", "../x_y", "melisma_mse", "8");
        assert!(a.file.starts_with("audio/S44/.._x_y-") && !a.file.contains(':'), "{a:?}");
        assert!(a.file != b.file && a.original != b.original, "{a:?} {b:?}");
    }
}
