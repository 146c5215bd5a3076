//! `melisma tag`: tags and cover of `.mlsm` files, shown or changed in place; the music's bytes stay as they are.

use crate::exit::Outcome;
use crate::input;
use crate::message::{self, misused};
use crate::output::{ByteSink, DataOut, Target};
use crate::record::{self, Record};
use crate::retag_file::retag_file;
use crate::walk;
use crate::{examples, failure, output_name, text};
use anyhow::{Context, bail};
use melisma_media::{Input, MAX_PICTURE_BYTES, kept_name, sniff_mime};
use melisma_signal::{Metadata, Picture};
use serde_json::{Map, Value, json};
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Flags of `tag`.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::TAG)]
pub struct TagArguments {
    /// .mlsm files, directories, or - for standard input, which is only shown
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Give a tag this value, and no other; more than once for several values
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
    /// Add a value to those that the tag has
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = assignment)]
    add: Vec<(String, String)>,
    /// Remove a tag, all of its values
    #[arg(short, long, value_name = "NAME", value_parser = tag_name)]
    remove: Vec<String>,
    /// Remove all tags first; the cover stays
    #[arg(long)]
    clear: bool,
    /// Take the picture in this file as the cover
    #[arg(long, value_name = "PICTURE")]
    cover: Option<PathBuf>,
    /// Write the cover to this file, - for standard output
    #[arg(long, value_name = "PICTURE")]
    extract_cover: Option<PathBuf>,
    /// Remove the cover
    #[arg(long, conflicts_with = "cover")]
    remove_cover: bool,
    /// With --extract-cover: overwrite what is there
    #[arg(short, long, requires = "extract_cover")]
    force: bool,
    /// One JSON object a file, for programs: tags and cover as they are then
    #[arg(long)]
    json: bool,
}

/// `TITLE=A title`.
fn assignment(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, such as TITLE=\"A title\"")?;
    Ok((tag_name(name)?, value.to_owned()))
}

/// The name that a tag has here: `artist`, `TPE1` and `ARTIST` are one.
fn tag_name(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("a tag needs a name, such as TITLE".to_owned());
    }
    match kept_name(text) {
        // What no file can keep became an underscore.
        Some(name) if !text.is_ascii() && name.matches('_').count() > text.matches('_').count() => {
            Err(format!(
                "{text} has letters that the name of a tag cannot have; A to Z, digits and spaces can be"
            ))
        }
        Some(name) if record::is_own(&name) => Err(format!("{name} is for the program's own notes")),
        Some(name) => Ok(name),
        None => Err(format!("{text} speaks of one file format alone, and is not kept")),
    }
}

impl TagArguments {
    /// Shows or changes each file; one that fails does not stop the others.
    pub fn run(self, quiet: bool) -> anyhow::Result<Outcome> {
        let files = walk::encoded_files(&self.files)?;
        if self.extract_cover.is_some() && files.files.len() > 1 {
            return Err(misused("--extract-cover takes the cover of one file", "name one file"));
        }
        if self.changes() && self.files.iter().any(|file| file.as_os_str() == "-") {
            return Err(misused("standard input cannot be changed in place", "name a file"));
        }
        let cover = self.cover.as_deref().map(read_cover).transpose()?;
        let mut outcome = Outcome::Success;
        for (path, why) in files.failures {
            failure::tell("file", &path.display().to_string(), anyhow::anyhow!(why));
            outcome = Outcome::Failure;
        }
        let mut shown = 0;
        for file in &files.files {
            let metadata = match self.work_on(file, cover.as_ref(), quiet) {
                Ok(metadata) => metadata,
                Err(error) => {
                    failure::tell("file", &file.display().to_string(), error);
                    outcome = Outcome::Failure;
                    continue;
                }
            };
            if self.json {
                DataOut.write_all(format!("{}\n", as_json(file, &metadata)).as_bytes())?;
            } else if self.changes() && !quiet {
                message::say(&format!(
                    "{}: {}",
                    text::printable(&file.display().to_string()),
                    summary(&metadata)
                ));
            } else if !self.changes() && self.extract_cover.is_none() {
                let gap = if shown > 0 { "\n" } else { "" };
                DataOut.write_all(format!("{gap}{}", as_text(file, &metadata)).as_bytes())?;
                shown += 1;
            }
            DataOut.flush()?;
        }
        Ok(outcome)
    }

    /// Whether anything in a file is to be changed.
    fn changes(&self) -> bool {
        self.clear
            || self.remove_cover
            || self.cover.is_some()
            || !(self.set.is_empty() && self.add.is_empty() && self.remove.is_empty())
    }

    /// Takes the cover out of a file and changes it, as far as asked for; its tags and cover then.
    fn work_on(&self, file: &Path, cover: Option<&Picture>, quiet: bool) -> anyhow::Result<Metadata> {
        let input = Input::from_argument(file.as_os_str());
        let opened = input::open(&input)?;
        let mut metadata = opened.reader.header().metadata.clone();
        drop(opened);
        let record = Record::take(&mut metadata);
        if let Some(to) = &self.extract_cover {
            let Some(picture) = &metadata.picture else { bail!("has no cover") };
            let kind = check_cover_name(to, &picture.data)?;
            let target = if to.as_os_str() == "-" { Target::Stdout } else { Target::File(to.clone()) };
            target.check()?;
            let mut sink = ByteSink::open(&target, self.force)?;
            sink.write(&picture.data).context("cannot write")?;
            sink.finish()?;
            if let Some(kind) = kind.filter(|_| !quiet) {
                message::say(&format!("{}: {kind}", text::printable(&to.display().to_string())));
            }
        }
        if self.changes() {
            self.change(&mut metadata, cover);
            let mut whole = metadata.clone();
            record.put(&mut whole);
            retag_file(file, &whole)?;
        }
        Ok(metadata)
    }

    fn change(&self, metadata: &mut Metadata, cover: Option<&Picture>) {
        if self.clear {
            metadata.tags.clear();
        }
        let is_replaced =
            |name: &String| self.remove.contains(name) || self.set.iter().any(|(set, _)| set == name);
        // A tag that is set stays where it was.
        let place = |name: &str, tags: &[(String, String)]| tags.iter().position(|(known, _)| known == name);
        let mut tags: Vec<(String, String)> = Vec::new();
        for (name, value) in &metadata.tags {
            if !is_replaced(name) {
                tags.push((name.clone(), value.clone()));
            } else if !self.remove.contains(name) && place(name, &tags).is_none() {
                tags.extend(self.set.iter().filter(|(set, _)| set == name).cloned());
            }
        }
        for (name, value) in &self.set {
            let is_there = tags.iter().any(|(known, old)| known == name && old == value);
            if !is_there {
                tags.push((name.clone(), value.clone()));
            }
        }
        tags.extend(self.add.iter().cloned());
        metadata.tags = tags;
        if self.remove_cover {
            metadata.picture = None;
        }
        if let Some(cover) = cover {
            metadata.picture = Some(cover.clone());
        }
    }
}

/// Kinds of pictures: type, what people call it, its extensions, and what to do where a name has another.
const KINDS: [(&str, &str, &[&str], &str); 5] = [
    ("image/jpeg", "a JPEG picture", &["jpg", "jpeg", "jpe", "jfif"], "name it .jpg"),
    ("image/png", "a PNG picture", &["png"], "name it .png"),
    ("image/gif", "a GIF picture", &["gif"], "name it .gif"),
    ("image/bmp", "a BMP picture", &["bmp", "dib"], "name it .bmp"),
    ("image/webp", "a WebP picture", &["webp"], "name it .webp"),
];

/// What kind of picture a cover is, where the name of its file does not say that.
///
/// # Errors
/// If the name says that it is another.
fn check_cover_name(to: &Path, cover: &[u8]) -> anyhow::Result<Option<&'static str>> {
    let mime = sniff_mime(cover);
    let known = KINDS.into_iter().find(|(kind, ..)| *kind == mime);
    let Some((_, kind, extensions, hint)) = known.filter(|_| to.as_os_str() != "-") else { return Ok(None) };
    let extension = output_name::extension(to).unwrap_or_default();
    if extensions.contains(&extension.as_str()) {
        return Ok(None);
    }
    match KINDS.iter().any(|(_, _, others, _)| others.contains(&extension.as_str())) {
        true => Err(message::hinted(
            format!("the cover is {kind}, and {} is named .{extension}", to.display()),
            hint,
        )),
        false => Ok(Some(kind)),
    }
}

/// Reads a picture, and refuses what is none.
fn read_cover(path: &Path) -> anyhow::Result<Picture> {
    let name = || path.display().to_string();
    let mut data = Vec::new();
    let file = File::open(path).context("cannot open").with_context(name)?;
    file.take(MAX_PICTURE_BYTES as u64 + 1)
        .read_to_end(&mut data)
        .context("cannot read")
        .with_context(name)?;
    if data.len() > MAX_PICTURE_BYTES {
        let limit = text::bytes(MAX_PICTURE_BYTES as u64);
        return Err(message::hinted(
            format!("{}: a cover has {limit} at most", name()),
            "make it smaller; 1000 pixels are enough for a cover",
        ));
    }
    let mime = sniff_mime(&data);
    if !mime.starts_with("image/") {
        return Err(message::hinted(
            format!("{}: no picture", name()),
            "JPEG, PNG, GIF, BMP and WebP are known",
        ));
    }
    Ok(Picture { mime: mime.to_owned(), data })
}

fn summary(metadata: &Metadata) -> String {
    let cover = match &metadata.picture {
        Some(picture) => format!("a cover of {}", text::bytes(picture.data.len() as u64)),
        None => "no cover".to_owned(),
    };
    format!("{}, {cover}", text::count(metadata.tags.len(), "tag"))
}

fn as_text(file: &Path, metadata: &Metadata) -> String {
    let mut out = format!("{}\n", text::printable(&file.display().to_string()));
    for (name, value) in &metadata.tags {
        out.push_str(&format!("  {}={}\n", text::printable(name), text::printable(value)));
    }
    if let Some(picture) = &metadata.picture {
        let size = text::bytes(picture.data.len() as u64);
        out.push_str(&format!("  cover: {}, {size}\n", text::printable(&picture.mime)));
    }
    out
}

/// As [`crate::commands::info`] says it.
fn as_json(file: &Path, metadata: &Metadata) -> Value {
    let mut facts = json!({ "file": file.display().to_string() });
    facts["tags"] = tags_json(metadata);
    facts["cover"] = cover_json(metadata);
    facts
}

/// Tags for programs: each name with all of its values.
pub fn tags_json(metadata: &Metadata) -> Value {
    let mut tags = Map::new();
    for (name, value) in &metadata.tags {
        if let Value::Array(values) = tags.entry(name.clone()).or_insert_with(|| json!([])) {
            values.push(json!(value));
        }
    }
    Value::Object(tags)
}

/// The cover for programs, or null.
pub fn cover_json(metadata: &Metadata) -> Value {
    json!(
        metadata.picture.as_ref().map(|picture| json!({ "mime": picture.mime, "bytes": picture.data.len() }))
    )
}
