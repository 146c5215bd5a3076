//! The `.mlsm` files that arguments name, one by one or by their folders.

use melisma_media::folder::files_in;
use std::path::PathBuf;

/// The `.mlsm` files that arguments name, those in folders too.
#[derive(Debug, Default)]
pub struct Encoded {
    /// In order; `-` is standard input.
    pub files: Vec<PathBuf>,
    /// What could not be looked at, and why.
    pub failures: Vec<(PathBuf, String)>,
    /// Whether a folder was named: then a summary is of use.
    pub has_folders: bool,
}

/// Looks up `arguments`: files are taken whatever their names, folders are looked through.
///
/// # Errors
/// If folders are all that was named and there is nothing in them.
pub fn encoded_files(arguments: &[PathBuf]) -> anyhow::Result<Encoded> {
    let mut all = Encoded::default();
    for argument in arguments {
        if argument.as_os_str() == "-" || !argument.is_dir() {
            all.files.push(argument.clone());
            continue;
        }
        all.has_folders = true;
        let found = files_in(argument, None, &["mlsm"]);
        all.files.extend(found.files.into_iter().map(|(path, _)| path));
        all.failures.extend(found.failures);
    }
    if all.files.is_empty() && all.failures.is_empty() {
        return Err(crate::message::hinted("no .mlsm files here", "`melisma encode` makes .mlsm files"));
    }
    Ok(all)
}
