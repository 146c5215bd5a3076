//! `melisma analyse`: tempo, key and loudness of music, shown and, if wished, written into the tags of `.mlsm` files.
//!
//! | question | file |
//! |---|---|
//! | which files, how many at a time, and what becomes of tags? | here |
//! | how does a file become numbers? | `measure` |
//! | how are they shown? | `lines` |

mod lines;
mod measure;

use crate::exit::Outcome;
use crate::message::{self, hinted, misused};
use crate::output::DataOut;
use crate::progress::Counter;
use crate::retag_file::{Change, apply, changes};
use crate::{examples, failure, text, threads};
use measure::Measured;
use melisma_library::listen::is_melisma_file;
use melisma_library::listing;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Flags of `analyse`.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::ANALYSE)]
pub struct AnalyseArguments {
    /// Music files and folders of them: .mlsm, and what `melisma encode` reads
    #[arg(value_name = "MUSIC", required = true)]
    music: Vec<PathBuf>,
    /// One JSON object a line; null where there is nothing to tell
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// A table with commas
    #[arg(long)]
    csv: bool,
    /// Leave out the key
    #[arg(long)]
    no_key: bool,
    /// Write BPM and INITIALKEY into .mlsm files that lack them, where they are more than a guess
    #[arg(long)]
    write_tags: bool,
    /// With --write-tags: say what would be written, and write nothing
    #[arg(long, requires = "write_tags")]
    dry_run: bool,
    /// With --write-tags: replace BPM and INITIALKEY that are there
    #[arg(short, long, requires = "write_tags")]
    force: bool,
    /// How many files to read at a time [default: one per core]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
}

/// A beat that repeats less is not written down: see [`melisma_understanding::Tempo::strength`].
const LEAST_STRENGTH: f32 = 0.1;
/// A key that lies less before the next one is not written down: see [`melisma_understanding::HeardKey::margin`].
const LEAST_MARGIN: f32 = 0.02;

/// A file that was looked at: what was measured, and which tags were written or would be.
type Looked = anyhow::Result<(Measured, Vec<Change>)>;

/// Files in order, and how looking for them went.
struct Files {
    paths: Vec<PathBuf>,
    outcome: Outcome,
}

impl AnalyseArguments {
    /// Measures each file; one that fails does not stop the others.
    pub fn run(self, quiet: bool) -> anyhow::Result<Outcome> {
        let Files { paths, outcome } = self.files(quiet)?;
        if self.csv {
            DataOut.write_all(lines::CSV_HEAD.as_bytes())?;
        }
        let counter = Mutex::new(Counter::new(paths.len(), "files", quiet));
        let next = AtomicUsize::new(0);
        let queue = Mutex::new(Queue { waiting: BTreeMap::new(), told: 0, outcome, gone: None });
        let wanted = threads::wanted(self.jobs.map(usize::from));
        let workers = wanted.min(paths.len()).max(1);
        let pools: Vec<_> =
            (0..workers).map(|_| threads::pool((wanted / workers).max(1))).collect::<Result<_, _>>()?;
        std::thread::scope(|scope| {
            for pool in &pools {
                scope.spawn(|| {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        let Some(path) = paths.get(number) else { break };
                        let name = path.display().to_string();
                        let looked = pool.install(|| self.look_at(path));
                        let mut queue = lock(&queue);
                        if queue.gone.is_some() {
                            break;
                        }
                        queue.waiting.insert(number, looked);
                        let mut counter = lock(&counter);
                        counter.one_more(&name);
                        counter.suspend(|| queue.tell(&paths, &self, quiet));
                    }
                });
            }
        });
        lock(&counter).clear();
        let queue = queue.into_inner().unwrap_or_else(PoisonError::into_inner);
        match queue.gone {
            Some(error) => Err(error.into()),
            None => Ok(queue.outcome),
        }
    }

    /// Files that are named, and those in folders that are called like music; for tags, `.mlsm` files alone.
    fn files(&self, quiet: bool) -> anyhow::Result<Files> {
        let (mut paths, mut outcome, mut left_alone) = (Vec::new(), Outcome::Success, 0);
        for named in &self.music {
            if named.as_os_str() == "-" {
                return Err(misused("standard input cannot be analysed", "name files or folders"));
            }
            if !named.is_dir() {
                if self.write_tags && named.exists() && !is_melisma_file(named) {
                    return Err(misused(
                        format!("{}: --write-tags changes .mlsm files only", named.display()),
                        "leave out --write-tags to see tempo and key, or make a .mlsm file with `melisma encode`",
                    ));
                }
                paths.push(named.clone());
                continue;
            }
            let listing = listing::list(named)?;
            for (path, why) in &listing.troubles {
                failure::tell("file", &named.join(path).display().to_string(), anyhow::anyhow!(why.clone()));
                outcome = Outcome::Failure;
            }
            for found in listing.files {
                if self.write_tags && !is_melisma_file(&found.on_disk) {
                    left_alone += 1;
                } else {
                    paths.push(found.on_disk);
                }
            }
        }
        if left_alone > 0 && !quiet {
            let files = text::count(left_alone, "file");
            message::say(&format!(
                "{files} of other formats left alone: --write-tags changes .mlsm files only"
            ));
        }
        if paths.is_empty() && outcome == Outcome::Success {
            let what = if self.write_tags { "no .mlsm files here" } else { "no music here" };
            return Err(hinted(what, "a file named on the command line is taken whatever its name"));
        }
        Ok(Files { paths, outcome })
    }

    /// Measures a file, and writes its tags if that is wished.
    fn look_at(&self, path: &std::path::Path) -> Looked {
        let measured = measure::measure(path, !self.no_key)?;
        let due = if self.write_tags { self.due(&measured) } else { Vec::new() };
        // What was heard of half a track is not written into it.
        if measured.is_damaged || due.is_empty() {
            return Ok((measured, Vec::new()));
        }
        if !self.dry_run {
            apply(path, &measured.metadata, &due)?;
        }
        Ok((measured, due))
    }

    /// Tags that a file is to be given.
    fn due(&self, measured: &Measured) -> Vec<Change> {
        let tempo = measured.tempo.filter(|tempo| tempo.strength >= LEAST_STRENGTH);
        let key = measured.key.filter(|heard| heard.margin >= LEAST_MARGIN);
        let mut wanted = Vec::new();
        wanted.extend(tempo.map(|tempo| ("BPM", format!("{:.1}", tempo.beats_per_minute))));
        wanted.extend(key.map(|heard| ("INITIALKEY", heard.key.to_string())));
        changes(&measured.metadata, &wanted, self.force)
    }
}

/// Results that wait for those before them: files are told of in their order, as soon as that can be.
struct Queue {
    waiting: BTreeMap<usize, Looked>,
    told: usize,
    outcome: Outcome,
    /// Why nothing more can be said.
    gone: Option<std::io::Error>,
}

impl Queue {
    fn tell(&mut self, paths: &[PathBuf], arguments: &AnalyseArguments, quiet: bool) {
        while let Some(looked) = self.waiting.remove(&self.told) {
            let file = paths[self.told].display().to_string();
            self.told += 1;
            let (measured, changes) = match looked {
                Ok(looked) => looked,
                Err(error) => {
                    failure::tell("file", &file, error);
                    self.outcome = self.outcome.worse(Outcome::Failure);
                    continue;
                }
            };
            for warning in &measured.warnings {
                message::warn(&format!("{file}: {warning}"));
            }
            if measured.is_damaged {
                self.outcome = self.outcome.worse(Outcome::Damaged);
            }
            let line = match (arguments.json, arguments.csv) {
                (true, _) => lines::as_json(&file, &measured, &changes),
                (_, true) => lines::as_csv(&file, &measured),
                _ => lines::as_text(&file, &measured),
            };
            if let Err(error) = DataOut.write_all(line.as_bytes()).and_then(|()| DataOut.flush()) {
                self.gone = Some(error);
                return;
            }
            if !changes.is_empty() && (!quiet || arguments.dry_run) {
                let all: Vec<String> = changes.iter().map(Change::to_string).collect();
                let does = if arguments.dry_run { "would write" } else { "wrote" };
                message::say(&format!("{}: {does} {}", text::printable(&file), all.join(", ")));
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
