//! The rate-distortion suite: clips x codecs x rates into a journal, several clips at a time.
//!
//! A clip is loaded once, its reference features are computed once, and every codec and point that the
//! journal does not have yet is run on it. Whatever fails becomes a row that says so.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use melisma_signal::Pcm;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::EvalError;
use crate::journal::{Journal, Row};
use crate::metrics::Metric;
use crate::metrics::study;
use crate::peers::external::ExternalCodec;
use crate::peers::{self, CodecUnderTest, Coded, MissingPeer, OperatingPoint, Source, Track};
use crate::perceptual::{self, PerceptualWorker};
use crate::reference::{Reference, ScoreOptions};
use crate::resample::{Resampler, mono};
use crate::wav;

/// What to run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct SuiteConfig {
    /// The setting.
    pub track: Track,
    /// Codecs by name.
    pub codecs: Vec<String>,
    /// Further codecs as `name[:rates]=encoder ;; decoder`.
    pub custom_codecs: Vec<String>,
    /// Nominal rates in kbit/s.
    pub rates_kbps: Vec<f64>,
    /// Metrics wanted that Python packages compute, out of [`perceptual::METRICS`].
    pub perceptual: Vec<Metric>,
    /// Python interpreter that has their packages.
    pub python: PathBuf,
    /// Clips worked on at a time.
    pub jobs: usize,
    /// How decoded versions are brought onto the reference.
    pub score: ScoreOptions,
    /// Marks Melisma's own results: another revision is measured anew.
    pub revision: Option<String>,
    /// Appended to the names of codecs as `name@tag`, to keep several versions side by side.
    pub tag: Option<String>,
    /// Try again what failed before.
    pub retry_failed: bool,
}

impl Default for SuiteConfig {
    fn default() -> Self {
        let names = ["melisma", "melisma:mse", "mp3", "opus", "vorbis", "aac", "flac", "downsample"];
        Self {
            track: Track::S44,
            codecs: names.map(str::to_string).to_vec(),
            custom_codecs: Vec::new(),
            rates_kbps: vec![6.0, 8.0, 12.0, 16.0, 24.0, 32.0, 48.0, 64.0, 96.0, 128.0],
            perceptual: Vec::new(),
            python: PathBuf::from("python3"),
            jobs: 1,
            score: ScoreOptions::default(),
            revision: None,
            tag: None,
            retry_failed: false,
        }
    }
}

/// Clips by name, loaded when their turn comes.
pub struct Clips<'a> {
    /// Names, unique.
    pub names: Vec<String>,
    /// Loads the clip of an index, or says in one line why not.
    pub load: &'a (dyn Fn(usize) -> Result<Pcm, String> + Sync),
}

/// What happens while the suite runs.
#[derive(Clone, Debug)]
pub enum Event {
    /// A peer is not there; the run goes on without it.
    Missing(MissingPeer),
    /// A perceptual metric is not there; its values will be null.
    NoPerceptual(String),
    /// So many measurements lie ahead, so many are in the journal already.
    Planned {
        /// To do.
        todo: usize,
        /// Done before.
        done: usize,
    },
    /// A measurement was made (or failed).
    Measured(Box<Row>),
}

/// A codec of this run and the name of its rows.
struct Entry {
    name: String,
    recipe: String,
    codec: Box<dyn CodecUnderTest>,
    points: Vec<OperatingPoint>,
}

/// A clip and what is still to be measured on it: (entry, point).
struct Task {
    clip: usize,
    points: Vec<(usize, usize)>,
}

struct Shared<'a> {
    config: &'a SuiteConfig,
    clips: &'a Clips<'a>,
    entries: &'a [Entry],
    tasks: &'a [Task],
    next: AtomicUsize,
    journal: Mutex<&'a mut Journal>,
    report: Mutex<&'a mut (dyn FnMut(Event) + Send)>,
    perceptual: &'a [Metric],
}

impl SuiteConfig {
    /// Runs whatever `journal` does not have yet.
    ///
    /// # Errors
    /// [`EvalError`] for an unknown codec, a malformed template or a disk that refuses; a codec that
    /// fails on a clip is a row, not an error.
    pub fn run(
        &self,
        clips: &Clips<'_>,
        journal: &mut Journal,
        report: &mut (dyn FnMut(Event) + Send),
    ) -> Result<(), EvalError> {
        let entries = self.entries(report)?;
        let perceptual = self.available_perceptual(report);
        let (tasks, done) = self.plan(clips, journal, &entries, &perceptual);
        report(Event::Planned { todo: tasks.iter().map(|t| t.points.len()).sum(), done });
        let shared = Shared {
            config: self,
            clips,
            entries: &entries,
            tasks: &tasks,
            next: AtomicUsize::new(0),
            journal: Mutex::new(journal),
            report: Mutex::new(report),
            perceptual: &perceptual,
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> =
                (0..self.jobs.clamp(1, tasks.len().max(1))).map(|_| scope.spawn(|| shared.work())).collect();
            workers.into_iter().try_for_each(|worker| match worker.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            })
        })
    }

    fn entries(&self, report: &mut dyn FnMut(Event)) -> Result<Vec<Entry>, EvalError> {
        let mut codecs: Vec<Box<dyn CodecUnderTest>> = Vec::new();
        for name in &self.codecs {
            match peers::by_name(name, self.track, self.revision.as_deref())? {
                Ok(codec) => codecs.push(codec),
                Err(missing) => report(Event::Missing(missing)),
            }
        }
        for text in &self.custom_codecs {
            codecs.push(Box::new(ExternalCodec::parse(text)?));
        }
        let entry = |codec: Box<dyn CodecUnderTest>| Entry {
            name: match &self.tag {
                Some(tag) => format!("{}@{tag}", codec.name()),
                None => codec.name().to_string(),
            },
            recipe: codec.recipe(),
            points: codec.points(&self.rates_kbps),
            codec,
        };
        Ok(codecs.into_iter().map(entry).collect())
    }

    fn available_perceptual(&self, report: &mut dyn FnMut(Event)) -> Vec<Metric> {
        let wanted: Vec<Metric> =
            self.perceptual.iter().copied().filter(|m| perceptual::METRICS.contains(m)).collect();
        if wanted.is_empty() {
            return wanted;
        }
        let available = match PerceptualWorker::start(&self.python, &wanted) {
            Ok(worker) => worker.metrics().to_vec(),
            Err(error) => {
                report(Event::NoPerceptual(error.to_string()));
                return Vec::new();
            }
        };
        for metric in wanted.iter().filter(|m| !available.contains(m)) {
            let python = self.python.display();
            report(Event::NoPerceptual(format!("{python} has no package for {}", metric.name())));
        }
        available
    }

    fn plan(
        &self,
        clips: &Clips<'_>,
        journal: &Journal,
        entries: &[Entry],
        perceptual: &[Metric],
    ) -> (Vec<Task>, usize) {
        let mut done = 0;
        let mut tasks = Vec::new();
        for (clip, name) in clips.names.iter().enumerate() {
            let mut points = Vec::new();
            for (e, entry) in entries.iter().enumerate() {
                for (p, point) in entry.points.iter().enumerate() {
                    let key =
                        (self.track.name().into(), name.clone(), entry.name.clone(), point.label.clone());
                    let known = journal.rows().get(&key).is_some_and(|row| {
                        let complete = match &row.error {
                            Some(_) => !self.retry_failed,
                            None => perceptual.iter().all(|&m| row.metric(m).is_some()),
                        };
                        row.recipe == entry.recipe && complete
                    });
                    if known {
                        done += 1;
                    } else {
                        points.push((e, p));
                    }
                }
            }
            if !points.is_empty() {
                tasks.push(Task { clip, points });
            }
        }
        (tasks, done)
    }
}

impl Shared<'_> {
    fn work(&self) -> Result<(), EvalError> {
        let mut worker = match self.perceptual {
            [] => None,
            wanted => Some(PerceptualWorker::start(&self.config.python, wanted)?),
        };
        while let Some(task) = self.tasks.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            self.clip(task, &mut worker)?;
        }
        Ok(())
    }

    fn clip(&self, task: &Task, worker: &mut Option<PerceptualWorker>) -> Result<(), EvalError> {
        let loaded = (self.clips.load)(task.clip).and_then(|pcm| self.source(pcm));
        let pcm = match loaded {
            Ok(pcm) => pcm,
            Err(what) => {
                for &at in &task.points {
                    self.finish(Row { error: Some(format!("clip: {what}")), ..self.row(task, at) })?;
                }
                return Ok(());
            }
        };
        let scratch = tempfile::tempdir().map_err(EvalError::io(std::env::temp_dir()))?;
        let wav_path = scratch.path().join("source.wav");
        wav::write_16_bits(&wav_path, &pcm)?;
        let hash = clip_hash(&pcm);
        let to_perceptual = Resampler::new(pcm.sample_rate_hz, perceptual::RATE_HZ);
        let resampled =
            |channels: &[Vec<f32>]| channels.iter().map(|c| to_perceptual.process(c)).collect::<Vec<_>>();
        if let Some(worker) = worker {
            worker.set_reference(&resampled(&pcm.channels))?;
        }
        let reference = Reference::new(pcm);
        for &at in &task.points {
            let run_directory = scratch.path().join("run");
            std::fs::create_dir(&run_directory).map_err(EvalError::io(&run_directory))?;
            let source = Source { pcm: reference.pcm(), wav: &wav_path, scratch: &run_directory };
            let entry = &self.entries[at.0];
            let coded = entry.codec.run(source, &entry.points[at.1]).and_then(|c| checked(c, &reference));
            std::fs::remove_dir_all(&run_directory).map_err(EvalError::io(&run_directory))?;
            let mut row = self.row(task, at);
            row.clip_hash.clone_from(&hash);
            row.seconds = reference.pcm().seconds();
            match coded {
                Err(what) => row.error = Some(what),
                Ok(coded) => {
                    let channels = describe(&mut row, &coded, &reference, self.config.score);
                    if let Some(worker) = worker {
                        let scores = worker.score(&resampled(&channels))?;
                        row.metrics.extend(scores.into_iter().map(|(m, v)| (m, finite(v))));
                    }
                    for &metric in &self.config.perceptual {
                        row.metrics.entry(metric).or_insert(None);
                    }
                }
            }
            self.finish(row)?;
        }
        Ok(())
    }

    /// The clip as every codec gets it.
    fn source(&self, pcm: Pcm) -> Result<Pcm, String> {
        if pcm.is_empty() || pcm.sample_rate_hz == 0 {
            return Err("no samples".to_string());
        }
        if pcm.channels.iter().any(|c| c.len() != pcm.samples()) {
            return Err("channels differ in length".to_string());
        }
        let pcm = match self.config.track {
            Track::S44 => pcm,
            Track::Study => {
                let resampler = Resampler::new(pcm.sample_rate_hz, study::RATE_HZ);
                let channels = vec![resampler.process(&mono(&pcm.channels))];
                Pcm { sample_rate_hz: study::RATE_HZ, channels }
            }
        };
        Ok(wav::rounded_to_16_bits(&pcm))
    }

    fn row(&self, task: &Task, (entry, point): (usize, usize)) -> Row {
        let entry = &self.entries[entry];
        let (clip, label) = (&self.clips.names[task.clip], &entry.points[point].label);
        let row = Row::empty(self.config.track.name(), clip, &entry.name, label);
        Row { recipe: entry.recipe.clone(), ..row }
    }

    fn finish(&self, row: Row) -> Result<(), EvalError> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner).append(row.clone())?;
        let mut report = self.report.lock().unwrap_or_else(PoisonError::into_inner);
        (*report)(Event::Measured(Box::new(row)));
        Ok(())
    }
}

/// A decoded version may be shorter than the clip by this much (a codec that drops its tail) ...
const MAX_SHORTER_S: f64 = 0.5;
/// ... or longer (delay and padding).
const MAX_LONGER_S: f64 = 1.0;

/// Refuses output that cannot be the clip: empty, of another length, with a wrong rate, not numbers.
fn checked(coded: Coded, reference: &Reference) -> Result<Coded, String> {
    let (pcm, clip_s) = (&coded.pcm, reference.pcm().seconds());
    if pcm.is_empty() {
        return Err("decoder: no samples".to_string());
    }
    let longer_s = pcm.seconds() - clip_s;
    if !(-MAX_SHORTER_S..=MAX_LONGER_S).contains(&longer_s) {
        let (s, rate) = (pcm.seconds(), pcm.sample_rate_hz);
        return Err(format!("decoder: {s:.2} s at {rate} Hz instead of {clip_s:.2} s: wrong length or rate"));
    }
    if pcm.channels.iter().flatten().any(|x| !x.is_finite()) {
        return Err("decoder: samples that are not numbers".to_string());
    }
    Ok(coded)
}

/// Fills in everything but the perceptual metrics; returns the prepared channels.
fn describe(row: &mut Row, coded: &Coded, reference: &Reference, options: ScoreOptions) -> Vec<Vec<f32>> {
    row.bytes_file = coded.file_bytes;
    row.bytes_payload = coded.payload_bytes;
    row.kbps = coded.file_bytes as f64 * 8e-3 / row.seconds;
    row.kbps_payload = coded.payload_bytes as f64 * 8e-3 / row.seconds;
    (row.encode, row.decode) = (coded.encode, coded.decode);
    (row.decoded_rate_hz, row.decoded_channels) = (coded.pcm.sample_rate_hz, coded.pcm.channel_count());
    let prepared = reference.prepare(&coded.pcm, options);
    row.lag_samples = prepared.delay.lag_samples as i64;
    row.fraction_samples = prepared.delay.fraction_samples;
    row.gain_fix_db = prepared.gain_fix_db;
    row.metrics = reference.score(&prepared.channels).into_iter().map(|(m, v)| (m, finite(v))).collect();
    prepared.channels
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// SHA-256 over rate, channel count and 16-bit samples, first 16 hexadecimal digits.
fn clip_hash(pcm: &Pcm) -> String {
    let mut hash = Sha256::new();
    hash.update(pcm.sample_rate_hz.to_le_bytes());
    hash.update((pcm.channel_count() as u32).to_le_bytes());
    for channel in &pcm.channels {
        let bytes: Vec<u8> = channel.iter().flat_map(|&x| ((x * 32_768.0) as i32).to_le_bytes()).collect();
        hash.update(&bytes);
    }
    hash.finalize().iter().take(8).map(|b| format!("{b:02x}")).collect()
}

/// Names of clips from their paths: the shortest tails that tell them apart, without extension.
#[must_use]
pub fn clip_names(paths: &[PathBuf]) -> Vec<String> {
    let tail = |path: &Path, parts: usize| {
        let without = path.with_extension("");
        let all: Vec<_> =
            without.components().map(|c| c.as_os_str().to_string_lossy().into_owned()).collect();
        all[all.len().saturating_sub(parts)..].join("/")
    };
    // Two parts always, so that a name does not depend on which other clips are in the list.
    for parts in 2..12 {
        let names: Vec<String> = paths.iter().map(|p| tail(p, parts)).collect();
        if names.iter().collect::<BTreeSet<_>>().len() == names.len() {
            return names;
        }
    }
    paths.iter().map(|p| p.to_string_lossy().into_owned()).collect()
}
