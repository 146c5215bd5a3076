//! `melisma ladder`: one excerpt at every rate through several codecs, as a page to hear what bitrate means.

use crate::commands::report::{refuse_existing, summary, summary_json};
use crate::exit::Outcome;
use crate::message::hinted;
use crate::output::{DataOut, make_folder};
use crate::progress::Counter;
use crate::{examples, interrupt, message, text, values};
use anyhow::{Context, ensure};
use melisma_eval::peers::melisma::Program;
use melisma_eval::peers::{self, CodecUnderTest, OperatingPoint, Source};
use melisma_eval::{EvalError, Metric, Reference, ScoreOptions, Setting, sound_file};
use melisma_media::{AudioSource, Encoding, Input, OpenOptions};
use melisma_report::ladder::{CodedRung, LadderConfig, Rung};
use melisma_signal::Pcm;
use rayon::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
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
/// Codecs with what stands in where they lack a rate: LAME's average bitrates end at 310.
const STAND_INS: [(&str, &str); 1] = [("mp3", "mp3-cbr")];
/// The metrics that a cell of the grid shows, each with the name that it is shown by.
const FIGURES: [(Metric, &str); 2] =
    [(Metric::StudyComplex8k, "study RMSE"), (Metric::Zimtohrli, "zimtohrli")];

/// Help of `--codecs`, from the list of codecs: those that can be asked for a rate, but for those that stand in.
fn codecs_help() -> String {
    let stands_in = |name: &str| STAND_INS.iter().any(|(_, other)| *other == name);
    let known = peers::known().into_iter().filter(|codec| codec.has_rates && !stands_in(codec.name));
    let names: Vec<&str> = known.map(|codec| codec.name).collect();
    format!("Codecs, separated by commas, of {}: the columns", names.join(", "))
}

/// Long help of `--codecs`.
fn codecs_long_help() -> String {
    format!(
        "{}\n\nThey are run as in `melisma bench`. What a codec cannot do is shown as such.",
        codecs_help()
    )
}

/// A column of the grid: the codec and what stands in for it, or why there is none.
struct Column {
    name: String,
    codecs: Result<Vec<Box<dyn CodecUnderTest>>, String>,
}

/// The excerpt as every codec gets it, and a folder for files that nobody keeps.
struct Excerpt {
    reference: Reference,
    wav: PathBuf,
    scratch: PathBuf,
}

impl LadderArguments {
    /// Codes the excerpt at each rate and writes the page.
    pub fn run(self, quiet: bool) -> anyhow::Result<Outcome> {
        refuse_existing(&self.output, self.force)?;
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        let columns = self.columns(&program)?;
        let (original, start_s, song) = self.read().with_context(|| self.song.display().to_string())?;

        let scratch = tempfile::Builder::new().prefix("melisma-ladder-").tempdir()?;
        interrupt::remove_too(scratch.path());
        let wav_path = scratch.path().join("excerpt.wav");
        sound_file::write(&wav_path, &original, Encoding::WavInt16)?;
        let excerpt = Excerpt {
            reference: Reference::new(original.clone()),
            wav: wav_path,
            scratch: scratch.path().to_path_buf(),
        };
        let cells = self.rates.len() * columns.len();
        let counter = Mutex::new(Counter::new(cells, "places", quiet));
        let rung = |(rate, column): (f64, &Column)| {
            let rung = excerpt.rung(rate, column);
            counter
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .one_more(&format!("{} at {rate}", column.name));
            rung
        };
        let grid = |&rate: &f64| columns.par_iter().map(|column| rung((rate, column))).collect();
        let rungs: Vec<Vec<Rung>> = self.rates.par_iter().map(grid).collect();
        interrupt::wait_if_requested();
        counter.lock().unwrap_or_else(PoisonError::into_inner).clear();

        let recipes = columns.iter().flat_map(|column| {
            let codecs = column.codecs.iter().flatten();
            codecs.map(|codec| (codec.name().to_owned(), codec.recipe()))
        });
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

    fn columns(&self, program: &Path) -> anyhow::Result<Vec<Column>> {
        let find =
            |name: &str| peers::by_name(name, Setting::S44, Some(Program { path: program, revision: None }));
        let mut columns = Vec::with_capacity(self.codecs.len());
        for name in &self.codecs {
            let codecs = match find(name)? {
                Ok(codec) => {
                    let stand_ins = STAND_INS.iter().filter(|(of, _)| of == name);
                    let stand_ins = stand_ins.filter_map(|(_, other)| find(other).ok()?.ok());
                    Ok([codec].into_iter().chain(stand_ins).collect())
                }
                Err(missing) => {
                    let what =
                        format!("{} is not installed (Debian package {})", missing.program, missing.package);
                    message::warn(&format!("no {name}: {what}"));
                    Err(what)
                }
            };
            columns.push(Column { name: name.clone(), codecs });
        }
        Ok(columns)
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

impl Excerpt {
    fn rung(&self, rate: f64, column: &Column) -> Rung {
        let codecs = match &column.codecs {
            Ok(codecs) => codecs,
            Err(missing) => return Rung::Unavailable(missing.clone()),
        };
        let points =
            codecs.iter().flat_map(|codec| codec.points(&[rate]).into_iter().map(move |p| (codec, p)));
        let points: Vec<_> = points.collect();
        let far = |point: &OperatingPoint| (point.kbps / rate).ln().abs();
        match points.iter().find(|(_, point)| far(point) < SAME_RATE) {
            Some((codec, point)) => {
                self.coded(&***codec, point).unwrap_or_else(|error| Rung::Unavailable(error.to_string()))
            }
            None => Rung::Unavailable(match points.first() {
                Some((_, nearest)) => format!("not at this rate; the nearest is {} kbit/s", nearest.kbps),
                None => "not at any rate".to_owned(),
            }),
        }
    }

    fn coded(&self, codec: &dyn CodecUnderTest, point: &OperatingPoint) -> Result<Rung, EvalError> {
        let folder = tempfile::tempdir_in(&self.scratch)
            .map_err(|source| EvalError::Io { path: self.scratch.clone(), source })?;
        let source = Source { pcm: self.reference.pcm(), wav: &self.wav, scratch: folder.path() };
        let coded = codec.run(source, point)?;
        if coded.pcm.is_empty() || coded.pcm.channels.iter().flatten().any(|x| !x.is_finite()) {
            return Err(EvalError::NoSound("no sound"));
        }
        let prepared = self.reference.prepare(&coded.pcm, ScoreOptions::default());
        let scores = self.reference.score(&prepared.channels);
        let figure = |(metric, name): &(Metric, &str)| {
            let value = scores.get(metric)?;
            Some(((*name).to_owned(), format!("{value:.4}")))
        };
        let original = self.reference.pcm();
        Ok(Rung::Coded(Box::new(CodedRung {
            pcm: Pcm { sample_rate_hz: original.sample_rate_hz, channels: prepared.channels },
            kbps: coded.file_bytes as f64 * 8e-3 / original.seconds(),
            figures: FIGURES.iter().filter_map(figure).collect(),
        })))
    }
}
