//! `melisma map`: a folder of music as one page on which each track is a point that can be heard, found and chosen.
//!
//! ```text
//! DIR -library-> index -explore-> places, clusters;  index, covers, excerpts -tracks-> MapData -report-> map.html
//! ```

mod covers;
mod excerpts;
mod layout;
mod tracks;

use crate::commands::report::refuse_existing;
use crate::exit::Outcome;
use crate::library::{Access, Library};
use crate::message::hinted;
use crate::output::{DataOut, make_folder};
use crate::{examples, interrupt, message, text, threads};
use anyhow::Context;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use layout::Layout;
use melisma_library::Index;
use melisma_report::map::{ColourBy, MapData};
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Flags of `map`.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::MAP)]
pub struct MapArguments {
    /// The folder with the music: .mlsm and any other format that encode reads
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The page to write; keep it where it is, for it plays the files of DIR from there
    #[arg(short, long, value_name = "FILE", default_value = "map.html")]
    output: PathBuf,
    /// What colours the points at first; the page can change it
    #[arg(long, value_name = "WHAT", default_value = "genre", value_parser = colour_parser())]
    colour_by: ColourBy,
    /// How the points are laid out, separated by commas; the first is shown first
    #[arg(long, value_name = "LIST", value_enum, value_delimiter = ',', default_values_t = Layout::ALL)]
    projection: Vec<Layout>,
    /// Excerpts inside of the page, at most, for files that browsers cannot play: 200, or none; about 13 kB each
    #[arg(long, value_name = "N", default_value = "200", value_parser = excerpt_count)]
    excerpts: usize,
    /// Threads to use; without it: one per core
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// One JSON object about the page, for programs: file, bytes, tracks, regions, projections, excerpts
    #[arg(long)]
    json: bool,
    /// Overwrite what is there
    #[arg(short, long)]
    force: bool,
}

fn colour_parser() -> impl TypedValueParser<Value = ColourBy> {
    PossibleValuesParser::new(ColourBy::ALL.map(ColourBy::name))
        .map(|name| ColourBy::ALL.into_iter().find(|by| by.name() == name).unwrap_or_default())
}

fn excerpt_count(text: &str) -> Result<usize, String> {
    match text {
        "none" => Ok(0),
        _ => text.parse().map_err(|_| "a number, or none".to_owned()),
    }
}

impl MapArguments {
    /// Reads what is new in the folder and writes the page.
    pub fn run(self, quiet: bool) -> anyhow::Result<Outcome> {
        refuse_existing(&self.output, self.force)?;
        let jobs = self.jobs.map(usize::from);
        let Library { index, outcome, .. } =
            Library::open(&self.folder, &Access { jobs, quiet, ..Access::default() })?;
        if index.tracks.is_empty() {
            return Err(hinted(
                format!("there is no music in {}", self.folder.display()),
                "without music of your own: melisma data synth Toy, then melisma map Toy",
            ));
        }
        make_folder(&self.output)?;
        let pool = threads::pool(threads::wanted(jobs))?;
        let map = pool.install(|| self.map(&index, quiet))?;
        interrupt::wait_if_requested();
        let bytes = map.write(&self.output, self.force)?;
        let counts = counts(&map);
        if self.json {
            let mut facts = json!({ "file": self.output.display().to_string(), "bytes": bytes });
            for (number, noun) in counts {
                facts[format!("{noun}s")] = number.into();
            }
            writeln!(DataOut, "{facts}")?;
        } else if !quiet {
            message::say(&text::printable(&summary(&self.output, bytes, &counts)));
        }
        Ok(outcome)
    }

    fn map(&self, index: &Index, quiet: bool) -> anyhow::Result<MapData> {
        let points = index.points().context("the index holds embeddings of different lengths")?;
        let clusters = layout::clusters(&points)?;
        let projections: Vec<_> = layout::without_repeats(&self.projection)
            .into_iter()
            .map(|layout| layout.project(&points, quiet))
            .collect::<Result<_, _>>()?;
        let folder = std::path::absolute(&self.folder)?;
        let page = std::path::absolute(&self.output)?;
        let page_folder = page.parent().unwrap_or(&page);
        let mut tracks = tracks::tracks(index, &clusters, &folder, page_folder);
        excerpts::add(&mut tracks, index, &folder, self.excerpts, quiet);
        let covers = covers::add(&mut tracks, index, &folder);
        let name = folder.file_name().map_or_else(|| "Music".into(), |name| name.to_string_lossy());
        Ok(MapData { title: name.into_owned(), tracks, projections, colour_by: self.colour_by, covers })
    }
}

/// What is on the map, and how many of it.
fn counts(map: &MapData) -> [(usize, &'static str); 4] {
    let regions =
        map.tracks.iter().filter_map(|track| track.cluster).max().map_or(0, |last| last as usize + 1);
    let excerpts = map.tracks.iter().filter(|track| track.excerpt.is_some()).count();
    [
        (map.tracks.len(), "track"),
        (regions, "region"),
        (map.projections.len(), "projection"),
        (excerpts, "excerpt"),
    ]
}

/// `map.html: 3.2 MB, 120 tracks, 5 regions, 2 projections, 12 excerpts`
fn summary(output: &Path, bytes: u64, counts: &[(usize, &str)]) -> String {
    let counts =
        counts.iter().filter(|(number, _)| *number > 0).map(|(number, noun)| text::count(*number, noun));
    let counts: Vec<String> = counts.collect();
    format!("{}: {}, {}", output.display(), text::bytes(bytes), counts.join(", "))
}
