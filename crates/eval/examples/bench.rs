//! `bench`: a thin command around the suite, until the command line has its own.
//!
//! `cargo run --release -p melisma-eval --example bench -- CLIPS... --codecs mp3,opus --out DIR`
//!
//! Clips are audio files, folders of them, or lines of `--list` files; anything but WAV is decoded by
//! ffmpeg. Everything goes to `DIR/journal.jsonl`; what is there already is not measured again, whatever
//! codecs earlier runs had. `--codecs none` only prints.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Parser;
use melisma_eval::bootstrap::BootstrapConfig;
use melisma_eval::journal::Journal;
use melisma_eval::peers::Track;
use melisma_eval::results::Results;
use melisma_eval::suite::{Clips, Event, SuiteConfig, clip_names};
use melisma_eval::{Metric, table, wav};
use melisma_signal::Pcm;

/// Compares codecs: clips x codecs x rates.
#[derive(Parser)]
struct Arguments {
    /// Audio files or folders.
    clips: Vec<PathBuf>,
    /// Files with one clip a line.
    #[arg(long)]
    list: Vec<PathBuf>,
    /// Codecs by name, separated by commas; `none` only prints.
    #[arg(long, value_delimiter = ',')]
    codecs: Option<Vec<String>>,
    /// Nominal rates in kbit/s, separated by commas.
    #[arg(long, value_delimiter = ',')]
    rates: Option<Vec<f64>>,
    /// Another codec: 'name[:rates]=enc {in} {out} {kbps} ;; dec {in} {out}'.
    #[arg(long)]
    codec: Vec<String>,
    /// S44 or study.
    #[arg(long, default_value = "S44")]
    track: String,
    /// Folder for the journal and the results.
    #[arg(long)]
    out: PathBuf,
    /// Clips worked on at a time.
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Metrics by Python packages: visqol; `none` for none.
    #[arg(long, value_delimiter = ',', default_value = "none")]
    perceptual: Vec<String>,
    /// Python that has their packages.
    #[arg(long, default_value = "python3")]
    python: PathBuf,
    /// Name of this version of Melisma; default from git.
    #[arg(long)]
    revision: Option<String>,
    /// Write the rows under `name@TAG`.
    #[arg(long)]
    tag: Option<String>,
    /// Earlier results.json to compare with; exit status 3 if something got worse.
    #[arg(long)]
    against: Option<PathBuf>,
    /// Anchor of the BD-rate table.
    #[arg(long, default_value = "mp3")]
    anchor: String,
    /// Only the first so many clips.
    #[arg(long)]
    limit: Option<usize>,
    /// Try again what failed before.
    #[arg(long)]
    retry_failed: bool,
    /// Score without undoing a constant gain below 1 dB.
    #[arg(long)]
    no_gain_matching: bool,
    /// Say nothing for each measurement.
    #[arg(long)]
    quiet: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let config = config(&arguments)?;
    let mut paths = Vec::new();
    for path in &arguments.clips {
        gather(path, &mut paths)?;
    }
    for list in &arguments.list {
        let text = std::fs::read_to_string(list).with_context(|| list.display().to_string())?;
        paths.extend(
            text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).map(PathBuf::from),
        );
    }
    paths.truncate(arguments.limit.unwrap_or(usize::MAX));
    std::fs::create_dir_all(&arguments.out).with_context(|| arguments.out.display().to_string())?;
    let mut journal = Journal::open(&arguments.out.join("journal.jsonl"))?;
    if journal.damaged_lines() > 0 {
        eprintln!("note: {} broken lines in the journal passed over", journal.damaged_lines());
    }
    let load = |index: usize| load(&paths[index]).map_err(|e| format!("{e:#}"));
    let clips = Clips { names: clip_names(&paths), load: &load };
    config.run(&clips, &mut journal, &mut progress(arguments.quiet))?;

    let results = Results::of(&journal, config);
    results.write(&arguments.out)?;
    let bootstrap = BootstrapConfig::default();
    let rows = table::of_track(&results.rows, &arguments.track);
    println!("{}", table::points(&rows, &table::SHOWN, bootstrap));
    println!("{}", table::bd_rates(&rows, &arguments.anchor, Metric::ALL, bootstrap));
    if let Some(before) = &arguments.against {
        let before = Results::read(before)?;
        let worse = table::regressions(&results.rows, &before.rows, &table::SHOWN, bootstrap);
        worse.iter().for_each(|line| println!("worse: {line}"));
        if !worse.is_empty() {
            std::process::exit(3);
        }
    }
    Ok(())
}

fn config(arguments: &Arguments) -> Result<SuiteConfig> {
    let mut config = SuiteConfig {
        track: match arguments.track.as_str() {
            "S44" => Track::S44,
            "study" => Track::Study,
            other => bail!("no track '{other}': S44 or study"),
        },
        custom_codecs: arguments.codec.clone(),
        python: arguments.python.clone(),
        jobs: arguments.jobs,
        revision: arguments.revision.clone().or_else(revision),
        tag: arguments.tag.clone(),
        retry_failed: arguments.retry_failed,
        ..SuiteConfig::default()
    };
    config.score.gain_matching = !arguments.no_gain_matching;
    config.perceptual.clear();
    for name in arguments.perceptual.iter().filter(|n| *n != "none") {
        config.perceptual.push(Metric::by_name(name).with_context(|| format!("no metric '{name}'"))?);
    }
    if let Some(codecs) = &arguments.codecs {
        config.codecs = codecs.iter().filter(|c| *c != "none").cloned().collect();
    }
    if let Some(rates) = &arguments.rates {
        config.rates_kbps.clone_from(rates);
    }
    Ok(config)
}

/// Last commit that touched what the codec is made of, and whether it was changed since.
fn revision() -> Option<String> {
    let parts = ["crates/codec", "crates/bitstream", "crates/signal"];
    let git = |words: &[&str]| {
        let output = Command::new("git").args(words).arg("--").args(parts).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_string())
    };
    let commit = git(&["log", "-1", "--format=%h"]).filter(|c| !c.is_empty())?;
    let changed = git(&["status", "--porcelain"]).is_some_and(|s| !s.is_empty());
    Some(if changed { format!("{commit}+changes") } else { commit })
}

/// Prints what happens and how long it will take.
fn progress(quiet: bool) -> impl FnMut(Event) + Send {
    let (mut started, mut todo, mut made) = (Instant::now(), 0, 0);
    move |event| match event {
        Event::Missing(peer) => {
            eprintln!(
                "note: no {} ({} is not installed: Debian package {})",
                peer.codec, peer.program, peer.package
            );
        }
        Event::NoPerceptual(what) => eprintln!("note: {what}"),
        Event::Planned { todo: ahead, done } => {
            (started, todo) = (Instant::now(), ahead);
            eprintln!("{ahead} measurements to make, {done} in the journal");
        }
        Event::Measured(row) => {
            made += 1;
            let left_min = started.elapsed().as_secs_f64() / 60.0 / made as f64 * (todo - made) as f64;
            let what = format!("{} {} {}", row.clip, row.codec, row.label);
            if let Some(error) = &row.error {
                eprintln!("failed: {what}: {error}");
            } else if !quiet {
                eprintln!("[{made}/{todo}, {left_min:.0} min left] {what}: {:.1} kbps", row.kbps);
            }
        }
    }
}

const EXTENSIONS: [&str; 7] = ["wav", "flac", "ogg", "mp3", "opus", "m4a", "aiff"];

fn gather(path: &Path, into: &mut Vec<PathBuf>) -> Result<()> {
    if !path.is_dir() {
        into.push(path.to_path_buf());
        return Ok(());
    }
    let entries = std::fs::read_dir(path).with_context(|| path.display().to_string())?;
    let mut inside = entries.map(|e| e.map(|e| e.path())).collect::<std::io::Result<Vec<_>>>()?;
    inside.sort();
    for path in inside {
        let known = path.extension().is_some_and(|e| EXTENSIONS.iter().any(|k| e.eq_ignore_ascii_case(k)));
        if path.is_dir() || known {
            gather(&path, into)?;
        }
    }
    Ok(())
}

fn load(path: &Path) -> Result<Pcm> {
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("wav")) {
        return Ok(wav::read(path)?);
    }
    let scratch = tempfile::tempdir()?;
    let decoded = scratch.path().join("clip.wav");
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-i"])
        .arg(path)
        .args(["-map", "0:a:0", "-c:a", "pcm_s16le", "-f", "wav"])
        .arg(&decoded)
        .output()
        .context("ffmpeg (Debian package ffmpeg)")?;
    if !output.status.success() {
        bail!("ffmpeg: {}", String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default());
    }
    Ok(wav::read(&decoded)?)
}
