//! Running a plan: several files side by side, a bar, finished results skipped, failures collected
//! and told at the end.

use crate::exit::Outcome;
use crate::plan::{Job, Plan};
use crate::progress::{FileProgress, Progress};
use crate::{message, output, text, threads};
use anyhow::Context;
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
    /// What is done to a file, in the past tense.
    pub done_word: &'a str,
    /// What a directory was searched for.
    pub kind: &'a str,
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
}

/// Runs `work` for each job.
///
/// A single file's failure is this function's; among several, or in a directory, failures are
/// collected and the rest goes on.
pub fn run(
    plan: &Plan,
    settings: &Settings,
    work: impl Fn(&Job, &mut FileProgress) -> anyhow::Result<Done> + Sync,
) -> anyhow::Result<Outcome> {
    if plan.jobs.is_empty() {
        return Err(message::hinted(
            format!("no {} here ({} of other kinds)", settings.kind, text::count(plan.ignored, "file")),
            "a file named on the command line is taken whatever its name",
        ));
    }
    let start = Instant::now();
    let todo: Vec<&Job> =
        plan.jobs.iter().filter(|job| settings.force || !(job.mirrored && job.is_done())).collect();
    let alone = plan.jobs.len() == 1 && !plan.mirrored;
    let total_bytes = todo.iter().map(|job| job.bytes).sum::<Option<u64>>();
    let progress = Progress::new(total_bytes, settings.quiet);
    let failures = Mutex::new(Vec::new());
    let outcome = Mutex::new(Outcome::Success);
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
                    match pool.install(|| work(job, &mut share)) {
                        Ok(done) => {
                            progress.suspend(|| tell(job, &done, settings.quiet));
                            let mut outcome = lock(&outcome);
                            *outcome = outcome.worse(done.outcome);
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
    if alone {
        return match failures.pop() {
            Some((name, error)) => Err(error).context(name),
            None => Ok(outcome),
        };
    }
    if let Some((name, error)) = failures.pop_if(|_| output::reader_left()) {
        return Err(error).context(name);
    }
    failures.sort_by(|a, b| a.0.cmp(&b.0));
    summarise(plan, todo.len(), &failures, settings, start.elapsed().as_secs_f64());
    Ok(if failures.is_empty() { outcome } else { Outcome::Failure })
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn tell(job: &Job, done: &Done, quiet: bool) {
    for warning in &done.warnings {
        message::warn(&format!("{}: {warning}", job.name()));
    }
    if !quiet {
        message::say(&format!("{}: {}", text::printable(&job.target.name()), done.line));
    }
}

fn summarise(
    plan: &Plan,
    tried: usize,
    failures: &[(String, anyhow::Error)],
    settings: &Settings,
    seconds: f64,
) {
    let mut parts = vec![format!("{} {}", text::count(tried - failures.len(), "file"), settings.done_word)];
    let skipped = plan.jobs.len() - tried;
    for (number, what) in
        [(skipped, "up to date"), (plan.ignored, "of other kinds left alone"), (failures.len(), "failed")]
    {
        if number > 0 {
            parts.push(format!("{number} {what}"));
        }
    }
    if !settings.quiet {
        message::say(&format!("{} in {}", parts.join(", "), text::clock(seconds)));
    }
    for (name, error) in failures {
        message::error(&anyhow::anyhow!("{name}: {}", message::chain(error)));
    }
    if let Some(hint) = failures.iter().find_map(|(_, error)| message::hint(error)) {
        message::say(&format!("hint:  {hint}"));
    }
}
