//! Melisma itself, driven as a program like every peer: its cost is measured the same way, and what is
//! measured is what a user gets.
//!
//! A `.mlsm` file counts whole as payload: what its header and checks cost is part of the format.

use std::path::Path;

use super::builtin::LEAST_KBPS;
use super::external::{DEFAULT_LIMIT, ExternalCodec, Ladder, SoundFile};
use super::payload::Container;
use super::template::Template;
use super::{Lookup, MissingPeer};
use crate::process;

/// Names in results and on the command line: tuned for listening, with settings tried on each clip, and for the least
/// squared error.
pub const NAMES: [&str; 3] = ["melisma", "melisma:high", "melisma:mse"];

/// The program, and what marks this version of it.
#[derive(Clone, Copy, Debug)]
pub struct Program<'a> {
    /// The executable file.
    pub path: &'a Path,
    /// Part of the recipe: results of another revision are not reused. Without one, what `--version` says.
    pub revision: Option<&'a str>,
}

/// Finds one of [`NAMES`]; `None` for another name.
#[must_use]
pub fn by_name(name: &str, program: Option<Program<'_>>) -> Option<Lookup> {
    let encode = match name {
        "melisma" => "melisma --quiet encode --jobs 1 --bitrate {kbps}k {in} -o {out}",
        "melisma:high" => "melisma --quiet encode --jobs 1 --effort high --bitrate {kbps}k {in} -o {out}",
        "melisma:mse" => "melisma --quiet encode --jobs 1 --tune mse --bitrate {kbps}k {in} -o {out}",
        _ => return None,
    };
    let decode = "melisma --quiet decode --jobs 1 --format wavf32 {in} -o {out}";
    Some(init(name, encode, decode, program))
}

fn init(name: &str, encode: &str, decode: &str, program: Option<Program<'_>>) -> Lookup {
    let missing = || MissingPeer { codec: name.into(), program: "melisma".into(), package: "melisma".into() };
    let program = program.ok_or_else(missing)?;
    let said = process::version(&program.path.to_string_lossy(), "--version").ok_or_else(missing)?;
    let parse = |text: &str| Template::parse(text).map(|t| t.with_program(program.path));
    Ok(Box::new(ExternalCodec {
        name: name.to_string(),
        encode: parse(encode).map_err(|_| missing())?,
        decode: parse(decode).map_err(|_| missing())?,
        sound: SoundFile::Wav,
        extension: "mlsm".to_string(),
        container: Container::None,
        ladder: Ladder::Range(LEAST_KBPS, 512.0),
        versions: vec![program.revision.map_or(said, str::to_string)],
        limit: DEFAULT_LIMIT,
    }))
}
