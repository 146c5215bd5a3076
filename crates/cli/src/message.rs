//! What the program says to people, on stderr: errors with their whole chain and a hint, warnings,
//! notes. Colours follow the terminal and `NO_COLOR`.

use anstyle::{AnsiColor, Style};
use std::io;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default();

/// The chain of causes in one line: `song.mp3: cannot open: no such file`.
///
/// Many errors print their source or name the file that their context names too: a link that a
/// neighbour quotes in full is left out.
pub fn chain(error: &anyhow::Error) -> String {
    let mut links: Vec<String> = Vec::new();
    for cause in error.chain() {
        let text = cause.to_string();
        if links.iter().any(|link| link.contains(&text)) {
            continue;
        }
        if links.last().is_some_and(|link| text.contains(link.as_str())) {
            links.pop();
        }
        links.push(text);
    }
    crate::text::printable(&links.join(": "))
}

/// What to do about it, where there is something to do.
pub fn hint(error: &anyhow::Error) -> Option<&'static str> {
    use melisma_codec::DecodeError;
    use melisma_media::MediaError;
    error.chain().find_map(|cause| {
        if let Some(Hinted { hint, .. }) = cause.downcast_ref() {
            return Some(*hint);
        }
        match cause.downcast_ref::<MediaError>() {
            Some(MediaError::Exists(_)) => {
                return Some("--force overwrites it; another name leaves it as it is");
            }
            Some(MediaError::Empty | MediaError::Damaged(_)) => {
                return Some("is it complete, and is it music? `ffprobe FILE` tells what others see in it");
            }
            Some(MediaError::NeedsProgram { .. }) => {
                return Some("Debian: apt install ffmpeg, or opus-tools, lame, vorbis-tools");
            }
            _ => {}
        }
        match cause.downcast_ref::<DecodeError>() {
            Some(DecodeError::NotMelisma) => {
                return Some("`melisma encode` makes .mlsm files; `melisma decode` and `info` read them");
            }
            Some(DecodeError::NeedsModel { .. }) => {
                return Some("a build with --features train decodes it, with --model FOLDER");
            }
            Some(DecodeError::Version { .. } | DecodeError::UnknownModel { .. }) => {
                return Some("a newer melisma reads it");
            }
            _ => {}
        }
        match cause.downcast_ref::<io::Error>().map(io::Error::kind) {
            Some(io::ErrorKind::NotFound) => {
                Some("check the spelling; a relative path starts at the current folder")
            }
            Some(io::ErrorKind::PermissionDenied) => Some("check who owns the file and its folder"),
            Some(io::ErrorKind::StorageFull) => Some("free some space, or write elsewhere with -o"),
            _ => None,
        }
    })
}

/// An error of the program's own that knows its remedy.
#[derive(Debug)]
pub struct Hinted {
    what: String,
    hint: &'static str,
    is_misuse: bool,
}

impl std::fmt::Display for Hinted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Hinted {}

/// Makes a [`Hinted`] error.
pub fn hinted(what: impl Into<String>, hint: &'static str) -> anyhow::Error {
    anyhow::Error::new(Hinted { what: what.into(), hint, is_misuse: false })
}

/// Makes a [`Hinted`] error of arguments that make no sense.
pub fn misused(what: impl Into<String>, hint: &'static str) -> anyhow::Error {
    anyhow::Error::new(Hinted { what: what.into(), hint, is_misuse: true })
}

/// Whether the arguments make no sense.
pub fn is_misuse(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.downcast_ref().is_some_and(|hinted: &Hinted| hinted.is_misuse))
}

/// Prints an error and its hint.
pub fn error(error: &anyhow::Error) {
    anstream::eprintln!("{ERROR}error:{ERROR:#} {}", chain(error));
    if let Some(hint) = hint(error) {
        anstream::eprintln!("{HINT}hint:{HINT:#}  {hint}");
    }
}

/// Prints a warning.
pub fn warn(text: &str) {
    anstream::eprintln!("{WARNING}warning:{WARNING:#} {}", crate::text::printable(text));
}

/// Prints a plain line.
pub fn say(text: &str) {
    anstream::eprintln!("{text}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn a_chain_is_one_line_without_repetitions() {
        let cause = io::Error::new(io::ErrorKind::NotFound, "no such file");
        let inner = anyhow::Error::new(cause).context("cannot open: no such file").context("song.mp3");
        assert_eq!(chain(&inner), "song.mp3: cannot open: no such file");
        assert!(hint(&inner).is_some());
        let named = anyhow::anyhow!("cannot open song.mp3").context("song.mp3");
        assert_eq!(chain(&named), "cannot open song.mp3");
        let own = Err::<(), _>(hinted("no length", "give a file")).context("-").unwrap_err();
        assert_eq!((chain(&own).as_str(), hint(&own)), ("-: no length", Some("give a file")));
    }
}
