//! Is the result of a file in a directory to be made, and why? A job whose result may be there -> what is due.
//!
//! A result follows its input: it is made again when the input or its tags changed, when it was made with other
//! settings or of a file of another name, and when it is empty or its end is missing. The settings, that name, and a
//! fingerprint of the music are in a record that only results in a mirror have: by it, a file whose tags alone were edited
//! gets those, and is not encoded again.

use crate::encode_file::Recipe;
use crate::input;
use crate::plan::{Job, is_named_after};
use crate::record::Record;
use melisma_media::{AudioSource, Input};
use melisma_signal::Metadata;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

/// What is to be done about a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// It is what would be made now.
    Keep,
    /// As [`Due::Keep`], as far as can be told: it does not say which settings made it.
    KeepUnknown,
    /// It is older than its input, and is kept all the same: it may not be a result at all.
    KeepOlder,
    /// It is to be made, for this reason.
    Make {
        /// For people: `new`, `the input is newer`.
        why: String,
        /// Whether what is there may be replaced.
        replace: bool,
        /// Whether it may be that only the tags changed, or nothing.
        may_retag: bool,
    },
}

impl Due {
    fn again(why: impl Into<String>) -> Self {
        Self::Make { why: why.into(), replace: true, may_retag: false }
    }
}

/// What is due for any result in a mirror, by times alone. An older one is kept: nothing in a file of sound tells a result of
/// decoding from the music that the input was made from, which may exist nowhere else, or from another program's file.
pub fn by_time(job: &Job) -> Due {
    let (Input::Path(input), Some(target)) = (&job.input, job.target.path()) else { return new() };
    let (Ok(input), Ok(target)) = (fs::metadata(input), fs::metadata(target)) else { return new() };
    if !target.is_file() {
        // Making it says what is in its place.
        return new();
    }
    if target.len() == 0 {
        return Due::again("the result is empty");
    }
    match (input.modified(), target.modified()) {
        (Ok(input), Ok(target)) if target >= input => Due::Keep,
        _ => Due::KeepOlder,
    }
}

fn new() -> Due {
    Due::Make { why: "new".to_owned(), replace: false, may_retag: false }
}

/// What is due for an encoded file in a mirror.
pub fn by_content(job: &Job, recipe: &Recipe) -> Due {
    let (Input::Path(input), Some(target)) = (&job.input, job.target.path()) else { return new() };
    let by_time = by_time(job);
    if matches!(by_time, Due::Make { .. }) {
        return by_time;
    }
    let Some(mut metadata) = tags_of_whole(target) else {
        return Due::again("the result is incomplete or damaged");
    };
    let record = Record::take(&mut metadata);
    if record.settings.as_ref().is_some_and(|settings| *settings != recipe.settings) {
        return Due::again(format!(
            "settings: {} instead of {}",
            recipe.settings,
            record.settings.unwrap_or_default()
        ));
    }
    let may_retag = record.settings.is_some() && record.sound.is_some();
    if let Some(other) = record.made_of.filter(|name| job.file_name().is_some_and(|job| job != *name)) {
        return Due::Make { why: format!("it was made of {other}"), replace: true, may_retag };
    }
    // Of encoded files, their record or their content tells that they are no originals.
    if by_time == Due::KeepOlder {
        return Due::Make { why: "the input is newer".to_owned(), replace: true, may_retag };
    }
    if may_have_changed(input, target)
        && let Ok(source) = AudioSource::open(&job.input, &recipe.open)
    {
        if recipe.tags(&source) != metadata {
            return Due::Make { why: "the tags changed".to_owned(), replace: true, may_retag };
        }
        // It can be another file that was given this name: its music has to be compared. Where all inputs may have changed,
        // that would be done in each run.
        if cfg!(unix) && may_retag {
            return Due::Make {
                why: "it was put here or changed since".to_owned(),
                replace: true,
                may_retag,
            };
        }
    }
    if record.settings.is_some() { Due::Keep } else { Due::KeepUnknown }
}

/// Whether `result` is a complete file that a mirror made, under the name that it gave it: only such a file is ever
/// removed, and no copy of it that has another name.
pub fn is_own_result(result: &Path) -> bool {
    let Some(mut metadata) = tags_of_whole(result) else { return false };
    let Record { settings, made_of, .. } = Record::take(&mut metadata);
    settings.is_some() && made_of.is_none_or(|input| is_named_after(result, OsStr::new(&input), "mlsm"))
}

/// Tags and cover of a result that has its end and whose beginning is intact; none of one of which that is not so. Its music
/// is not looked at.
fn tags_of_whole(target: &Path) -> Option<Metadata> {
    let mut reader = input::open(&Input::Path(target.to_path_buf())).ok()?.reader;
    reader.find_trailer().ok()??;
    if !reader.damage().is_empty() {
        return None;
    }
    Some(reader.header().metadata.clone())
}

/// Whether the input may have been changed since, though its time of change says no: programs that write tags can put
/// that back, but not the time that the system keeps for itself.
#[cfg(unix)]
fn may_have_changed(input: &Path, target: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(input), Ok(target)) = (fs::metadata(input), fs::metadata(target)) else { return true };
    let since = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let Ok(made) = target.modified().map(since) else { return true };
    (input.ctime(), input.ctime_nsec()) >= (made.as_secs() as i64, i64::from(made.subsec_nanos()))
}

/// No such time is known here: each input is looked at.
#[cfg(not(unix))]
fn may_have_changed(_: &Path, _: &Path) -> bool {
    true
}
