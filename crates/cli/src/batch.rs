//! Running a plan: several files side by side, a bar, finished results skipped, failures collected
//! and told at the end. Another run may be at the same directory: what it has made is not made again.

use crate::due::Due;
use crate::exit::Outcome;
use crate::failure::{self, Told};
use crate::output::say_json;
use crate::plan::{Job, Plan};
use crate::progress::{FileProgress, Progress};
use crate::{delete, message, output, text, threads};
use anyhow::Context;
use melisma_media::MediaError;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// How a batch runs and talks.
pub struct Settings<'a> {
    /// `--jobs`.
    pub jobs: Option<usize>,
    /// `--quiet`.
    pub quiet: bool,
    /// `--force`: finished results are made again.
    pub force: bool,
    /// `--dry-run`: only said, not done.
    pub dry_run: bool,
    /// Whether the result of a file in a directory is to be made, and why.
    pub due: &'a (dyn Fn(&Job) -> Due + Sync),
    /// `--json`: one object a file on standard output.
    pub json: bool,
    /// `--delete`: results in mirrors whose input is gone are removed, if this says that they are a mirror's own.
    pub delete: Option<fn(&Path) -> bool>,
    /// Extension of results.
    pub extension: &'a str,
    /// What is done to a file, in the past tense.
    pub done_word: &'a str,
    /// What a directory was searched for.
    pub kind: &'a str,
}

/// What was done for one result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    /// It was made.
    #[default]
    Made,
    /// The music that was there was kept, and only its tags are new.
    Retagged,
    /// It was looked at closely, and is what would be made.
    Kept,
}

/// What became of one file.
#[derive(Debug, Default)]
pub struct Done {
    /// One line about it.
    pub line: String,
    /// What its owner should know.
    pub warnings: Vec<String>,
    /// Whether there are gaps.
    pub outcome: Outcome,
    /// What was done for it.
    pub fate: Fate,
    /// What programs should know, as a JSON object.
    pub facts: Value,
}

/// Runs `work` for each job.
///
/// A single file's failure is this function's; among several, or in a directory, failures are
/// collected and the rest goes on.
pub fn run(
    plan: Plan,
    settings: &Settings,
    work: impl Fn(&Job, &mut FileProgress) -> anyhow::Result<Done> + Sync,
) -> anyhow::Result<Outcome> {
    let orphans = match settings.delete {
        Some(is_own) => delete::orphans(&plan, settings.extension, is_own),
        None => Vec::new(),
    };
    let Plan { jobs, failures, ignored, mirrored, roots, of_others, .. } = plan;
    // A process may find that all of the music is the others' part.
    if jobs.is_empty() && failures.is_empty() && of_others == 0 {
        return Err(message::hinted(
            format!("no {} here ({} of other kinds)", settings.kind, text::count(ignored, "file")),
            "a file named on the command line is taken whatever its name",
        ));
    }
    let start = Instant::now();
    let alone = jobs.len() == 1 && failures.is_empty() && !mirrored;
    let mut tally = Tally { ignored, ..Tally::default() };
    let todo = choose(jobs, settings, &mut tally)?;
    if settings.dry_run {
        for orphan in &orphans {
            tell_orphan(orphan, "would be removed", settings)?;
        }
        tally.removed = orphans.len();
        return Ok(conclude(failures, &tally, settings, Outcome::Success, None));
    }
    remove_stale_files(&todo);
    let to_stdout = todo.iter().any(|job| job.target.path().is_none());
    let total_bytes = todo.iter().map(|job| job.bytes).sum::<Option<u64>>();
    let progress = Progress::new(total_bytes, settings.quiet);
    let failures = Mutex::new(failures);
    let outcome = Mutex::new(Outcome::Success);
    let tally = Mutex::new(tally);
    let next = AtomicUsize::new(0);

    let workers = threads::wanted(settings.jobs).min(todo.len()).max(1);
    let pools: Vec<_> = (0..workers)
        .map(|_| threads::pool((threads::wanted(settings.jobs) / workers).max(1)))
        .collect::<Result<_, _>>()?;
    std::thread::scope(|scope| {
        for pool in &pools {
            let one_file_after_another = || {
                while let Some(job) = todo.get(next.fetch_add(1, Ordering::Relaxed)) {
                    progress.name(&job.name());
                    let mut share = progress.file(job.bytes.unwrap_or(0));
                    if was_made_meanwhile(job, settings) {
                        lock(&tally).kept += 1;
                        continue;
                    }
                    match pool.install(|| work(job, &mut share)) {
                        Ok(done) => {
                            progress.suspend(|| tell(job, &done, settings));
                            let mut outcome = lock(&outcome);
                            *outcome = outcome.worse(done.outcome);
                            let mut tally = lock(&tally);
                            match done.fate {
                                Fate::Made => tally.done += 1,
                                Fate::Retagged => tally.retagged += 1,
                                Fate::Kept => tally.kept += 1,
                            }
                        }
                        Err(error) if exists(&error) && was_made_meanwhile(job, settings) => {
                            lock(&tally).kept += 1;
                        }
                        Err(error) => lock(&failures).push((job.name(), error)),
                    }
                }
            };
            scope.spawn(one_file_after_another);
        }
    });
    progress.clear();

    let mut failures = failures.into_inner().unwrap_or_default();
    let outcome = outcome.into_inner().unwrap_or_default();
    let mut tally = tally.into_inner().unwrap_or_default();
    if alone {
        return match failures.pop() {
            Some((name, error)) => {
                tell_programs(&name, &error, settings);
                Err(error.context(Told(name)))
            }
            None => Ok(outcome),
        };
    }
    for orphan in orphans {
        match delete::remove(&orphan, &roots) {
            Ok(()) => {
                tell_orphan(&orphan, "removed", settings)?;
                tally.removed += 1;
            }
            Err(error) => failures.push((orphan.display().to_string(), error)),
        }
    }
    // Whoever reads standard output may leave; that excuses nothing that goes into files.
    if let Some((name, error)) = failures.pop_if(|_| to_stdout && output::reader_left()) {
        return Err(error).context(name);
    }
    Ok(conclude(failures, &tally, settings, outcome, Some(start.elapsed().as_secs_f64())))
}

/// What became of all files, in numbers.
#[derive(Debug, Default)]
struct Tally {
    done: usize,
    kept: usize,
    /// Given other tags.
    retagged: usize,
    /// Removed, for their inputs are gone.
    removed: usize,
    /// Kept, though they do not say which settings made them.
    unknown: usize,
    /// Kept, though they are older than their inputs.
    older: usize,
    ignored: usize,
}

/// Why an older result is kept.
const MAY_BE_ORIGINAL: &str = "it could be the music that the input was made from";

/// Leaves the jobs whose results are to be made; with `--dry-run` says why, on standard output.
fn choose(jobs: Vec<Job>, settings: &Settings, tally: &mut Tally) -> anyhow::Result<Vec<Job>> {
    let mut todo = Vec::with_capacity(jobs.len());
    for mut job in jobs {
        let due = match (job.mirrored, settings.force) {
            (true, false) => (settings.due)(&job),
            (_, true) => Due::Make { why: "--force".to_owned(), replace: true, may_retag: false },
            (false, false) => Due::Make { why: "named".to_owned(), replace: false, may_retag: false },
        };
        let (status, why) = match due {
            Due::Keep | Due::KeepUnknown => {
                tally.kept += 1;
                tally.unknown += usize::from(due == Due::KeepUnknown);
                ("kept", "up to date".to_owned())
            }
            Due::KeepOlder => {
                tally.older += 1;
                if !settings.dry_run {
                    let output = job.target.name();
                    message::warn(&format!(
                        "{}: {output} is older and is kept: {MAY_BE_ORIGINAL}",
                        job.name()
                    ));
                }
                ("kept", format!("older than its input: {MAY_BE_ORIGINAL}"))
            }
            Due::Make { why, replace, may_retag } => {
                tally.done += usize::from(settings.dry_run);
                (job.replace, job.may_retag) = (replace, may_retag);
                todo.push(job.clone());
                ("due", why)
            }
        };
        if settings.json && (settings.dry_run || status == "kept") {
            let (input, output) = (job.name(), job.target.name());
            say_json(&json!({ "input": input, "output": output, "status": status, "why": why }));
        } else if settings.dry_run {
            let line = format!("{} -> {}: {why}", job.name(), job.target.name());
            writeln!(output::DataOut, "{}", text::printable(&line))?;
        }
    }
    Ok(todo)
}

/// Removes what killed runs have left where results of a directory will lie.
fn remove_stale_files(jobs: &[Job]) {
    let mirrored = jobs.iter().filter(|job| job.mirrored);
    let folders: BTreeSet<&Path> = mirrored.filter_map(|job| job.target.path()?.parent()).collect();
    for folder in folders {
        melisma_media::atomic::remove_stale_files(folder);
    }
}

/// Whether another run over the same directory has made this result since the plan was made.
fn was_made_meanwhile(job: &Job, settings: &Settings) -> bool {
    job.mirrored
        && !job.replace
        && job.target.path().is_some_and(Path::exists)
        && matches!((settings.due)(job), Due::Keep | Due::KeepUnknown)
}

/// Whether a result could not be made because it is there.
fn exists(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| matches!(cause.downcast_ref(), Some(MediaError::Exists(_))))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn tell(job: &Job, done: &Done, settings: &Settings) {
    for warning in &done.warnings {
        message::warn(&format!("{}: {warning}", job.name()));
    }
    if !settings.quiet {
        message::say(&format!("{}: {}", text::printable(&job.target.name()), done.line));
    }
    if settings.json {
        let status = match done.fate {
            Fate::Made => settings.done_word,
            Fate::Retagged => "retagged",
            Fate::Kept => "kept",
        };
        let mut object = json!({ "input": job.name(), "output": job.target.name(), "status": status });
        if let (Value::Object(object), Value::Object(facts)) = (&mut object, &done.facts) {
            object.extend(facts.clone());
        }
        object["damaged"] = json!(done.outcome == Outcome::Damaged);
        object["warnings"] = json!(done.warnings);
        say_json(&object);
    }
}

/// Says what failed, with `--json`.
fn tell_programs(name: &str, error: &anyhow::Error, settings: &Settings) {
    if settings.json {
        say_json(&failure::object("input", name, error));
    }
}

/// Says what becomes of a result whose input is gone.
fn tell_orphan(orphan: &Path, what: &str, settings: &Settings) -> anyhow::Result<()> {
    let name = orphan.display().to_string();
    if settings.json {
        say_json(&json!({ "output": name, "status": what, "why": "its input is gone" }));
    } else if settings.dry_run {
        writeln!(output::DataOut, "{}: {what}, for its input is gone", text::printable(&name))?;
    } else if !settings.quiet {
        message::say(&format!("{}: {what}, for its input is gone", text::printable(&name)));
    }
    Ok(())
}

/// Says what became of all files, then what failed; `took_seconds` is none where nothing was done.
fn conclude(
    mut failures: Vec<(String, anyhow::Error)>,
    tally: &Tally,
    settings: &Settings,
    outcome: Outcome,
    took_seconds: Option<f64>,
) -> Outcome {
    failures.sort_by(|a, b| a.0.cmp(&b.0));
    failures.iter().for_each(|(name, error)| tell_programs(name, error, settings));
    let would_be = if took_seconds.is_none() { "would be " } else { "" };
    let mut parts = vec![format!("{} {would_be}{}", text::count(tally.done, "file"), settings.done_word)];
    for (number, what) in [
        (tally.retagged, "given new tags"),
        (tally.removed, if took_seconds.is_none() { "would be removed" } else { "removed" }),
        (tally.kept, "up to date"),
        (tally.older, "older than their inputs and kept"),
        (tally.ignored, "of other kinds left alone"),
        (failures.len(), "failed"),
    ] {
        if number > 0 {
            parts.push(format!("{number} {what}"));
        }
    }
    if !settings.quiet {
        let time = took_seconds.map(|seconds| format!(" in {}", text::clock(seconds))).unwrap_or_default();
        message::say(&format!("{}{time}", parts.join(", ")));
    }
    if tally.unknown > 0 && !settings.quiet {
        let files = text::count(tally.unknown, "file");
        message::say(&format!(
            "{files} up to date may have been made with other settings, which they do not say; --force makes them again"
        ));
    }
    if tally.older > 0 {
        message::say(
            "hint:  remove those that decoding made and run again; --force overwrites all that is there",
        );
    }
    let outcome = if failures.is_empty() && tally.older == 0 { outcome } else { Outcome::Failure };
    let hint = failures.iter().find_map(|(_, error)| message::hint(error));
    for (name, error) in failures {
        // As text: one hint for all of them is enough.
        message::error(&anyhow::anyhow!(message::chain(&error.context(name))));
    }
    if let Some(hint) = hint {
        message::say(&format!("hint:  {hint}"));
    }
    outcome
}
