//! Every system as a codec, beside codecs that exist: clips x systems x steps into a journal.
//!
//! Three suites share it: systems at 8 kHz mono, as the study had it; systems of samples at 44.1 kHz mono; and the
//! families, whose phases are made up at some cost, on a few of the clips.

use crate::{
    Error, Event, Result,
    clips::TestClips,
    codecs::{LearnedPeer, Points},
    plan::Group,
    trainings::{Failure, Trained},
};
use melisma_eval::clips::ListenConfig;
use melisma_eval::journal::{Journal, Row};
use melisma_eval::peers::CodecUnderTest;
use melisma_eval::results::Results;
use melisma_eval::study_table;
use melisma_eval::suite::{self, SuiteConfig, Workplace};
use melisma_eval::{EvalError, Setting};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// Measures systems beside other codecs; these are the clips, folders and programs that it has.
pub struct Bench<'a> {
    /// The clips to measure on.
    pub clips: &'a TestClips,
    /// The folder of the journal and the excerpts.
    pub folder: &'a Path,
    /// The program `melisma`, to measure the codec itself beside its students.
    pub melisma: Option<PathBuf>,
    /// Version of the program, for results that will be compared with others.
    pub revision: Option<String>,
    /// Clips worked on at a time.
    pub jobs: usize,
    /// Clips of which excerpts are kept to listen to.
    pub listen: usize,
    /// Most clips for the families.
    pub family_clips: usize,
    /// Once true, nothing more is begun.
    pub stop: &'a AtomicBool,
    /// Is called with everything that happens, from any thread.
    pub tell: &'a (dyn Fn(Event) + Sync),
}

/// Nominal rates of the peers at 44.1 kHz mono, kbit/s.
const FULL_RATES_KBPS: [f64; 5] = [16.0, 32.0, 64.0, 96.0, 128.0];
/// Length of an excerpt to listen to.
const LISTEN_S: f64 = 8.0;

/// Multipliers of a model's own steps that a group is measured at; together they are its curve. The finest hardly adds to
/// the error of the network itself.
#[must_use]
pub fn multipliers(group: Group) -> &'static [f64] {
    match group {
        Group::FreqAe | Group::TimeAe => &[0.5, 1.0, 2.0, 4.0, 8.0],
        Group::FreqAePlus => &[0.5, 1.0, 2.0, 4.0],
        // Down to the rates of the study's network.
        Group::TimeAePlus => &[0.5, 1.0, 2.0, 4.0, 8.0, 16.0],
        Group::TimeAeLosses => &[1.0],
        Group::Families => &[1.0, 4.0],
    }
}

/// Systems that are measured alike, and what stands beside them.
struct Suite {
    belongs: fn(Group) -> bool,
    setting: Setting,
    peers: &'static [&'static str],
    rates_kbps: Vec<f64>,
    clips: usize,
}

impl Bench<'_> {
    /// Measures whatever the journal does not have; answers the results, with models that could not be opened.
    ///
    /// # Errors
    /// [`Error::Interrupted`], [`Error::Eval`], [`Error::File`].
    pub fn measure(&self, trained: &[Trained]) -> Result<(Results, Vec<Failure>)> {
        std::fs::create_dir_all(self.folder).map_err(Error::file("cannot make the folder", self.folder))?;
        let mut journal = Journal::open(&self.folder.join("journal.jsonl"))?;
        let mut failures = Vec::new();
        let mut wanted = BTreeSet::new();
        let mut settings = SuiteConfig::default();
        let all = self.clips.names.len();
        let suites = [
            Suite {
                belongs: |group| !group.is_full_rate() && group != Group::Families,
                setting: Setting::Study,
                peers: &study_table::CODECS,
                rates_kbps: study_table::rates_kbps(),
                clips: all,
            },
            Suite {
                belongs: Group::is_full_rate,
                setting: Setting::S44,
                peers: &study_table::CODECS,
                rates_kbps: FULL_RATES_KBPS.to_vec(),
                clips: all,
            },
            Suite {
                belongs: |group| group == Group::Families,
                setting: Setting::Study,
                peers: &[],
                rates_kbps: Vec::new(),
                clips: self.family_clips,
            },
        ];
        for Suite { belongs, setting, peers, rates_kbps, clips } in suites {
            let mut codecs: Vec<Box<dyn CodecUnderTest>> = Vec::new();
            for one in trained.iter().filter(|one| belongs(one.planned.group)) {
                match LearnedPeer::open(&one.model, Points::Steps(multipliers(one.planned.group))) {
                    Ok(peer) => codecs.push(Box::new(peer)),
                    Err(error) => failures.push((one.planned.config.name.clone(), error.to_string())),
                }
            }
            if codecs.is_empty() {
                continue;
            }
            let config = SuiteConfig {
                setting,
                codecs: peers.iter().map(|&name| name.to_owned()).collect(),
                rates_kbps,
                melisma: self.melisma.clone(),
                jobs: self.jobs,
                revision: self.revision.clone(),
                ..SuiteConfig::default()
            };
            wanted.extend(self.suite(&config, clips, codecs, &mut journal)?);
            settings = config;
        }
        let mut results = Results::of(&journal, settings);
        // A journal may know more than this run asked for: other systems, other clips.
        results.rows.retain(|row| wanted.contains(&row.key()));
        let is_wanted = |row: &Row| row.error.is_none();
        let kept: BTreeSet<String> =
            results.rows.iter().filter(|row| is_wanted(row)).map(|row| row.codec.clone()).collect();
        results.listening.retain(|one| one.codec.as_ref().is_none_or(|codec| kept.contains(codec)));
        Ok((results, failures))
    }

    fn suite(
        &self,
        config: &SuiteConfig,
        most: usize,
        codecs: Vec<Box<dyn CodecUnderTest>>,
        journal: &mut Journal,
    ) -> Result<Vec<melisma_eval::journal::Key>> {
        let chosen = self.clips.spread(most);
        let load = |index: usize| self.clips.load(chosen[index]).map_err(EvalError::clip);
        let clips = self.clips.clips(&chosen, &load);
        let config = SuiteConfig {
            listen: ListenConfig {
                clips: clips.names.iter().take(self.listen).cloned().collect(),
                seconds: LISTEN_S,
            },
            ..config.clone()
        };
        let scratch =
            tempfile::tempdir_in(self.folder).map_err(Error::file("cannot make a folder in", self.folder))?;
        let workplace =
            Workplace { clips: &clips, folder: self.folder, scratch: scratch.path(), stop: self.stop };
        let told = Mutex::new(BTreeSet::new());
        let keys = config.run_with(codecs, &workplace, journal, &mut |event| self.hear(event, &told))?;
        if self.stop.load(Ordering::SeqCst) { Err(Error::Interrupted) } else { Ok(keys) }
    }

    fn hear(&self, event: suite::Event, told: &Mutex<BTreeSet<String>>) {
        match event {
            suite::Event::Missing(missing) => {
                let what = format!("{} ({})", missing.codec, missing.package);
                if told.lock().is_ok_and(|mut told| told.insert(what.clone())) {
                    (self.tell)(Event::Missing { what });
                }
            }
            suite::Event::NoPerceptual(_) => {}
            suite::Event::Planned { todo, done } => (self.tell)(Event::Measuring { todo, done }),
            suite::Event::Measured(row) => {
                let what = format!("{} {} {}", row.codec, row.label, row.clip);
                (self.tell)(Event::Measured { what, failed: row.error });
            }
        }
    }
}
