//! `melisma learn`: labels of music from the tags of a library, and how well they can be told.

use super::labels::listen::{Heard, collect, listen_to};
use super::labels::report::Findings;
use crate::exit::Outcome;
use crate::message::hinted;
use crate::output::DataOut;
use crate::{examples, message, text};
use anyhow::Context;
use melisma_media::AtomicFile;
use melisma_understanding::labels::{
    Examples, LabelModel, LearnOptions, Score, cross_validate, expected_calibration_error, folds, softmax,
    temperature,
};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

/// Flags of `learn`.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::LEARN)]
pub struct LearnArguments {
    /// Folders of tagged music, or files: .mlsm, which is read without decoding it, and what `melisma encode` reads
    #[arg(value_name = "MUSIC", required = true)]
    music: Vec<PathBuf>,
    /// Tag to learn: genre, artist, album, year, mood, or any other name
    #[arg(long, value_name = "TAG", default_value = "genre")]
    by: String,
    /// File to write, for `melisma classify --labels`
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Replace the file if it is there
    #[arg(short, long)]
    force: bool,
    /// Leave out labels with fewer tracks
    #[arg(long, value_name = "TRACKS", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    at_least: u16,
    /// Decides how artists are divided for the test
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// One JSON object instead of tables, for programs: how well each label can be told
    #[arg(long)]
    json: bool,
    /// Files listened to side by side; one per core if not given
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
}

impl LearnArguments {
    /// Listens, judges by cross-validation, learns from all, writes.
    pub fn run(self, quiet: bool) -> anyhow::Result<Outcome> {
        if self.output.exists() && !self.force {
            return Err(melisma_media::MediaError::Exists(self.output).into());
        }
        let files = collect(&self.music)?;
        if files.is_empty() {
            return Err(hinted(
                "there is no music file",
                "`melisma data synth Toy` makes some to try it with",
            ));
        }
        let (heard, lost) = listen_to(&files, self.jobs.map(usize::from), quiet)?;
        let (examples, untagged) = self.examples(&heard);
        let say = |line: &str| {
            if !quiet {
                message::say(line);
            }
        };
        if examples.is_empty() {
            return Err(hinted(
                format!("none of {} has a tag {}", text::count(heard.len(), "readable file"), self.by),
                "`melisma info FILE` shows the tags of a .mlsm file; --by chooses another tag",
            ));
        }
        let (examples, left_out) = examples.with_members(usize::from(self.at_least));
        if untagged > 0 {
            say(&format!("{} without that tag", text::count(untagged, "file")));
        }
        if !left_out.is_empty() {
            let names: Vec<String> =
                left_out.iter().take(10).map(|(label, tracks)| format!("{label} ({tracks})")).collect();
            let more = if left_out.len() > 10 { ", ..." } else { "" };
            say(&format!("left out, with fewer than {} tracks: {}{more}", self.at_least, names.join(", ")));
        }
        if examples.labels.len() < 2 {
            return Err(hinted(
                format!(
                    "{} with at least {} tracks: there must be two to be told apart",
                    text::count(examples.labels.len(), "label"),
                    self.at_least
                ),
                "--at-least takes labels with fewer tracks, --by another tag",
            ));
        }
        say(&format!(
            "learning {} from {}",
            text::count(examples.labels.len(), "label"),
            text::count(examples.len(), "track")
        ));
        let options = LearnOptions { seed: self.seed, ..LearnOptions::default() };
        let model = LabelModel::learn(&self.by, &examples, &options)?;
        match findings(&examples, &options, self.grouped_by()) {
            Some(findings) if self.json => {
                DataOut.write_all(format!("{}\n", findings.json(&self.by)).as_bytes())?;
            }
            Some(findings) => DataOut.write_all(findings.text().as_bytes())?,
            None => message::warn(&format!(
                "all tracks are of one {}: how good this is cannot be told",
                self.grouped_by()
            )),
        }
        let mut file = AtomicFile::create(&self.output, self.force)?;
        file.write_all(&model.to_bytes()).with_context(|| self.output.display().to_string())?;
        file.commit()?;
        say(&format!(
            "{0}: {1}; now `melisma classify MUSIC --labels {0}`",
            self.output.display(),
            text::bytes(model.to_bytes().len() as u64)
        ));
        Ok(if lost > 0 { Outcome::Failure } else { Outcome::Success })
    }

    /// What tracks are kept together by: what would give the label away otherwise.
    fn grouped_by(&self) -> &'static str {
        match self.by.to_ascii_lowercase().as_str() {
            "artist" | "albumartist" => "album",
            "album" => "track",
            _ => "artist",
        }
    }

    fn examples(&self, heard: &[Heard]) -> (Examples, usize) {
        let mut labels = BTreeMap::new();
        let mut groups = BTreeMap::new();
        let mut out = Examples::default();
        let mut untagged = 0;
        for track in heard {
            let values = track.tag(&self.by);
            if values.is_empty() {
                untagged += 1;
                continue;
            }
            let group = self.group(track);
            let number = groups.len();
            out.groups.push(*groups.entry(group).or_insert(number));
            out.features.push(track.features.clone());
            let place = |value: String| {
                let next = labels.len();
                *labels.entry(value).or_insert(next)
            };
            out.labels_of.push(values.into_iter().map(place).collect());
        }
        out.labels = vec![String::new(); labels.len()];
        labels.into_iter().for_each(|(label, place)| out.labels[place] = label);
        (out, untagged)
    }

    /// Artist, or album, or folder, by what the file says.
    fn group(&self, track: &Heard) -> String {
        let tag = |name: &str| track.tag(name).join("; ");
        let folder = || track.path.parent().map(|path| path.display().to_string()).unwrap_or_default();
        let first = |names: &[&str]| names.iter().map(|name| tag(name)).find(|value| !value.is_empty());
        match self.grouped_by() {
            "track" => track.path.display().to_string(),
            "album" => format!("{}\0{}", tag("artist"), first(&["album"]).unwrap_or_else(folder)),
            _ => first(&["artist", "albumartist", "album"]).unwrap_or_else(folder),
        }
    }
}

/// Tells every track by a model that has not learned from its group; none if there is but one group.
pub fn findings<'a>(
    examples: &'a Examples,
    options: &LearnOptions,
    grouped_by: &'a str,
) -> Option<Findings<'a>> {
    let scores = cross_validate(examples, options);
    let fold_of = folds(examples, options.folds, options.seed);
    let tracks: Vec<usize> = (0..examples.len()).filter(|&track| scores[track].is_some()).collect();
    let scores: Vec<Vec<f64>> = scores.into_iter().flatten().collect();
    if tracks.is_empty() {
        return None;
    }
    let truth: Vec<Vec<usize>> = tracks.iter().map(|&track| examples.labels_of[track].clone()).collect();
    let told: Vec<usize> = scores.iter().map(|scores| most(scores)).collect();
    let before: Vec<Vec<f32>> = scores.iter().map(|scores| softmax(scores, 1.0)).collect();
    // Each fold is calibrated by the others.
    let after: Vec<Vec<f32>> = (0..tracks.len())
        .map(|place| {
            let fold = fold_of[tracks[place]];
            let others = (0..tracks.len()).filter(|&other| fold_of[tracks[other]] != fold);
            let (others, labels): (Vec<_>, Vec<_>) =
                others.map(|other| (scores[other].clone(), truth[other].clone())).unzip();
            softmax(&scores[place], temperature(&others, &labels))
        })
        .collect();
    Some(Findings {
        examples,
        score: Score::of(&truth, &told, examples.labels.len(), options.seed),
        calibration: [&before, &after].map(|p| expected_calibration_error(p, &truth)),
        grouped_by,
    })
}

fn most(scores: &[f64]) -> usize {
    (0..scores.len()).max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap_or(0)
}
