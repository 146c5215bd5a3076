//! Failures: a sentence for people on stderr, and with `--json` an object for programs on standard output.
//!
//! ```text
//! {"file": "a.mlsm", "status": "failed", "error": "this is not a .mlsm file: it does not begin with a Melisma header"}
//! ```
//! What names no file, such as arguments that make no sense, has no `file`.

use crate::message;
use crate::output::say_json;
use serde_json::{Value, json};
use std::ffi::OsString;
use std::sync::atomic::{AtomicBool, Ordering};

static FOR_PROGRAMS: AtomicBool = AtomicBool::new(false);

/// Looks whether these arguments ask for `--json`. That must be known before they are understood: what cannot be
/// understood is told in the same way.
pub fn look_for_programs(arguments: impl Iterator<Item = OsString>) {
    let mut flags = arguments.take_while(|argument| argument != "--");
    FOR_PROGRAMS.store(flags.any(|argument| argument == "--json"), Ordering::Relaxed);
}

/// Whether the arguments ask for `--json`.
pub fn is_for_programs() -> bool {
    FOR_PROGRAMS.load(Ordering::Relaxed)
}

/// The object for programs. `key` is what the command's other objects call a file.
pub fn object(key: &str, name: &str, error: &anyhow::Error) -> Value {
    json!({ key: name, "status": "failed", "error": message::chain(error) })
}

/// Tells of a file that could not be done.
pub fn tell(key: &str, name: &str, error: anyhow::Error) {
    if is_for_programs() {
        say_json(&object(key, name, &error));
    }
    message::error(&error.context(name.to_owned()));
}

/// Tells of what ends the program.
pub fn tell_last(error: &anyhow::Error) {
    if is_for_programs() && error.downcast_ref::<Told>().is_none() {
        say_json(&json!({ "status": "failed", "error": message::chain(error) }));
    }
    message::error(error);
}

/// Tells of arguments that cannot be understood, or gives the help that was asked for, and ends the program.
pub fn end_with_usage(error: &clap::Error) -> ! {
    if is_for_programs() && error.use_stderr() {
        let text = error.to_string();
        let sentence: Vec<&str> = text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
        let sentence = sentence.join(" ");
        let error = sentence.strip_prefix("error: ").unwrap_or(&sentence);
        say_json(&json!({ "status": "failed", "error": error }));
    }
    error.exit()
}

/// The name of a file as the context of its error, where programs were told of that already.
#[derive(Debug)]
pub struct Told(pub String);

impl std::fmt::Display for Told {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}
