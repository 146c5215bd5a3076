//! `melisma classify`: which label music has, by a model that `melisma learn` wrote; and into its tags, if wished.

use super::labels::listen::{Heard, collect, key_of, listen_to};
use super::labels::write::{Writing, undo};
use crate::exit::Outcome;
use crate::message::misused;
use crate::output::DataOut;
use crate::{examples, text};
use anyhow::Context;
use melisma_understanding::labels::LabelModel;
use serde_json::{Map, json};
use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;

/// Flags of `classify`.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::CLASSIFY)]
pub struct ClassifyArguments {
    /// Music files and folders of them: .mlsm, which is read without decoding it, and what `melisma encode` reads
    #[arg(value_name = "MUSIC", required_unless_present = "undo")]
    music: Vec<PathBuf>,
    /// Model of labels: a file of `melisma learn`, or one that came with the program
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Below this probability the label is "unsure"
    #[arg(long, value_name = "0..1", default_value_t = 0.5, value_parser = probability)]
    threshold: f32,
    /// Only files that lack the tag that the labels are of
    #[arg(long)]
    untagged: bool,
    /// One JSON object a line, with the probability of every label
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// A table with commas: file, label, probability, most probable label
    #[arg(long)]
    csv: bool,
    /// Say which tag would be written into which .mlsm file that lacks it, where the label is not "unsure"
    #[arg(long)]
    write_tags: bool,
    /// With --write-tags: write them
    #[arg(long, requires = "write_tags")]
    yes: bool,
    /// With --write-tags: replace tags that are there and say otherwise
    #[arg(short, long, requires = "write_tags")]
    force: bool,
    /// With --yes: where to keep what the tags were [default: the first free melisma-undo-N.jsonl of this folder]
    #[arg(long, value_name = "LOG", requires = "yes")]
    log: Option<PathBuf>,
    /// Give files the tags back that they had before the run that wrote this log
    #[arg(long, value_name = "LOG", conflicts_with_all = ["music", "labels", "untagged", "json", "csv", "write_tags"])]
    undo: Option<PathBuf>,
    /// Files listened to side by side; one per core if not given
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
}

/// Bytes of a model of labels at most.
const MAX_MODEL_BYTES: u64 = 256 << 20;

/// What is said of a track whose label is not probable enough.
const UNSURE: &str = "unsure";

impl ClassifyArguments {
    /// Listens and tells.
    pub fn run(self, quiet: bool) -> anyhow::Result<Outcome> {
        if let Some(log) = &self.undo {
            return undo(log, quiet);
        }
        let Some(path) = &self.labels else {
            return Err(misused(
                "which labels? --labels names a model of them",
                "learn them from your own tags: `melisma learn Music --by genre -o my-genres`, then --labels my-genres; or take \
                 models/genre-magnatune, four genres that came with the program's source (its card lies beside it)",
            ));
        };
        let model = read_model(path).with_context(|| path.display().to_string())?;
        let files = collect(&self.music)?;
        let (heard, lost) = listen_to(&files, self.jobs.map(usize::from), quiet)?;
        if self.csv {
            DataOut.write_all(b"file,label,probability,most_probable\n")?;
        }
        let told: Vec<(&Heard, Told)> = heard
            .iter()
            .filter(|track| !self.untagged || track.tag(&model.tag).is_empty())
            .map(|track| (track, Told::of(&track.features, &model, self.threshold)))
            .collect();
        for (track, told) in &told {
            DataOut.write_all(self.line(track, told, &model).as_bytes())?;
        }
        DataOut.flush()?;
        let mut outcome = if lost > 0 { Outcome::Failure } else { Outcome::Success };
        if self.write_tags {
            let labels = told.iter().filter_map(|(track, told)| Some((*track, told.label.as_deref()?)));
            let writing = Writing { tag: key_of(&model.tag), yes: self.yes, force: self.force, quiet };
            outcome = outcome.worse(writing.run(labels, self.log.clone())?);
        }
        Ok(outcome)
    }

    fn line(&self, track: &Heard, told: &Told, model: &LabelModel) -> String {
        let Told { probabilities, order, label } = told;
        let (first, probability) = (order[0], probabilities[order[0]]);
        let label = label.as_deref();
        let file = track.path.display().to_string();
        if self.json {
            let rounded = |value: f32| (f64::from(value) * 1e4).round() / 1e4;
            let all: Map<String, serde_json::Value> =
                order.iter().map(|&n| (model.labels[n].clone(), json!(rounded(probabilities[n])))).collect();
            let line = json!({
                "file": file,
                "tag": key_of(&model.tag),
                "label": label,
                "probability": rounded(probability),
                "tagged": track.tag(&model.tag),
                "probabilities": all,
            });
            return format!("{line}\n");
        }
        if self.csv {
            let most = &model.labels[first];
            let cells = [file.as_str(), label.unwrap_or(UNSURE), &format!("{probability:.4}"), most]
                .map(text::csv_cell);
            return format!("{}\n", cells.join(","));
        }
        let close: Vec<String> = order
            .iter()
            .take(if label.is_some() { 2 } else { 3 })
            .map(|&n| format!("{} {:.0} %", text::printable(&model.labels[n]), 100.0 * probabilities[n]))
            .collect();
        format!(
            "{}: {} ({})\n",
            text::printable(&file),
            text::printable(label.unwrap_or(UNSURE)),
            close.join(", ")
        )
    }
}

/// What is said of a track.
struct Told {
    /// `[label]`
    probabilities: Vec<f32>,
    /// Labels, the most probable first.
    order: Vec<usize>,
    /// None below the threshold.
    label: Option<String>,
}

impl Told {
    fn of(features: &[f32], model: &LabelModel, threshold: f32) -> Self {
        let probabilities = model.probabilities(features);
        let mut order: Vec<usize> = (0..probabilities.len()).collect();
        order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
        let label = (probabilities[order[0]] >= threshold).then(|| model.labels[order[0]].clone());
        Self { probabilities, order, label }
    }
}

fn read_model(path: &std::path::Path) -> anyhow::Result<LabelModel> {
    let mut bytes = Vec::new();
    File::open(path)
        .context("cannot open")?
        .take(MAX_MODEL_BYTES)
        .read_to_end(&mut bytes)
        .context("cannot read")?;
    Ok(LabelModel::from_bytes(&bytes)?)
}

/// A number from 0 to 1.
fn probability(text: &str) -> Result<f32, String> {
    let value: f32 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=1.0).contains(&value) { Ok(value) } else { Err("must be from 0 to 1".to_owned()) }
}
