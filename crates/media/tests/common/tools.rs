//! Files made by other programs, where those are installed.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::{pcm, signal};

/// A folder that goes away with the test.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("melisma-media-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs a program; `false`, with a word about it, where it is not installed. It must succeed.
pub fn run(program: &str, arguments: &[&str]) -> bool {
    match Command::new(program).args(arguments).stdin(Stdio::null()).output() {
        Ok(done) => {
            assert!(
                done.status.success(),
                "{program} {arguments:?}: {}",
                String::from_utf8_lossy(&done.stderr)
            );
            true
        }
        Err(_) => {
            eprintln!("skipped: {program} is not installed");
            false
        }
    }
}

/// How a test file is made: its name, and the options between input and output. The name's ending
/// chooses the program: `flac`, `lame`, `opusenc`, or `ffmpeg` for all others.
#[derive(Clone, Copy)]
pub struct Recipe {
    pub name: &'static str,
    pub options: &'static [&'static str],
}

/// The test signal in stereo, coded; `None` where the program is not installed.
pub fn coded(folder: &Folder, recipe: Recipe, rate_hz: u32, samples: usize) -> Option<Vec<u8>> {
    let source = folder.0.join("source.wav");
    std::fs::write(&source, signal::wav16(rate_hz, &pcm(rate_hz, 2, samples).channels)).unwrap();
    let out = folder.0.join(recipe.name);
    let (source, target) = (source.to_str().unwrap(), out.to_str().unwrap());
    let ending = recipe.name.rsplit('.').next().unwrap();
    let made = match ending {
        "flac" => run(
            "flac",
            &[&["-s", "-f", "-b", "4096", "--no-padding"], recipe.options, &["-o", target, source]].concat(),
        ),
        "mp3" => run("lame", &[&["--quiet"], recipe.options, &[source, target]].concat()),
        "opus" => run("opusenc", &[&["--quiet"], recipe.options, &[source, target]].concat()),
        _ => run(
            "ffmpeg",
            &[&["-v", "error", "-y", "-i", source], recipe.options, &["-fflags", "+bitexact", target]]
                .concat(),
        ),
    };
    made.then(|| std::fs::read(&out).unwrap())
}
