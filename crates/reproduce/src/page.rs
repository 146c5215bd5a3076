//! The results as one page: tables, curves, latents, players.

use crate::{
    Result,
    expectations::{RMSE, best},
    families::DB_PER_NEPER,
    plan::Group,
    results::{StudyResults, SystemResult, short_name},
    tables::tables,
};
use melisma_eval::points::CodecPoint;
use melisma_eval::results::Results;
use melisma_eval::study_table::{CODECS, MODELS, StudyModel};
use melisma_eval::{Metric, Setting};
use melisma_report::Page;
use melisma_report::listening::{self, ListeningLimits};
use melisma_report::section::{Axis, Block, Chart, HeatMap, Note, Point, Section, Series};
use std::path::Path;

/// Most bytes of sound on the page, before they become text.
const AUDIO_BYTES: u64 = 24_000_000;

/// Makes the page; excerpts lie in `folder`.
///
/// # Errors
/// [`crate::Error::Report`].
pub fn page(
    results: &StudyResults,
    measured: &Results,
    heat_maps: Vec<HeatMap>,
    folder: &Path,
) -> Result<Page> {
    let mut sections = vec![summary(results), performance(results), losses(results)];
    if !heat_maps.is_empty() {
        sections.push(latents(heat_maps));
    }
    sections.extend(families(results));
    let limits = ListeningLimits { clips: usize::MAX, audio_bytes: AUDIO_BYTES };
    sections.extend(listening::section(&audible(results, measured), folder, limits)?);
    sections.push(systems(results));
    sections.push(origin(results));
    Ok(Page {
        title: "Autoencoders of the reference study, and others beside them".to_owned(),
        written_unix_s: Some(results.written_unix_s),
        sections,
    })
}

fn summary(results: &StudyResults) -> Section {
    let mut section = Section::new(
        "summary",
        "What came of it",
        &[
            "Every autoencoder of the study \"Deep Autoencoders for Music Compression and Classification\" (2019), trained, made a codec of real files, and measured on music that it did not learn from; beside them ours, its baseline, and codecs that people use.",
            "RMSE is the study's measure: the root mean square difference of complex spectra of 8 kHz mono. It grows with loudness, so figures compare within a table, not with those of other clips.",
        ],
    );
    let wrong: Vec<_> = results.expectations.iter().filter(|one| !one.held).collect();
    let all = results.expectations.len();
    if all > 0 {
        section.blocks.push(Block::Note(Note {
            text: match wrong.len() {
                0 => format!("All {all} expectations held."),
                count => format!("{count} of {all} expectations did not hold; the last table names them."),
            },
            warning: !wrong.is_empty(),
        }));
    }
    for (system, what) in &results.failures {
        section.blocks.push(Block::Note(Note { text: format!("{system} failed: {what}"), warning: true }));
    }
    section.blocks.extend(tables(results).into_iter().map(Block::Table));
    section
}

fn point((x, y): (f64, f64), note: String) -> Point {
    Point { x, y, low: y, high: y, note }
}

fn series(name: &str, hidden: bool, points: Vec<Point>) -> Option<Series> {
    (!points.is_empty()).then(|| Series::new(name, hidden, points))
}

/// Points of one codec with intervals.
fn measured_points(points: &[CodecPoint], metric: Metric, scale: f64) -> Vec<Point> {
    let mut found: Vec<Point> = points
        .iter()
        .filter_map(|one| {
            let found = one.metrics.get(&metric)?;
            Some(Point {
                x: one.kbps?,
                y: scale * found.median,
                low: scale * found.low(),
                high: scale * found.high(),
                note: format!("{:.3}, steps {}, {} clips", scale * found.median, one.label, one.measured),
            })
        })
        .collect();
    found.sort_by(|a, b| a.x.total_cmp(&b.x));
    found
}

/// Points of a group's systems at one multiplier each, joined.
fn own_points<'a>(systems: impl Iterator<Item = &'a SystemResult>) -> Vec<Point> {
    let mut points: Vec<Point> = systems
        .filter_map(|system| {
            let own = system.own_point()?.clone();
            let mut points = measured_points(&[own], RMSE, 1.0);
            points.iter_mut().for_each(|point| point.note = format!("{}: {}", system.name, point.note));
            points.pop()
        })
        .collect();
    points.sort_by(|a, b| a.x.total_cmp(&b.x));
    points
}

fn rate_axis() -> Axis {
    Axis { label: "kbit/s, whole file".to_owned(), log: true }
}

fn rmse_axis() -> Axis {
    Axis { label: "study RMSE (lower is better)".to_owned(), log: true }
}

fn performance(results: &StudyResults) -> Section {
    let mut section = Section::new(
        "performance",
        "Rate and error",
        &[
            "Medians over clips with 95 % bootstrap intervals. Each system is one model; its curve comes from coarser and finer steps. The study's own figures, at nominal rates and on other clips, are hidden at first, as are single models of ours: click their names.",
        ],
    );
    let published = |value: fn(&StudyModel) -> f64| {
        let at = |model: &StudyModel| (model.nominal_kbps, value(model));
        // A logarithmic axis cannot show 0.
        let shown = MODELS.iter().rev().map(at).filter(|(_, error)| *error > 0.0);
        shown.map(|at| point(at, "as published".to_owned())).collect::<Vec<_>>()
    };
    let mut all = vec![
        series("freq-ae, by latents", false, own_points(results.group(Group::FreqAe))),
        series(
            "freq-ae-plus, best of all",
            false,
            best(results, Group::FreqAePlus).into_iter().map(|p| point(p, format!("{:.3}", p.1))).collect(),
        ),
    ];
    for peer in CODECS {
        all.push(series(peer, false, measured_points(results.peer(Setting::Study, peer), RMSE, 1.0)));
    }
    for system in results.group(Group::FreqAe).chain(results.group(Group::FreqAePlus)) {
        all.push(series(&system.name, true, measured_points(&system.points, RMSE, 1.0)));
    }
    all.push(series("the study, published", true, published(|model| model.rmse)));
    all.push(series("its downsampling, published", true, published(|model| model.downsampling_rmse)));
    let spectra = Chart {
        id: "rate-error-8k".to_owned(),
        title: "8 kHz mono".to_owned(),
        x: rate_axis(),
        y: rmse_axis(),
        series: all.into_iter().flatten().collect(),
    };
    let mut all = Vec::new();
    let groups = [Group::TimeAe, Group::TimeAePlus, Group::TimeAeLosses];
    for system in groups.into_iter().flat_map(|group| results.group(group)) {
        let hidden = system.group == Group::TimeAeLosses;
        all.push(series(&system.name, hidden, measured_points(&system.points, RMSE, 1.0)));
    }
    for peer in CODECS {
        all.push(series(peer, false, measured_points(results.peer(Setting::S44, peer), RMSE, 1.0)));
    }
    let samples = Chart {
        id: "rate-error-44k".to_owned(),
        title: "44.1 kHz mono".to_owned(),
        x: rate_axis(),
        y: rmse_axis(),
        series: all.into_iter().flatten().collect(),
    };
    let charts = [spectra, samples].into_iter().filter(|chart| !chart.series.is_empty()).collect();
    section.blocks.push(Block::Charts { charts });
    section
}

fn losses(results: &StudyResults) -> Section {
    let mut section = Section::new(
        "losses",
        "Losses",
        &[
            "Losses in the course of training, divided by the first: on validation clips where there are some. Losses of different systems measure different things.",
        ],
    );
    let groups: [(&str, &[Group]); 4] = [
        ("freq-ae", &[Group::FreqAe]),
        ("time-ae", &[Group::TimeAe, Group::TimeAeLosses]),
        ("plus", &[Group::FreqAePlus, Group::TimeAePlus]),
        ("families", &[Group::Families]),
    ];
    let chart = |(id, groups): (&str, &[Group])| {
        let systems = || groups.iter().flat_map(|&group| results.group(group));
        let curve = |system: &SystemResult| {
            let course = if system.validation.len() > 1 { &system.validation } else { &system.training };
            let first = course.first().map(|point| point.loss).filter(|&loss| loss > 0.0)?;
            let points = course.iter().map(|one| {
                point(
                    (one.step as f64, one.loss / first),
                    format!("{:.4} after {} steps", one.loss, one.step),
                )
            });
            series(&system.name, false, points.collect())
        };
        Chart {
            id: format!("losses-{id}"),
            title: format!("Validation losses, {id}"),
            x: Axis { label: "steps".to_owned(), log: false },
            y: Axis { label: "loss, first = 1".to_owned(), log: true },
            series: systems().filter_map(curve).collect(),
        }
    };
    let charts: Vec<Chart> = groups.into_iter().map(chart).filter(|chart| !chart.series.is_empty()).collect();
    section.blocks.push(Block::Charts { charts });
    section
}

fn latents(maps: Vec<HeatMap>) -> Section {
    let mut section = Section::new(
        "latents",
        "Latents of the time-domain autoencoder",
        &[
            "What lies between encoder and decoder for the first 1.49 s of clips, a latent every 5.8 ms. All single clips share one scale; the mean is that of absolute values over all test clips.",
        ],
    );
    section.blocks.push(Block::HeatMaps { maps });
    section
}

fn families(results: &StudyResults) -> Option<Section> {
    let files = results.family_files();
    if files.is_empty() {
        return None;
    }
    let mut section = Section::new(
        "families",
        "Five families of autoencoders",
        &[
            "Linear, shallow, deep, recurrent and variational autoencoders of log magnitudes, by latent size, as Roche et al. (arXiv 1806.04096) compared them; once with latents as they are, once as files.",
        ],
    );
    let by_size = |file: &&str| {
        let mut points: Vec<Point> = results
            .group(Group::Families)
            .filter(|system| system.file == **file)
            .filter_map(|system| {
                let found = system.spectral_db?;
                Some(Point {
                    x: system.latents as f64,
                    y: found.median,
                    low: found.low(),
                    high: found.high(),
                    note: format!("{:.2} dB", found.median),
                })
            })
            .collect();
        points.sort_by(|a, b| a.x.total_cmp(&b.x));
        points
    };
    let by_rate = |file: &&str| {
        let systems = results.group(Group::Families).filter(|system| system.file == **file);
        let mut points: Vec<Point> = systems
            .filter_map(|system| {
                let own = system.own_point()?.clone();
                measured_points(&[own], Metric::StudyLog8k, DB_PER_NEPER).pop()
            })
            .collect();
        points.sort_by(|a, b| a.x.total_cmp(&b.x));
        points
    };
    let charted = |id: &str, title: &str, x: Axis, points: &dyn Fn(&&str) -> Vec<Point>| Chart {
        id: id.to_owned(),
        title: title.to_owned(),
        x,
        y: Axis { label: "error of log magnitudes, dB".to_owned(), log: false },
        series: files.iter().filter_map(|file| series(short_name(file), false, points(file))).collect(),
    };
    let latents = Axis { label: "latents".to_owned(), log: true };
    let charts = vec![
        charted("families-size", "Not quantised", latents, &by_size),
        charted("families-rate", "As files", rate_axis(), &by_rate),
    ];
    section.blocks.push(Block::Charts { charts });
    Some(section)
}

/// Peers that are heard beside the systems, each at one of its points.
const HEARD_PEERS: [(&str, &str); 8] = [
    ("downsample", "31.5"),
    ("mp3", "16"),
    ("opus", "16"),
    ("melisma:mse", "15.7"),
    ("mp3", "32"),
    ("melisma:mse", "31.5"),
    ("melisma:mse", "32"),
    ("opus", "32"),
];

/// The results with those excerpts alone that go into the players: systems at their own steps, a few peers, the originals.
fn audible(results: &StudyResults, measured: &Results) -> Results {
    let own = crate::codecs::label(1.0);
    let mut chosen = measured.clone();
    chosen.listening.retain(|entry| {
        let (Some(codec), Some(label)) = (&entry.codec, &entry.label) else { return true };
        match results.systems.iter().find(|system| system.name == *codec) {
            // Phases of the families are made up: one of them tells how that sounds.
            Some(system) if system.group == Group::Families => *label == own && system.name == "linear-64",
            Some(_) => *label == own,
            None => HEARD_PEERS.contains(&(codec.as_str(), label.as_str())),
        }
    });
    chosen
}

fn systems(results: &StudyResults) -> Section {
    let mut section =
        Section::new("systems", "The systems", &["One config each; sizes of a family share a text."]);
    let mut facts: Vec<(String, String)> = Vec::new();
    for system in &results.systems {
        let name = short_name(&system.file).to_owned();
        if facts.iter().all(|(known, _)| *known != name) {
            facts.push((name, system.description.clone()));
        }
    }
    section.blocks.push(Block::Facts { facts });
    section
}

fn origin(results: &StudyResults) -> Section {
    let mut section = Section::new("origin", "Where it comes from", &[]);
    let music = &results.music;
    let mut facts = vec![
        ("learned from", format!("{} clips, manifest {}", music.training_clips, short(&music.trained_on))),
        (
            "tested on",
            format!(
                "{} excerpts of {} s of part {}, manifest {}",
                music.clips.len(),
                music.clip_s,
                music.part,
                short(&music.tested_on)
            ),
        ),
        (
            "time for training",
            format!("{:.0} s on the clock, {} at a time, a thread each", results.budget_s, results.jobs),
        ),
        ("machine", format!("{}, {} threads", results.machine.processor, results.machine.threads)),
        ("version", results.version.clone()),
    ];
    if let Some(revision) = &results.git_revision {
        facts.push(("revision", revision.clone()));
    }
    let facts = facts.into_iter().map(|(name, text)| (name.to_owned(), text)).collect();
    section.blocks.push(Block::Facts { facts });
    section
}

fn short(hash: &str) -> &str {
    hash.get(..16).unwrap_or(hash)
}
