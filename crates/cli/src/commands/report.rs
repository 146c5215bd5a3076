//! `melisma report`: the results of a bench as one page that opens from the disk.

use crate::exit::Outcome;
use crate::output::{DataOut, make_folder};
use crate::{examples, message, text, values};
use anyhow::Context;
use melisma_eval::results::Results;
use melisma_media::MediaError;
use melisma_report::{Block, Heard, Page, ReportConfig, chart_files};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Flags of `report`.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::REPORT)]
pub struct ReportArguments {
    /// results.json or results.json.gz, or the folder that it lies in
    ///
    /// Excerpts to listen to are looked for beside it.
    #[arg(value_name = "RESULTS")]
    results: PathBuf,
    /// Take the excerpts to listen to from other results, such as those of music that may be passed on
    #[arg(long, value_name = "RESULTS")]
    listening: Option<PathBuf>,
    /// The page to write; it holds all that it needs and opens without a network
    #[arg(short, long, value_name = "FILE", default_value = "report.html")]
    output: PathBuf,
    /// Heading of the page
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Folder for the charts as SVG and PNG files; without it: beside the page, named like it
    #[arg(long, value_name = "DIR")]
    charts: Option<PathBuf>,
    /// Write no chart files
    #[arg(long, conflicts_with = "charts")]
    no_charts: bool,
    /// Put at most so many clips to listen to into the page; without it: all
    #[arg(long, value_name = "N")]
    clips: Option<usize>,
    /// Put at most so much audio into the page, which grows by a third more
    #[arg(long, value_name = "SIZE", value_parser = values::size_bytes, default_value = "48MB")]
    max_audio: u64,
    /// One JSON object about the page, for programs: file, bytes, charts, players, chart_files
    #[arg(long)]
    json: bool,
    /// Overwrite what is there
    #[arg(short, long)]
    force: bool,
}

impl ReportArguments {
    /// Reads, summarises, writes.
    pub fn run(self, quiet: bool) -> anyhow::Result<Outcome> {
        refuse_existing(&self.output, self.force)?;
        let (file, results) = read(&self.results)?;
        let other = self.listening.as_deref().map(read).transpose()?;
        let (heard_file, heard) = other.as_ref().map_or((&file, &results), |(file, other)| (file, other));
        let heard = Heard { results: heard, folder: heard_file.parent().unwrap_or(Path::new(".")) };
        let mut config = ReportConfig::default();
        if let Some(title) = self.title {
            config.title = title;
        }
        config.listening.clips = self.clips.unwrap_or(usize::MAX);
        config.listening.audio_bytes = self.max_audio;
        let page =
            melisma_report::report(&results, heard, &config).with_context(|| file.display().to_string())?;
        make_folder(&self.output)?;
        let bytes = page.write(&self.output, self.force)?;
        let mut lines = vec![summary(&self.output, bytes, &page)];
        let mut facts = summary_json(&self.output, bytes, &page);
        facts["chart_files"] = json!([]);
        if !self.no_charts {
            let folder = self.charts.unwrap_or_else(|| beside(&self.output));
            let files = chart_files::write(&page.charts(), &folder, self.force)?;
            facts["chart_files"] = files.iter().map(|file| file.display().to_string()).collect();
            lines.push(format!("{}: {}, SVG and PNG", folder.display(), text::count(files.len(), "file")));
        }
        if self.json {
            writeln!(DataOut, "{facts}")?;
        } else if !quiet {
            lines.iter().for_each(|line| message::say(&text::printable(line)));
        }
        Ok(Outcome::Success)
    }
}

/// Before the work, not after it.
pub fn refuse_existing(output: &Path, force: bool) -> anyhow::Result<()> {
    match output.exists() && !force {
        true => Err(MediaError::Exists(output.to_path_buf()).into()),
        false => Ok(()),
    }
}

fn players(page: &Page) -> usize {
    let blocks = page.sections.iter().flat_map(|section| &section.blocks);
    blocks.filter(|block| matches!(block, Block::Player(_) | Block::Ladder(_))).count()
}

/// The summary for programs.
pub fn summary_json(output: &Path, bytes: u64, page: &Page) -> Value {
    json!({
        "file": output.display().to_string(),
        "bytes": bytes,
        "charts": page.charts().len(),
        "players": players(page),
    })
}

/// `report.html: 12.3 MB, 28 charts, 4 players`
pub fn summary(output: &Path, bytes: u64, page: &Page) -> String {
    format!(
        "{}: {}, {}, {}",
        output.display(),
        text::bytes(bytes),
        text::count(page.charts().len(), "chart"),
        text::count(players(page), "player")
    )
}

/// Results by their file or its folder: the file, and what is in it.
fn read(path: &Path) -> anyhow::Result<(PathBuf, Results)> {
    let file = if path.is_dir() { in_folder(path) } else { path.to_path_buf() };
    let results = Results::read(&file)?;
    Ok((file, results))
}

fn in_folder(folder: &Path) -> PathBuf {
    let plain = folder.join("results.json");
    let packed = folder.join("results.json.gz");
    if !plain.exists() && packed.exists() { packed } else { plain }
}

fn beside(page: &Path) -> PathBuf {
    let stem = page.file_stem().unwrap_or_default().to_string_lossy();
    page.with_file_name(format!("{stem}-charts"))
}
