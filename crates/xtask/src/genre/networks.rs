//! Genres told by trained networks: folds as manifests to train with, and docs/results/genre-networks.md.
//!
//! ```text
//! manifest -folds-> a manifest for each -melisma train-> NAME/fold-0..4/model/told.csv
//! manifest        -melisma train, seeds->                NAME/seed-0../model/told.csv   -page-> genre-networks.md
//! ```
//! The folds are those by which sketches are judged: the same tracks, the same artists together.

use super::{judge::most, row::mean_and_deviation, tracks::labelled};
use anyhow::{Context, ensure};
use melisma_data::{
    Entry, Manifest, Split,
    fma::{Layout, read_tracks},
};
use melisma_understanding::labels::{Score, expected_calibration_error, folds};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// The folds, and which division into them: that of the first row of `genre`.
const FOLDS: usize = 5;
const DIVISION: u64 = 0;

/// Flags of the chore that makes folds.
#[derive(clap::Args)]
pub struct FoldOptions {
    /// Folder in the layout of FMA: the table of its tracks is read.
    #[arg(long)]
    fma: PathBuf,
    /// Manifest of its clips, as `melisma data fma` makes it.
    #[arg(long)]
    manifest: PathBuf,
    /// Where to write fold-0.jsonl and so on: the tracks of a fold are the test part, all others are learned from.
    #[arg(long)]
    output: PathBuf,
}

/// Writes a manifest for each fold.
pub fn write_folds(options: &FoldOptions) -> anyhow::Result<()> {
    let manifest = Manifest::read(&options.manifest)?;
    let table = read_tracks(&Layout::find(&options.fma, None)?.tracks)?;
    let is_told = |entry: &Entry| entry.is_ok() && entry.split.is_some() && entry.genre.is_some();
    let ids: BTreeSet<u32> =
        manifest.entries.iter().filter(|entry| is_told(entry)).filter_map(|entry| entry.id).collect();
    let rows = ids.iter().map(|id| table.get(id).with_context(|| format!("the table has no track {id}")));
    let rows: Vec<_> = rows.collect::<anyhow::Result<_>>()?;
    let names: Vec<[&str; 2]> = rows
        .iter()
        .map(|row| [row.genre.as_deref().unwrap_or_default(), row.artist.as_deref().unwrap_or_default()])
        .collect();
    let examples = labelled(&names, vec![Vec::new(); rows.len()]);
    let fold_of: BTreeMap<u32, usize> = ids.iter().copied().zip(folds(&examples, FOLDS, DIVISION)).collect();
    fs::create_dir_all(&options.output).with_context(|| options.output.display().to_string())?;
    for fold in 0..FOLDS {
        let mut part = manifest.clone();
        for entry in &mut part.entries {
            let of_entry = entry.id.filter(|_| is_told(entry)).and_then(|id| fold_of.get(&id));
            entry.split = of_entry.map(|&of| if of == fold { Split::Test } else { Split::Train });
        }
        part.write(&options.output.join(format!("fold-{fold}.jsonl")), true)?;
    }
    Ok(())
}

/// Flags of the chore that writes the page.
#[derive(clap::Args)]
pub struct PageOptions {
    /// Folder of runs: NAME/seed-0 and so on, NAME/fold-0 to fold-4, each a folder of `melisma train`.
    #[arg(long)]
    runs: PathBuf,
    /// File to write.
    #[arg(long, default_value = "docs/results/genre-networks.md")]
    output: PathBuf,
    /// Folder of the training whose encoder some of the networks hear with.
    #[arg(long)]
    encoder: Option<PathBuf>,
    /// File whose text is put behind the tables: what these trainings were, and what was not run.
    #[arg(long)]
    remarks: Option<PathBuf>,
}

/// Ways of telling a track from its segments, as `told.csv` names them.
const WAYS: [(&str, &str); 3] =
    [("one", "the middle segment of five"), ("vote", "vote of five"), ("mean", "mean probability of five")];

/// What was told of tracks in one way.
#[derive(Default)]
struct Told {
    labels: Vec<String>,
    truth: Vec<Vec<usize>>,
    probabilities: Vec<Vec<f32>>,
}

impl Told {
    fn read(path: &Path, way: &str) -> anyhow::Result<Self> {
        let mut table = csv::Reader::from_path(path).with_context(|| path.display().to_string())?;
        let labels: Vec<String> = table.headers()?.iter().skip(4).map(str::to_owned).collect();
        let mut told = Self { labels, ..Self::default() };
        for record in table.records() {
            let record = record?;
            if record.get(3) != Some(way) {
                continue;
            }
            let label = told.labels.iter().position(|label| Some(label.as_str()) == record.get(2));
            let label = label.with_context(|| format!("{}: an unknown label", path.display()))?;
            told.truth.push(vec![label]);
            let values = record.iter().skip(4).map(str::parse);
            told.probabilities.push(values.collect::<Result<_, _>>()?);
        }
        ensure!(!told.truth.is_empty(), "{} holds no track told by {way}", path.display());
        Ok(told)
    }

    fn score(&self) -> Score {
        let told: Vec<usize> = self.probabilities.iter().map(|p| most(p)).collect();
        Score::of(&self.truth, &told, self.labels.len(), 1)
    }
}

/// Finished runs of a network whose names begin so.
fn runs(network: &Path, kind: &str) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(network).with_context(|| network.display().to_string())? {
        let path = entry?.path();
        let is_kind = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(kind));
        let told = path.join("model").join("told.csv");
        if is_kind && told.exists() {
            found.push(told);
        }
    }
    found.sort();
    Ok(found)
}

/// Reads what the runs told, and writes the page. Rows of networks that have no run are kept as the page has them.
pub fn write_page(options: &PageOptions) -> anyhow::Result<()> {
    let mut networks: Vec<PathBuf> = fs::read_dir(&options.runs)
        .with_context(|| options.runs.display().to_string())?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    networks.retain(|path| path.is_dir());
    let mut accuracy: BTreeMap<String, String> = BTreeMap::new();
    let mut effort: BTreeMap<String, String> = BTreeMap::new();
    for network in &networks {
        let name = network.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let [seeds, fold_runs] = [runs(network, "seed-")?, runs(network, "fold-")?];
        ensure!(!seeds.is_empty(), "{}: no seed has been trained to its end", network.display());
        let revision = fs::read_to_string(network.join("revision")).unwrap_or_default();
        accuracy.insert(name.clone(), rows(&name, &seeds, &fold_runs, revision.trim())?);
        let first = seeds[0].ancestors().nth(2).unwrap_or(network);
        effort.insert(name.clone(), format!("| {name} | {} |\n", Effort::read(first)?.row()));
    }
    if let Ok(old) = fs::read_to_string(&options.output) {
        keep(&old, HEAD, &mut accuracy);
        keep(&old, EFFORT_HEAD, &mut effort);
    }
    if let Some(encoder) = &options.encoder {
        let name = "encoder of latent-cnn";
        effort.insert(name.to_owned(), format!("| {name} | {} |\n", Effort::read(encoder)?.row()));
    }
    let remarks = match &options.remarks {
        Some(path) => fs::read_to_string(path).with_context(|| path.display().to_string())?,
        None => String::new(),
    };
    let joined = |rows: BTreeMap<String, String>| rows.into_values().collect::<String>();
    let text = format!(
        "{INTRODUCTION}{HEAD}{}\n{EFFORT_INTRODUCTION}{EFFORT_HEAD}{}{remarks}",
        joined(accuracy),
        joined(effort)
    );
    fs::write(&options.output, text).with_context(|| options.output.display().to_string())
}

/// Takes the rows of a table of a page over for names that have none.
fn keep(page: &str, head: &str, rows: &mut BTreeMap<String, String>) {
    let Some((_, table)) = page.split_once(head) else { return };
    let mut kept: BTreeMap<String, String> = BTreeMap::new();
    for line in table.lines().take_while(|line| line.starts_with('|')) {
        let name = line.trim_start_matches('|').split('|').next().unwrap_or_default().trim();
        let of_name = kept.entry(name.to_owned()).or_default();
        of_name.push_str(line);
        of_name.push('\n');
    }
    for (name, lines) in kept {
        rows.entry(name).or_insert(lines);
    }
}

const INTRODUCTION: &str = "# Genres told by trained networks

The tracks, the official split and the first division into folds of [genre.md](genre.md), told by networks that hear the original sound \
and are trained from nothing on the tracks that each row may learn from; but for the encoder of the latent-cnn rows, which was \
trained on other music and without labels. *Official*: mean and deviation over seeds, and the 95 % interval over draws of test tracks \
of the first seed. *Grouped*: five folds, no artist on both sides, each told by a network of the other four; no track of them watched \
the training. *Calibration*: expected calibration error in the folds. *Trained with*: the revision of the program.

```sh
MUSIC=MUSIC_MANIFEST benches/genre_networks.sh FMA WORK
```

";

const HEAD: &str = "| network | told by | seeds | official accuracy | interval | official macro-F1 | grouped accuracy | interval | grouped macro-F1 | calibration | trained with |
|---|---|---:|---|---|---|---|---|---|---|---|
";

const EFFORT_INTRODUCTION: &str = "What a training was, of the first seed: weights (of an encoder also those of its decoder, which are not used), steps of the \
optimiser, clips learned from, and minutes on one thread.

";

const EFFORT_HEAD: &str = "| network | weights | steps | clips | minutes |
|---|---:|---:|---:|---:|
";

/// The rows of one network: one for each way of telling.
fn rows(name: &str, seeds: &[PathBuf], fold_runs: &[PathBuf], revision: &str) -> anyhow::Result<String> {
    let mut text = String::new();
    for (way, words) in WAYS {
        let scores: Vec<Score> =
            seeds.iter().map(|path| Ok(Told::read(path, way)?.score())).collect::<anyhow::Result<_>>()?;
        let over_seeds = |of: fn(&Score) -> f64| spread(&scores.iter().map(of).collect::<Vec<_>>());
        let (accuracy, f1) = (over_seeds(|score| score.accuracy), over_seeds(|score| score.macro_f1));
        let [low, high] = scores[0].accuracy_interval;
        write!(text, "| {name} | {words} | {} | {accuracy} | {low:.3} to {high:.3} | {f1} |", seeds.len())?;
        if fold_runs.len() < FOLDS {
            writeln!(text, " - | - | - | - | {revision} |")?;
            continue;
        }
        let mut all = Told::default();
        for path in fold_runs {
            let told = Told::read(path, way)?;
            ensure!(
                all.labels.is_empty() || all.labels == told.labels,
                "{}: other labels than the other folds have",
                path.display()
            );
            all.labels = told.labels;
            all.truth.extend(told.truth);
            all.probabilities.extend(told.probabilities);
        }
        let score = all.score();
        let [low, high] = score.accuracy_interval;
        let calibration = expected_calibration_error(&all.probabilities, &all.truth);
        writeln!(
            text,
            " {:.3} | {low:.3} to {high:.3} | {:.3} | {calibration:.3} | {revision} |",
            score.accuracy, score.macro_f1
        )?;
    }
    Ok(text)
}

/// Mean and deviation; of one value alone, itself.
fn spread(values: &[f64]) -> String {
    let (mean, deviation) = mean_and_deviation(values);
    if values.len() == 1 { format!("{mean:.3}") } else { format!("{mean:.3} ± {deviation:.3}") }
}

/// What a training was, by its log.
#[derive(Default)]
struct Effort {
    weights: u64,
    clips: u64,
    steps: u64,
    seconds: f64,
}

impl Effort {
    /// Of the folder of a training.
    fn read(run: &Path) -> anyhow::Result<Self> {
        let path = run.join("log.jsonl");
        let log = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let mut effort = Self::default();
        // The clock of a step begins anew where a training goes on.
        let mut so_far = 0.0;
        for line in log.lines() {
            let event: Value = serde_json::from_str(line).with_context(|| path.display().to_string())?;
            let number = |key: &str| event[key].as_u64().unwrap_or_default();
            match event["event"].as_str() {
                Some("started") => {
                    effort.weights = number("weights");
                    effort.clips = number("training_clips");
                    effort.seconds += so_far;
                    so_far = 0.0;
                }
                Some("step") => {
                    effort.steps = number("step") + 1;
                    so_far = event["seconds"].as_f64().unwrap_or_default();
                }
                _ => {}
            }
        }
        effort.seconds += so_far;
        Ok(effort)
    }

    fn row(&self) -> String {
        format!("{} | {} | {} | {:.1}", self.weights, self.steps, self.clips, self.seconds / 60.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_has_no_deviation() {
        assert_eq!(spread(&[0.5]), "0.500");
        assert!(spread(&[0.5, 0.6]).starts_with("0.550 ± 0.0"));
    }

    #[test]
    fn rows_of_networks_without_runs_are_kept() {
        let page =
            format!("text\n{HEAD}| a | one | 1 |\n| a | vote | 2 |\n| b | one | 3 |\n\nand | c | not |\n");
        let mut rows = BTreeMap::from([("b".to_owned(), "| b | one | 9 |\n".to_owned())]);
        keep(&page, HEAD, &mut rows);
        let text: String = rows.into_values().collect();
        assert_eq!(text, "| a | one | 1 |\n| a | vote | 2 |\n| b | one | 9 |\n");
    }

    #[test]
    fn the_clock_of_a_training_that_went_on_is_added_up() {
        let folder = tempfile::tempdir().unwrap();
        let log = [
            r#"{"event":"started","weights":7,"training_clips":3}"#,
            r#"{"event":"step","step":0,"seconds":30.0}"#,
            r#"{"event":"step","step":1,"seconds":60.0}"#,
            r#"{"event":"started","weights":7,"training_clips":3}"#,
            r#"{"event":"step","step":2,"seconds":30.0}"#,
        ];
        fs::write(folder.path().join("log.jsonl"), log.join("\n")).unwrap();
        assert_eq!(Effort::read(folder.path()).unwrap().row(), "7 | 3 | 3 | 1.5");
    }
}
