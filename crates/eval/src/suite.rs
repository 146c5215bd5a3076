//! The rate-distortion suite: clips x codecs x rates into a journal, several clips at a time.
//!
//! A clip is loaded once, its reference features are computed once, and every codec and point that the
//! journal does not have yet is run on it. Whatever fails becomes a row that says so.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use melisma_media::Encoding;
use melisma_signal::Pcm;
use serde::{Deserialize, Serialize};

use crate::class::Class;
use crate::clips::{Clips, ListenConfig, clip_hash};
use crate::error::EvalError;
use crate::journal::{Journal, Key, Row};
use crate::measurement::{checked, describe, finite};
use crate::metrics::Metric;
use crate::metrics::study;
use crate::peers::external::ExternalCodec;
use crate::peers::melisma;
use crate::peers::{self, CodecUnderTest, MissingPeer, OperatingPoint, Source};
use crate::perceptual::{self, PerceptualWorker};
use crate::reference::{Reference, ScoreOptions};
use crate::resample::{Resampler, mono};
use crate::setting::Setting;
use crate::sound_file;

/// Which codecs are measured at which rates, and how.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct SuiteConfig {
    /// What becomes of a clip before any codec gets it.
    #[serde(rename = "track")]
    pub setting: Setting,
    /// Names of codecs that [`peers::by_name`] knows.
    pub codecs: Vec<String>,
    /// Further codecs as `name[:rates]=encoder ;; decoder`.
    pub custom_codecs: Vec<String>,
    /// Nominal rates in kbit/s.
    pub rates_kbps: Vec<f64>,
    /// Metrics wanted that Python packages compute, out of [`perceptual::METRICS`].
    pub perceptual: Vec<Metric>,
    /// Python interpreter that has their packages.
    #[serde(skip)]
    pub python: PathBuf,
    /// The program `melisma`; without it, its codecs are missing.
    #[serde(skip)]
    pub melisma: Option<PathBuf>,
    /// Clips worked on at a time, each on a thread.
    pub jobs: usize,
    /// How decoded versions are brought onto the reference.
    pub score: ScoreOptions,
    /// Marks Melisma's own results: another revision is measured anew.
    pub revision: Option<String>,
    /// Appended to the names of codecs as `name@tag`, to keep several versions side by side.
    pub tag: Option<String>,
    /// Whether measurements that failed before are tried again.
    pub retry_failed: bool,
    /// Which excerpts are kept to listen to.
    pub listen: ListenConfig,
}

/// Raised whenever a metric changes its values or another joins: rows scored before are measured anew.
const SCORING: u32 = 3;

impl Default for SuiteConfig {
    fn default() -> Self {
        Self::usual(Setting::default())
    }
}

impl SuiteConfig {
    /// The usual codecs at the usual rates of a setting.
    #[must_use]
    pub fn usual(setting: Setting) -> Self {
        Self {
            setting,
            codecs: setting.usual_codecs().iter().map(|&name| name.to_owned()).collect(),
            custom_codecs: Vec::new(),
            rates_kbps: setting.usual_rates_kbps(),
            perceptual: Vec::new(),
            python: PathBuf::from("python3"),
            melisma: None,
            jobs: 1,
            score: ScoreOptions::default(),
            revision: None,
            tag: None,
            retry_failed: false,
            listen: ListenConfig::default(),
        }
    }
}

/// The clips and folders of a run.
pub struct Workplace<'a> {
    /// The clips to measure on.
    pub clips: &'a Clips<'a>,
    /// Folder of the results: excerpts go below it.
    pub folder: &'a Path,
    /// Folder for files that nobody keeps.
    pub scratch: &'a Path,
    /// Once true, nothing more is begun or written down: what fails from then on fails because the run ends.
    pub stop: &'a AtomicBool,
}

/// What happens while the suite runs.
#[derive(Clone, Debug)]
pub enum Event {
    /// A peer is not installed; the run goes on without it.
    Missing(MissingPeer),
    /// A perceptual metric cannot be had, and why; its values will be null.
    NoPerceptual(String),
    /// It is known how much there is to measure.
    Planned {
        /// Measurements to make.
        todo: usize,
        /// Measurements that the journal has already.
        done: usize,
    },
    /// A measurement was made, or failed.
    Measured(Box<Row>),
}

/// A codec of this run, and the name that its rows have.
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
    workplace: &'a Workplace<'a>,
    entries: &'a [Entry],
    tasks: &'a [Task],
    next: AtomicUsize,
    journal: Mutex<&'a mut Journal>,
    report: Mutex<&'a mut (dyn FnMut(Event) + Send)>,
    perceptual: &'a [Metric],
}

impl SuiteConfig {
    /// Runs whatever `journal` does not have yet; returns the keys of everything that was asked for.
    ///
    /// # Errors
    /// [`EvalError`] for an unknown codec, two of one name, a malformed template or a disk that refuses; a codec that
    /// fails on a clip is a row, not an error.
    pub fn run(
        &self,
        workplace: &Workplace<'_>,
        journal: &mut Journal,
        report: &mut (dyn FnMut(Event) + Send),
    ) -> Result<Vec<Key>, EvalError> {
        self.run_with(Vec::new(), workplace, journal, report)
    }

    /// As [`Self::run`], with codecs that only the caller knows beside those that are named.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn run_with(
        &self,
        further: Vec<Box<dyn CodecUnderTest>>,
        workplace: &Workplace<'_>,
        journal: &mut Journal,
        report: &mut (dyn FnMut(Event) + Send),
    ) -> Result<Vec<Key>, EvalError> {
        let entries = self.entries(further, report)?;
        let perceptual = self.available_perceptual(report);
        let (tasks, keys) = self.plan(workplace, journal, &entries, &perceptual);
        let todo = tasks.iter().map(|t| t.points.len()).sum();
        report(Event::Planned { todo, done: keys.len() - todo });
        let shared = Shared {
            config: self,
            workplace,
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
        })?;
        Ok(keys)
    }

    /// How rows of this run are scored, in words.
    fn scoring(&self) -> String {
        let off = |on: bool, what| if on { "" } else { what };
        format!(
            "{SCORING}{}{}",
            off(self.score.fractional_alignment, ", whole-sample alignment"),
            off(self.score.gain_matching, ", no gain matching")
        )
    }

    fn entries(
        &self,
        further: Vec<Box<dyn CodecUnderTest>>,
        report: &mut dyn FnMut(Event),
    ) -> Result<Vec<Entry>, EvalError> {
        let revision = self.revision.as_deref();
        let program = self.melisma.as_deref().map(|path| melisma::Program { path, revision });
        let mut codecs: Vec<Box<dyn CodecUnderTest>> = Vec::new();
        for name in &self.codecs {
            match peers::by_name(name, self.setting, program)? {
                Ok(codec) => codecs.push(codec),
                Err(missing) => report(Event::Missing(missing)),
            }
        }
        for text in &self.custom_codecs {
            codecs.push(Box::new(ExternalCodec::parse(text)?));
        }
        codecs.extend(further);
        let entry = |codec: Box<dyn CodecUnderTest>| Entry {
            name: match &self.tag {
                Some(tag) => format!("{}@{tag}", codec.name()),
                None => codec.name().to_string(),
            },
            recipe: codec.recipe(),
            points: codec.points(&self.rates_kbps),
            codec,
        };
        let entries: Vec<Entry> = codecs.into_iter().map(entry).collect();
        let mut names = BTreeSet::new();
        match entries.iter().find(|entry| !names.insert(&entry.name)) {
            Some(twice) => Err(EvalError::SameName(twice.name.clone())),
            None => Ok(entries),
        }
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

    /// What is left to measure, and the keys of everything that was asked for.
    fn plan(
        &self,
        workplace: &Workplace<'_>,
        journal: &Journal,
        entries: &[Entry],
        perceptual: &[Metric],
    ) -> (Vec<Task>, Vec<Key>) {
        let scoring = self.scoring();
        let (mut tasks, mut keys) = (Vec::new(), Vec::new());
        for (clip, (name, source)) in
            workplace.clips.names.iter().zip(&workplace.clips.fingerprints).enumerate()
        {
            let kept = self.listen.clips.contains(name);
            let mut points = Vec::new();
            for (e, entry) in entries.iter().enumerate() {
                for (p, point) in entry.points.iter().enumerate() {
                    let key: Key =
                        (self.setting.name().into(), name.clone(), entry.name.clone(), point.label.clone());
                    let known = journal.rows().get(&key).is_some_and(|row| {
                        let complete = match &row.error {
                            Some(_) => !self.retry_failed,
                            None => {
                                perceptual.iter().all(|&m| row.metric(m).is_some())
                                    && (!kept || self.has_excerpt(row, workplace.folder))
                            }
                        };
                        row.recipe == entry.recipe
                            && row.source == *source
                            && row.scoring == scoring
                            && complete
                    });
                    if !known {
                        points.push((e, p));
                    }
                    keys.push(key);
                }
            }
            if !points.is_empty() {
                tasks.push(Task { clip, points });
            }
        }
        (tasks, keys)
    }

    fn has_excerpt(&self, row: &Row, folder: &Path) -> bool {
        row.excerpt.as_ref().is_some_and(|excerpt| {
            let there = |file: &str| folder.join(file).is_file();
            excerpt.asked_s == self.listen.seconds && there(&excerpt.file) && there(&excerpt.original)
        })
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
        let loaded = (self.workplace.clips.load)(task.clip).and_then(|pcm| self.source(pcm));
        let pcm = match loaded {
            Ok(pcm) => pcm,
            Err(error) => {
                for &at in &task.points {
                    self.finish(Row { error: Some(error.to_string()), ..self.row(task, at) })?;
                }
                return Ok(());
            }
        };
        let scratch =
            tempfile::tempdir_in(self.workplace.scratch).map_err(EvalError::io(self.workplace.scratch))?;
        let wav_path = scratch.path().join("source.wav");
        sound_file::write(&wav_path, &pcm, Encoding::WavInt16)?;
        let hash = clip_hash(&pcm);
        let class = Class::of(&self.workplace.clips.names[task.clip], &pcm);
        let to_perceptual = Resampler::new(pcm.sample_rate_hz, perceptual::RATE_HZ);
        let resampled =
            |channels: &[Vec<f32>]| channels.iter().map(|c| to_perceptual.process(c)).collect::<Vec<_>>();
        if let Some(worker) = worker {
            worker.set_reference(&resampled(&pcm.channels))?;
        }
        let reference = Reference::new(pcm);
        let mut original_kept = false;
        for &at in task.points.iter().take_while(|_| !self.stopped()) {
            let run_directory = scratch.path().join("run");
            std::fs::create_dir(&run_directory).map_err(EvalError::io(&run_directory))?;
            let source = Source { pcm: reference.pcm(), wav: &wav_path, scratch: &run_directory };
            let entry = &self.entries[at.0];
            let coded = entry.codec.run(source, &entry.points[at.1]).and_then(|c| checked(c, &reference));
            std::fs::remove_dir_all(&run_directory).map_err(EvalError::io(&run_directory))?;
            let mut row = self.row(task, at);
            row.clip_hash.clone_from(&hash);
            row.class = Some(class);
            row.seconds = reference.pcm().seconds();
            match coded {
                Err(error) => row.error = Some(error.to_string()),
                Ok(coded) => {
                    let channels = describe(&mut row, &coded, &reference, self.config.score);
                    if let Some(worker) = worker {
                        let scores = worker.score(&resampled(&channels))?;
                        row.metrics.extend(scores.into_iter().map(|(m, v)| (m, finite(v))));
                    }
                    for &metric in &self.config.perceptual {
                        row.metrics.entry(metric).or_insert(None);
                    }
                    if self.config.listen.clips.contains(&row.clip) {
                        self.keep(&mut row, &channels, reference.pcm(), !original_kept)?;
                        original_kept = true;
                    }
                }
            }
            self.finish(row)?;
        }
        Ok(())
    }

    /// Writes the excerpt of a decoded version and, if it is the `first`, of its clip.
    fn keep(&self, row: &mut Row, decoded: &[Vec<f32>], clip: &Pcm, first: bool) -> Result<(), EvalError> {
        let listen = &self.config.listen;
        let part = listen.part(clip);
        let mut excerpt = listen.excerpt(&row.setting, &row.clip, &row.codec, &row.label);
        excerpt.start_s = part.start as f64 / f64::from(clip.sample_rate_hz);
        let write = |file: &str, channels: &[Vec<f32>]| {
            let channels = channels.iter().map(|c| c[part.clone()].to_vec()).collect();
            let path = self.workplace.folder.join(file);
            let part = Pcm { sample_rate_hz: clip.sample_rate_hz, channels };
            sound_file::write(&path, &part, Encoding::FlacInt16)
        };
        if first {
            write(&excerpt.original, &clip.channels)?;
        }
        write(&excerpt.file, decoded)?;
        row.excerpt = Some(excerpt);
        Ok(())
    }

    /// The clip as every codec gets it: in the setting's form, rounded to 16 bits.
    fn source(&self, pcm: Pcm) -> Result<Pcm, EvalError> {
        if pcm.is_empty() || pcm.sample_rate_hz == 0 {
            return Err(EvalError::clip("no samples"));
        }
        if pcm.channels.iter().any(|c| c.len() != pcm.samples()) {
            return Err(EvalError::clip("channels differ in length"));
        }
        let pcm = match self.config.setting {
            Setting::S44 => pcm,
            Setting::Study => {
                let resampler = Resampler::new(pcm.sample_rate_hz, study::RATE_HZ);
                let channels = vec![resampler.process(&mono(&pcm.channels))];
                Pcm { sample_rate_hz: study::RATE_HZ, channels }
            }
        };
        Ok(sound_file::rounded_to_16_bits(&pcm))
    }

    fn row(&self, task: &Task, (entry, point): (usize, usize)) -> Row {
        let entry = &self.entries[entry];
        let clips = self.workplace.clips;
        let row = Row::empty(
            self.config.setting.name(),
            &clips.names[task.clip],
            &entry.name,
            &entry.points[point].label,
        );
        let source = clips.fingerprints[task.clip].clone();
        Row { recipe: entry.recipe.clone(), source, scoring: self.config.scoring(), ..row }
    }

    fn stopped(&self) -> bool {
        self.workplace.stop.load(Ordering::SeqCst)
    }

    fn finish(&self, row: Row) -> Result<(), EvalError> {
        if self.stopped() {
            return Ok(());
        }
        self.journal.lock().unwrap_or_else(PoisonError::into_inner).append(row.clone())?;
        let mut report = self.report.lock().unwrap_or_else(PoisonError::into_inner);
        (*report)(Event::Measured(Box::new(row)));
        Ok(())
    }
}
