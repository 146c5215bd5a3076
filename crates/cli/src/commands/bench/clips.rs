//! The clips of a bench: files and folders, or the built-in pieces; read, cut, and told apart.

use anyhow::{Context, bail, ensure};
use melisma_eval::clips::{clip_names, file_hash};
use melisma_media::{AUDIO_EXTENSIONS, AudioSource, Input, MediaError, OpenOptions, folder::files_in};
use melisma_signal::Pcm;
use melisma_synth::{demo_piece, signals};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A clip, and how much of it is taken.
pub struct Clip {
    from: From,
    /// Longest part taken, from the middle, in seconds; all of it if 0.
    seconds: f64,
}

enum From {
    File(PathBuf),
    BuiltIn(&'static Piece),
}

/// A clip that the program renders.
struct Piece {
    name: &'static str,
    render: fn() -> Pcm,
}

const SAMPLE_RATE_HZ: u32 = 44_100;
const PIECE_SECONDS: f64 = 6.0;
/// Raised when a piece changes, so that results on the old one do not count for the new.
const PIECES_VERSION: u32 = 1;

/// Solo guitars, a whole band, transients, tones, noise, speech-like mono: what codecs differ in.
const PIECES: [Piece; 6] = [
    Piece { name: "built-in/guitars", render: || song(0.25) },
    Piece { name: "built-in/voice", render: || song(9.0) },
    Piece { name: "built-in/band", render: || song(19.0) },
    Piece { name: "built-in/castanets", render: castanets },
    Piece { name: "built-in/tones", render: tones },
    Piece { name: "built-in/noise", render: noise },
];

fn song(start_seconds: f64) -> Pcm {
    static SONG: OnceLock<Pcm> = OnceLock::new();
    part(SONG.get_or_init(|| demo_piece(SAMPLE_RATE_HZ)), start_seconds, PIECE_SECONDS)
}

/// On both sides, a little softer and later on the right.
fn castanets() -> Pcm {
    let left = signals::castanets(SAMPLE_RATE_HZ, PIECE_SECONDS);
    let mut right = signals::scaled(left.clone(), 0.7);
    right.channels[0].rotate_right(13);
    signals::stereo(left, right)
}

/// A slow sweep on the left, a chord on the right.
fn tones() -> Pcm {
    let chord = [220.0, 277.18, 329.63, 1108.73, 3520.0];
    let mut right = signals::silence(SAMPLE_RATE_HZ, PIECE_SECONDS);
    for hz in chord {
        let tone = signals::sine(SAMPLE_RATE_HZ, PIECE_SECONDS, hz);
        for (sum, sample) in right.channels[0].iter_mut().zip(&tone.channels[0]) {
            *sum += sample / chord.len() as f32;
        }
    }
    signals::stereo(signals::sweep(SAMPLE_RATE_HZ, PIECE_SECONDS, 60.0, 12_000.0), right)
}

/// Independent noise on both sides, swelling and ebbing three times.
fn noise() -> Pcm {
    let side = |seed| signals::scaled(signals::white_noise(SAMPLE_RATE_HZ, PIECE_SECONDS, seed), 0.5);
    let mut pcm = signals::stereo(side(1), side(2));
    let swells = 3.0 * std::f64::consts::PI / (PIECE_SECONDS * f64::from(SAMPLE_RATE_HZ));
    for channel in &mut pcm.channels {
        for (index, sample) in channel.iter_mut().enumerate() {
            *sample *= (swells * index as f64).sin().powi(2) as f32;
        }
    }
    pcm
}

fn part(pcm: &Pcm, start_seconds: f64, seconds: f64) -> Pcm {
    let at = |seconds: f64| ((seconds * f64::from(pcm.sample_rate_hz)).round() as usize).min(pcm.samples());
    let range = at(start_seconds)..at(start_seconds + seconds);
    let channels = pcm.channels.iter().map(|channel| channel[range.clone()].to_vec()).collect();
    Pcm { sample_rate_hz: pcm.sample_rate_hz, channels }
}

impl Clip {
    /// A text that changes when the clip does.
    pub fn fingerprint(&self) -> String {
        let what = match &self.from {
            // What cannot be read now will not be readable when its turn comes; then it fails by name.
            From::File(path) => file_hash(path).unwrap_or_else(|_| "unreadable".to_owned()),
            From::BuiltIn(piece) => format!("{} {PIECES_VERSION}", piece.name),
        };
        if self.seconds > 0.0 { format!("{what}, {} s", self.seconds) } else { what }
    }

    /// Reads or renders the clip.
    pub fn load(&self) -> Result<Pcm, MediaError> {
        let pcm = match &self.from {
            From::BuiltIn(piece) => (piece.render)(),
            From::File(path) => {
                let options = OpenOptions::default().with_downmix(true);
                AudioSource::open(&Input::Path(path.clone()), &options)?.read_to_end()?
            }
        };
        let longer = pcm.seconds() - self.seconds;
        Ok(if self.seconds > 0.0 && longer > 0.0 { part(&pcm, longer / 2.0, self.seconds) } else { pcm })
    }
}

/// All clips, in order; without any inputs the built-in ones.
pub fn gather(inputs: &[PathBuf], lists: &[PathBuf], seconds: f64) -> anyhow::Result<Vec<Clip>> {
    let mut paths = Vec::new();
    for input in inputs {
        add(input, &mut paths)?;
    }
    for list in lists {
        let text =
            std::fs::read_to_string(list).with_context(|| format!("cannot read {}", list.display()))?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        for line in lines {
            add(Path::new(line), &mut paths).with_context(|| list.display().to_string())?;
        }
    }
    paths.sort();
    paths.dedup();
    if paths.is_empty() {
        ensure!(inputs.is_empty() && lists.is_empty(), "no music among the clips");
        return Ok(PIECES.iter().map(|piece| Clip { from: From::BuiltIn(piece), seconds }).collect());
    }
    Ok(paths.into_iter().map(|path| Clip { from: From::File(path), seconds }).collect())
}

fn add(input: &Path, paths: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let kind = input.metadata().with_context(|| format!("cannot read {}", input.display()))?;
    if !kind.is_dir() {
        paths.push(input.to_path_buf());
        return Ok(());
    }
    let before = paths.len();
    let found = files_in(input, None, &AUDIO_EXTENSIONS);
    if let Some((path, why)) = found.failures.first() {
        bail!("{}: {why}", path.display());
    }
    paths.extend(found.files.into_iter().map(|(path, _)| path));
    if paths.len() == before {
        bail!("no music in {}", input.display());
    }
    Ok(())
}

/// Names of the clips, unique.
pub fn names(clips: &[Clip]) -> Vec<String> {
    let paths: Vec<PathBuf> = clips
        .iter()
        .map(|clip| match &clip.from {
            From::File(path) => path.clone(),
            From::BuiltIn(piece) => PathBuf::from(piece.name),
        })
        .collect();
    clip_names(&paths)
}

/// A text that marks this very program: the hash of its file.
pub fn program_hash(path: &Path) -> anyhow::Result<String> {
    let hash = file_hash(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(format!("program {hash}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_sound_and_differ() {
        let mut peaks = Vec::new();
        for piece in &PIECES {
            let pcm = (piece.render)();
            assert_eq!((pcm.channel_count(), pcm.seconds()), (2, PIECE_SECONDS), "{}", piece.name);
            let loud = pcm.channels.iter().flatten().fold(0.0f32, |peak, x| peak.max(x.abs()));
            assert!((0.1..=1.0).contains(&loud), "{}: {loud}", piece.name);
            assert!(!peaks.contains(&loud), "{} is another piece", piece.name);
            peaks.push(loud);
        }
    }

    #[test]
    fn the_middle_is_taken() {
        let clip = Clip { from: From::BuiltIn(&PIECES[3]), seconds: 2.0 };
        let (whole, pcm) = ((PIECES[3].render)(), clip.load().unwrap());
        assert_eq!(pcm.channels[0], whole.channels[0][2 * 44_100..4 * 44_100]);
        assert!(clip.fingerprint().ends_with(", 2 s"), "{}", clip.fingerprint());
    }
}
