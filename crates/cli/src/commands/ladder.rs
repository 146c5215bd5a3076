//! `melisma ladder`: one excerpt at every rate through several codecs, as a page to hear what bitrate means.

use crate::commands::report::{refuse_existing, summary, summary_json};
use crate::excerpt::{self, Excerpt, Wanted};
use crate::exit::Outcome;
use crate::message::hinted;
use crate::output::{DataOut, make_folder};
use crate::progress::Counter;
use crate::{examples, interrupt, message, text, values};
use anyhow::{Context, ensure};
use melisma_eval::peers::{CodecUnderTest, OperatingPoint};
use melisma_eval::{EvalError, Metric, sound_file};
use melisma_media::{AudioSource, Input, OpenOptions};
use melisma_report::ladder::{CodedRung, LadderConfig, Rung};
use melisma_signal::Pcm;
use rayon::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// Flags of `ladder`.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::LADDER)]
pub struct LadderArguments {
    /// The music, in any format that encode reads; - for standard input
    #[arg(value_name = "SONG")]
    song: PathBuf,
    /// The page to write; it holds all that it needs and opens without a network
    #[arg(short, long, value_name = "FILE", default_value = "ladder.html")]
    output: PathBuf,
    /// Where the excerpt begins (45, 1:30); without it: at 0:30, or earlier if the song is short
    #[arg(long, value_name = "TIME", value_parser = values::seconds, allow_negative_numbers = true)]
    start: Option<f64>,
    /// Length of the excerpt, from 1 to 60 seconds; the page grows with it, by about 3 MB a second
    #[arg(long, value_name = "TIME", value_parser = values::seconds, allow_negative_numbers = true, default_value = "10")]
    duration: f64,
    /// Rates in kbit/s, separated by commas: the rows
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = values::kbps, default_value = "1,2,4,8,16,32,64,128,192,256,320")]
    rates: Vec<f64>,
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "mp3,opus,melisma", help = codecs_help(), long_help = codecs_long_help())]
    codecs: Vec<String>,
    /// One JSON object about the page, for programs: file, bytes, song, start_seconds, and rungs, each with its codec, the
    /// rate asked for, and what came of it
    #[arg(long)]
    json: bool,
    /// Overwrite what is there
    #[arg(short, long)]
    force: bool,
}

/// Where an excerpt begins if nobody says, in seconds.
const USUAL_START_S: f64 = 30.0;
/// Lengths that an excerpt may have, in seconds.
const SECONDS: std::ops::RangeInclusive<f64> = 1.0..=60.0;
/// A point counts as being at a rate if the natural logarithm of their ratio is below this.
const SAME_RATE: f64 = 0.01;
/// The metrics that a cell of the grid shows, each with the name that it is shown by.
const FIGURES: [(Metric, &str); 2] =
    [(Metric::StudyComplex8k, "study RMSE"), (Metric::Zimtohrli, "zimtohrli")];

/// Help of `--codecs`, from the list of codecs.
fn codecs_help() -> String {
    format!("Codecs, separated by commas, of {}: the columns", excerpt::codec_names())
}

/// Long help of `--codecs`.
fn codecs_long_help() -> String {
    format!(
        "{}\n\nThey are run as in `melisma bench`. What a codec cannot do is shown as such.",
        codecs_help()
    )
}

impl LadderArguments {
    /// Codes the excerpt at each rate and writes the page.
    pub fn run(self, quiet: bool) -> anyhow::Result<Outcome> {
        refuse_existing(&self.output, self.force)?;
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        let columns = Wanted::find(&self.codecs, &program)?;
        let (original, start_s, song) = self.read().with_context(|| self.song.display().to_string())?;

        let scratch = tempfile::Builder::new().prefix("melisma-ladder-").tempdir()?;
        interrupt::remove_too(scratch.path());
        let excerpt = Excerpt::new(&original, scratch.path())?;
        let cells = self.rates.len() * columns.len();
        let counter = Mutex::new(Counter::new(cells, "places", quiet));
        let counted = |(rate, column): (f64, &Wanted)| {
            let rung = rung(&excerpt, rate, column);
            counter
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .one_more(&format!("{} at {rate}", column.name));
            rung
        };
        let grid = |&rate: &f64| columns.par_iter().map(|column| counted((rate, column))).collect();
        let rungs: Vec<Vec<Rung>> = self.rates.par_iter().map(grid).collect();
        interrupt::wait_if_requested();
        counter.lock().unwrap_or_else(PoisonError::into_inner).clear();

        let recipes = columns.iter().flat_map(Wanted::recipes);
        let ladder = LadderConfig {
            song,
            start_s,
            original,
            rates_kbps: self.rates.clone(),
            recipes: recipes.collect(),
            codecs: columns.into_iter().map(|column| column.name).collect(),
            rungs,
        };
        let told = ladder_json(&ladder);
        let page = ladder.init()?;
        make_folder(&self.output)?;
        let bytes = page.write(&self.output, self.force)?;
        if self.json {
            let mut facts = summary_json(&self.output, bytes, &page);
            if let (Value::Object(facts), Value::Object(told)) = (&mut facts, told) {
                facts.extend(told);
            }
            writeln!(DataOut, "{facts}")?;
        } else if !quiet {
            message::say(&text::printable(&summary(&self.output, bytes, &page)));
        }
        Ok(Outcome::Success)
    }

    /// The excerpt, where it begins, and what the song is called.
    fn read(&self) -> anyhow::Result<(Pcm, f64, String)> {
        ensure!(SECONDS.contains(&self.duration), "--duration is from 1 to 60 seconds");
        let input = Input::from_argument(self.song.as_os_str());
        let mut source = AudioSource::open(&input, &OpenOptions::default().with_downmix(true))?;
        let rate_hz = source.sample_rate_hz();
        let samples = |seconds: f64| (seconds * f64::from(rate_hz)).round() as usize;
        let wanted = samples(self.duration);
        let start = samples(self.start.unwrap_or(USUAL_START_S));
        // A start that was asked for is kept; the usual one gives way in a short song, whose beginning is kept for it.
        let mut skip = if self.start.is_some() { start } else { 0 };
        let end = start - skip + wanted;
        let mut pcm = Pcm::empty(rate_hz, source.channel_count());
        while pcm.samples() < end {
            let Some(mut block) = source.next_block()? else { break };
            let passed = skip.min(block.samples());
            skip -= passed;
            block.channels.iter_mut().for_each(|channel| drop(channel.drain(..passed)));
            pcm.append(&block);
        }
        let first = if self.start.is_some() { 0 } else { start.min(pcm.samples().saturating_sub(wanted)) };
        let last = pcm.samples().min(first + wanted);
        if last - first < samples(*SECONDS.start()) {
            return Err(hinted(
                "the song ends before there is a second of it",
                "choose another --start; `melisma info` and `ffprobe` tell the length",
            ));
        }
        let channels = pcm.channels.into_iter().map(|channel| channel[first..last].to_vec()).collect();
        let original = sound_file::rounded_to_16_bits(&Pcm { sample_rate_hz: rate_hz, channels });
        let start_s = self.start.unwrap_or(first as f64 / f64::from(rate_hz));
        Ok((original, start_s, self.title(&source)))
    }

    /// Artist and title by the tags, else the name of the file.
    fn title(&self, source: &AudioSource) -> String {
        let tag = |name: &str| {
            let tags = source.metadata().tags.iter();
            tags.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone()).next()
        };
        let file = || self.song.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match (tag("ARTIST"), tag("TITLE")) {
            (Some(artist), Some(title)) => format!("{artist}: {title}"),
            (None, Some(title)) => title,
            _ => file(),
        }
    }
}

/// What came of each rate and codec, for programs.
fn ladder_json(ladder: &LadderConfig) -> Value {
    let rows = ladder.rates_kbps.iter().zip(&ladder.rungs);
    let cells = rows.flat_map(|(rate, row)| ladder.codecs.iter().zip(row).map(move |cell| (rate, cell)));
    let rungs = cells.map(|(rate, (codec, rung))| {
        let mut facts = json!({ "codec": codec, "asked_kbps": rate });
        match rung {
            Rung::Unavailable(reason) => facts["unavailable"] = reason.as_str().into(),
            Rung::Coded(coded) => {
                facts["kbps"] = coded.kbps.into();
                for (name, value) in &coded.figures {
                    facts[name.as_str()] = json!(value.parse::<f64>().ok());
                }
            }
        }
        facts
    });
    json!({
        "song": ladder.song,
        "start_seconds": ladder.start_s,
        "recipes": ladder.recipes.iter().cloned().collect::<BTreeMap<_, _>>(),
        "rungs": rungs.collect::<Vec<_>>(),
    })
}

/// One place of the grid.
fn rung(excerpt: &Excerpt, rate: f64, column: &Wanted) -> Rung {
    if let Err(missing) = &column.codecs {
        return Rung::Unavailable(missing.clone());
    }
    match column.nearest(rate) {
        Some((codec, point)) if (point.kbps / rate).ln().abs() < SAME_RATE => {
            coded(excerpt, codec, &point).unwrap_or_else(|error| Rung::Unavailable(error.to_string()))
        }
        Some((_, nearest)) => {
            Rung::Unavailable(format!("not at this rate; the nearest is {} kbit/s", nearest.kbps))
        }
        None => Rung::Unavailable("not at any rate".to_owned()),
    }
}

fn coded(excerpt: &Excerpt, codec: &dyn CodecUnderTest, point: &OperatingPoint) -> Result<Rung, EvalError> {
    let (pcm, kbps) = excerpt.coded(codec, point)?;
    let scores = excerpt.reference.score(&pcm.channels);
    let figure = |(metric, name): &(Metric, &str)| {
        let value = scores.get(metric)?;
        Some(((*name).to_owned(), format!("{value:.4}")))
    };
    Ok(Rung::Coded(Box::new(CodedRung { pcm, kbps, figures: FIGURES.iter().filter_map(figure).collect() })))
}
