//! The whole reproduction, in the order in which it happens: train, measure, judge, show.
//!
//! ```text
//! FOLDER/runs/NAME/       the training of a system; beside them paces.json
//!        cache/           decoded music, unless it lies elsewhere
//!        bench/           journal of measurements, their results, excerpts
//!        results.json     what the page and the tables show
//!        study.md         the tables
//!        charts/          curves as SVG and PNG
//!        report.html      the page
//! ```

use crate::{
    Error, Event, Result,
    clips::{ClipOptions, TestClips},
    expectations::expectations,
    families::{Spectral, spectral},
    latents::heat_maps,
    measure::Bench,
    page::page,
    plan::{self, Group},
    results::{Music, SCHEMA, StudyResults, SystemResult, measured, peers},
    tables::tables,
    trainings::{Trained, Trainer, side_by_side, train_all},
};
use melisma_data::{Cache, Manifest, Split};
use melisma_eval::bootstrap::BootstrapConfig;
use melisma_eval::results::Machine;
use melisma_eval::table::Table;
use melisma_eval::{Setting, study_table};
use melisma_media::AtomicFile;
use melisma_report::chart_files;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// What is learned from, what is judged by, and how much time there is.
pub struct StudyOptions<'a> {
    /// Music to learn from.
    pub manifest: &'a Manifest,
    /// Music to be judged by: its test part, or its validation part.
    pub tested: &'a Manifest,
    /// Where the music lies decoded.
    pub cache: &'a Cache,
    /// The folder of everything that comes of it.
    pub folder: &'a Path,
    /// The folder of the trainings; those of another reproduction may serve.
    pub trainings: &'a Path,
    /// Time for all trainings together, seconds on the clock.
    pub budget_s: f64,
    /// Trainings, and then measurements, at a time.
    pub jobs: usize,
    /// One small system of each kind instead of all.
    pub quick: bool,
    /// Excerpts that systems are judged by.
    pub clips: ClipOptions,
    /// The program `melisma`, to measure the codec itself.
    pub melisma: Option<PathBuf>,
    /// Version of the program, for the results.
    pub revision: Option<String>,
    /// Once true, whatever was done is kept, and the reproduction ends.
    pub stop: &'a AtomicBool,
    /// Is called with everything that happens, from any thread.
    pub tell: &'a (dyn Fn(Event) + Sync),
}

/// Clips of which excerpts are kept to listen to.
const LISTEN: usize = 3;
/// Most clips for the families, whose phases take long to make up.
const FAMILY_CLIPS: usize = 8;

/// Trains, measures, judges and shows; what was done before is not done again.
///
/// # Errors
/// [`Error::Interrupted`]; [`Error::Music`] for a manifest without parts; whatever training, measuring and files say. A
/// single system that fails is a part of the results.
pub fn reproduce(options: &StudyOptions<'_>) -> Result<StudyResults> {
    let StudyOptions { manifest, tested, cache, folder, stop, tell, .. } = *options;
    std::fs::create_dir_all(folder).map_err(Error::file("cannot make the folder", folder))?;
    let planned = plan::study(options.quick)?;
    // Before hours of training, not after.
    let clips = TestClips::open(tested, cache, options.clips)?;
    let trainer = Trainer { manifest, cache, folder: options.trainings, jobs: options.jobs, stop, tell };
    let (trained, mut failures) = train_all(&planned, options.budget_s, &trainer)?;
    if trained.is_empty() {
        let first = failures.first().map_or(String::new(), |(system, what)| format!("; {system}: {what}"));
        return Err(Error::Plan(format!("no system could be trained{first}")));
    }

    let bench_folder = folder.join("bench");
    let bench = Bench {
        clips: &clips,
        folder: &bench_folder,
        melisma: options.melisma.clone(),
        revision: options.revision.clone(),
        jobs: options.jobs,
        listen: LISTEN,
        family_clips: FAMILY_CLIPS,
        stop,
        tell,
    };
    let (bench_results, failed) = bench.measure(&trained)?;
    failures.extend(failed);
    bench_results.write_json(&bench_folder.join("results.json.gz"))?;

    let bootstrap = BootstrapConfig::default();
    let spectral = spectra(&trained, &clips, options, bootstrap, &mut failures)?;
    let points = measured(&bench_results, bootstrap);
    let of_system = |one: &Trained| {
        let setting = if one.planned.group.is_full_rate() { Setting::S44 } else { Setting::Study };
        let found = spectral.iter().find(|found| found.system == one.planned.config.name);
        SystemResult::of(one, points.get(setting.name()).map_or(&[], Vec::as_slice), found)
    };
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let mut results = StudyResults {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        written_unix_s: since_1970.map_or(0, |since| since.as_secs()),
        git_revision: options.revision.clone(),
        machine: Machine::here(),
        music: Music {
            trained_on: manifest.hash()?,
            training_clips: manifest.part(Split::Train).count(),
            tested_on: tested.hash()?,
            part: clips.part.name().to_owned(),
            clips: clips.names.clone(),
            clip_s: options.clips.seconds,
        },
        budget_s: options.budget_s,
        jobs: options.jobs,
        quick: options.quick,
        systems: trained.iter().map(of_system).collect(),
        peers: peers(&points, &study_table::CODECS),
        failures,
        expectations: Vec::new(),
    };
    results.expectations = expectations(&planned, &results);
    let maps = match trained.iter().find(|one| one.planned.group == Group::TimeAe) {
        Some(one) => heat_maps(one, &clips)?,
        None => Vec::new(),
    };
    write(&results, &page(&results, &bench_results, maps, &bench_folder)?, options)?;
    Ok(results)
}

/// Spectral errors of those systems that are families.
fn spectra(
    trained: &[Trained],
    clips: &TestClips,
    options: &StudyOptions<'_>,
    bootstrap: BootstrapConfig,
    failures: &mut Vec<(String, String)>,
) -> Result<Vec<Spectral>> {
    let families: Vec<&Trained> = trained.iter().filter(|one| one.planned.group == Group::Families).collect();
    let found = side_by_side(options.jobs, families.len(), |index| {
        // What is asked to end ends soon, and finds nothing.
        (!options.stop.load(Ordering::SeqCst)).then(|| spectral(families[index], clips, bootstrap))
    });
    if options.stop.load(Ordering::SeqCst) {
        return Err(Error::Interrupted);
    }
    let mut all = Vec::new();
    for (one, found) in families.iter().zip(found) {
        match found {
            Some(Ok(spectral)) => all.push(spectral),
            Some(Err(error)) => failures.push((one.planned.config.name.clone(), error.to_string())),
            None => {}
        }
    }
    Ok(all)
}

fn write(results: &StudyResults, page: &melisma_report::Page, options: &StudyOptions<'_>) -> Result<()> {
    let wrote = |path: PathBuf| (options.tell)(Event::Wrote(path));
    let path = options.folder.join("results.json");
    results.write(&path)?;
    wrote(path);
    let text: Vec<String> = tables(results).iter().map(Table::markdown).collect();
    let path = options.folder.join("study.md");
    let mut file = AtomicFile::create(&path, true)?;
    file.write_all(text.join("\n").as_bytes()).map_err(Error::file("cannot write", &path))?;
    file.commit()?;
    wrote(path);
    chart_files::write(&page.charts(), &options.folder.join("charts"), true)?;
    let path = options.folder.join("report.html");
    page.write(&path, true)?;
    wrote(path);
    Ok(())
}
