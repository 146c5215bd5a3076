//! `melisma listen analyse`: listeners' files in, tables out.

use crate::exit::Outcome;
use crate::message::hinted;
use crate::output::DataOut;
use crate::{examples, message, text};
use anyhow::Context;
use melisma_eval::listening_test::{AnalysisConfig, Answers, tables};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Flags of `listen analyse`.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::LISTEN_ANALYSE)]
pub struct AnalyseArguments {
    /// Files that listening pages saved, or folders of them; what is in several of them counts once
    #[arg(value_name = "CSV", required = true)]
    answers: Vec<PathBuf>,
    /// Count who fails the screening, too
    #[arg(long)]
    no_screening: bool,
    /// Tables in Markdown
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    /// One JSON object, for programs
    #[arg(long)]
    json: bool,
}

impl AnalyseArguments {
    /// Reads, screens, sums up, prints.
    pub fn run(self, quiet: bool) -> anyhow::Result<Outcome> {
        let mut answers = Answers::default();
        for path in &self.answers {
            for file in files(path)? {
                answers.read(&file)?;
            }
        }
        if answers.ratings.is_empty() && answers.blind.is_empty() {
            return Err(hinted(
                "no answers in these files",
                "open index.html of a folder that `melisma listen prepare` made, and save the answers there",
            ));
        }
        let analysis = AnalysisConfig { screening: !self.no_screening }.analyse(&answers);
        if self.json {
            writeln!(DataOut, "{}", serde_json::to_string(&analysis)?)?;
        } else {
            let written = |table: melisma_eval::table::Table| {
                if self.markdown { table.markdown() } else { table.aligned() }
            };
            let all: Vec<String> = tables::all(&analysis).into_iter().map(written).collect();
            DataOut.write_all(all.join("\n").as_bytes())?;
        }
        DataOut.flush()?;
        let failed = analysis.listeners.iter().filter(|listener| !listener.passes).count();
        if failed > 0 && !self.no_screening {
            message::warn(&format!(
                "{} not counted, for the hidden reference was not recognised; --no-screening counts all",
                text::count(failed, "listener")
            ));
        }
        if answers.tests.len() > 1 && !quiet {
            message::warn("the answers belong to several tests");
        }
        Ok(Outcome::Success)
    }
}

/// A file, or every CSV file that lies in a folder.
fn files(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let unreadable = || format!("cannot read {}", path.display());
    if !path.metadata().with_context(unreadable)?.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).with_context(unreadable)? {
        let file = entry.with_context(unreadable)?.path();
        if file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv")) {
            found.push(file);
        }
    }
    found.sort();
    Ok(found)
}
