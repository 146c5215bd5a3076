//! What the name of an output asks for: `-o song.flac` -> a file in a format, a folder, or nothing in particular.

use crate::message::misused;
use crate::output::SoundFormat;
use melisma_media::AUDIO_EXTENSIONS;
use std::path::{Path, PathBuf};

/// Extensions of sound files besides [`AUDIO_EXTENSIONS`], none of which is written.
const OTHER_SOUND: &[&str] = &[
    "spx", "webm", "weba", "mkv", "m4r", "amr", "mpc", "ra", "rf64", "bwf", "raw", "pcm", "dsf", "dff", "aax",
];

/// Whether results go into `output`, not under its name.
pub fn is_folder(output: &Path, inputs: &[PathBuf]) -> bool {
    let bytes = output.as_os_str().as_encoded_bytes();
    output.is_dir()
        || bytes.last().is_some_and(|byte| std::path::is_separator(char::from(*byte)))
        || inputs.len() > 1
        || inputs.iter().any(|input| input.is_dir())
}

/// What stands behind the last dot, in small letters: `flac` of `song.FLAC`, and nothing of `song.`. A hidden file has none,
/// unless its name is that of a format alone: `.flac` is no name that anybody wants for something else.
pub fn extension(output: &Path) -> Option<String> {
    let name = output.file_name()?.to_string_lossy().to_lowercase();
    let (stem, extension) = name.rsplit_once('.')?;
    (!stem.is_empty() || is_sound(extension)).then(|| extension.to_owned())
}

fn is_sound(extension: &str) -> bool {
    extension == "mlsm" || AUDIO_EXTENSIONS.contains(&extension) || OTHER_SOUND.contains(&extension)
}

/// Refuses to encode to a name of another format.
///
/// # Errors
/// If `output` is named like sound that no `.mlsm` file is.
pub fn check_encoded(output: &Path) -> anyhow::Result<()> {
    match extension(output) {
        Some(extension) if extension != "mlsm" && is_sound(&extension) => Err(misused(
            format!("the output is named .{extension}, and what `encode` writes is .mlsm"),
            "name it .mlsm; `melisma decode` makes WAV, FLAC, MP3 and others of that",
        )),
        _ => Ok(()),
    }
}

/// The format that the name of an output asks for; none where it has no extension.
///
/// # Errors
/// If it is named like something that is not written, or, unless the format `is_known`, like nothing that is known here.
pub fn sound_format(output: &Path, is_known: bool) -> anyhow::Result<Option<SoundFormat>> {
    let Some(extension) = extension(output) else { return Ok(None) };
    match SoundFormat::of_extension(&extension) {
        Some(format) => Ok(Some(format)),
        None if is_sound(&extension) => Err(misused(
            format!("the output is named .{extension}, which is not written"),
            "name it .wav, .flac, .aiff, .opus, .mp3, .ogg or .m4a; `ffmpeg -i song.flac song.caf` makes others",
        )),
        None if is_known => Ok(None),
        None => Err(misused(
            format!("the output's name ends in {:?}, which is no format", format!(".{extension}")),
            "name it .wav, .flac, .aiff, .opus, .mp3, .ogg or .m4a, or say --format",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_are_read_as_people_mean_them() {
        for (name, expected) in [
            ("a.FLAC", Some("flac")),
            ("d.x/a", None),
            ("a.", Some("")),
            ("a.flac ", Some("flac ")),
            (".flac", Some("flac")),
            (".hidden", None),
            (".hidden.wav", Some("wav")),
            ("..", None),
        ] {
            assert_eq!(extension(Path::new(name)).as_deref(), expected, "{name}");
        }
    }
}
