//! Which tables a reproduction has: for the page, and as Markdown for documents.

use crate::{
    expectations::{RMSE, best, reached},
    families::DB_PER_NEPER,
    plan::Group,
    results::{Expectation, LossPoint, StudyResults, SystemResult, short_name},
};
use melisma_eval::at_rate::at_rate;
use melisma_eval::bench_tables::{at_rate_cell, figure};
use melisma_eval::points::{CodecPoint, curve};
use melisma_eval::study_table::{CODECS, MODELS};
use melisma_eval::table::{Cell, Column, Table};
use melisma_eval::{Estimate, Metric, Setting};
use std::collections::BTreeSet;

/// Rate of 16-bit PCM at 8 kHz, mono.
const PCM_KBPS: f64 = 128.0;

/// Every table that has rows, in order.
#[must_use]
pub fn tables(results: &StudyResults) -> Vec<Table> {
    let all = [
        study(results),
        improved(results),
        time(results),
        families(results),
        trainings(results),
        held(results),
    ];
    all.into_iter().filter(|table| !table.rows.is_empty()).collect()
}

fn error(value: f64) -> Cell {
    Cell::number(value, figure(RMSE, value))
}

fn rate(kbps: f64) -> Cell {
    Cell::number(kbps, format!("{kbps:.1}"))
}

/// An error with its interval.
fn estimate(found: Option<&Estimate>) -> Cell {
    let cell = |found: &Estimate| Cell::number(found.median, found.written(|value| figure(RMSE, value)));
    found.map_or_else(Cell::none, cell)
}

fn median(point: &CodecPoint, metric: Metric) -> Cell {
    point.median(metric).map_or_else(Cell::none, |value| Cell::number(value, figure(metric, value)))
}

/// The error that a curve has at a rate.
fn at(curve: &[(f64, f64)], kbps: f64) -> Cell {
    at_rate_cell(at_rate(curve, kbps, RMSE), RMSE)
}

/// Peers that were measured in a setting, with their curves.
fn peers(results: &StudyResults, setting: Setting) -> Vec<(&'static str, Vec<(f64, f64)>)> {
    CODECS
        .into_iter()
        .map(|peer| (peer, curve(results.peer(setting, peer), RMSE)))
        .filter(|(_, curve)| !curve.is_empty())
        .collect()
}

/// The study's table, its own figures first.
fn study(results: &StudyResults) -> Table {
    let peers = peers(results, Setting::Study);
    let ours = best(results, Group::FreqAePlus);
    let mut columns: Vec<Column> =
        ["N", "nominal kbit/s*", "RMSE*", "downsampling*", "real kbit/s", "ratio", "freq-ae RMSE"]
            .map(Column::number)
            .to_vec();
    columns.extend(peers.iter().map(|(name, _)| Column::number(*name)));
    if !ours.is_empty() {
        columns.push(Column::number("freq-ae-plus"));
    }
    let row = |system: &SystemResult| {
        let model = MODELS.iter().find(|model| model.latent_size as usize == system.latents)?;
        let point = system.own_point()?;
        let kbps = point.kbps?;
        let mut cells = vec![
            Cell::count(system.latents),
            Cell::number(model.nominal_kbps, model.nominal_kbps.to_string()),
            Cell::number(model.rmse, model.rmse.to_string()),
            Cell::number(model.downsampling_rmse, format!("{:.2}", model.downsampling_rmse)),
            rate(kbps),
            Cell::number(PCM_KBPS / kbps, format!("{:.1}", PCM_KBPS / kbps)),
            estimate(point.metrics.get(&RMSE)),
        ];
        cells.extend(peers.iter().map(|(_, curve)| at(curve, kbps)));
        if !ours.is_empty() {
            cells.push(at(&ours, kbps));
        }
        Some(cells)
    };
    Table {
        caption: "The study's table. Columns marked * are its published figures on its own test set, with nominal rates: its latents were never \
                  coded. All others are medians over our test clips, with 95 % bootstrap intervals, at real rates of whole files: those of \
                  freq-ae with its own fine steps, the other codecs at the same rate, interpolated over log rate, or their nearest point."
            .to_owned(),
        columns,
        rows: results.group(Group::FreqAe).filter_map(row).collect(),
    }
}

/// Our networks and the study's at the study's nominal rates, and at the real rates of its networks.
fn improved(results: &StudyResults) -> Table {
    let (ours, theirs) = (best(results, Group::FreqAePlus), best(results, Group::FreqAe));
    let peers = peers(results, Setting::Study);
    let mut columns: Vec<Column> =
        ["kbit/s", "freq-ae", "freq-ae-plus", "below freq-ae"].map(Column::number).to_vec();
    columns.extend(peers.iter().map(|(name, _)| Column::number(*name)));
    let mut rates: Vec<f64> = MODELS.iter().rev().map(|model| model.nominal_kbps).collect();
    // The study's network may not reach its nominal rates: it is compared where it is.
    rates.extend(theirs.iter().map(|point| (10.0 * point.0).round() / 10.0));
    rates.sort_by(f64::total_cmp);
    rates.dedup();
    let row = |kbps: &f64| {
        let below = match (reached(&ours, *kbps), reached(&theirs, *kbps)) {
            (Some(ours), Some(theirs)) => {
                let percent = 100.0 * (1.0 - ours / theirs);
                Cell::number(percent, format!("{percent:.0} %"))
            }
            _ => Cell::none(),
        };
        let own = |curve: &[(f64, f64)]| reached(curve, *kbps).map_or_else(Cell::none, error);
        let mut cells = vec![rate(*kbps), own(&theirs), own(&ours), below];
        cells.extend(peers.iter().map(|(_, curve)| at(curve, *kbps)));
        cells
    };
    Table {
        caption: "Study RMSE at the same real rate: the best of all freq-ae and of all freq-ae-plus within the rate, and the other codecs at it."
            .to_owned(),
        columns,
        rows: if ours.is_empty() { Vec::new() } else { rates.iter().map(row).collect() },
    }
}

/// Every point of the systems that model samples.
fn time(results: &StudyResults) -> Table {
    let peers = peers(results, Setting::S44);
    let mut columns = vec![Column::text("system"), Column::text("steps")];
    let names = ["real kbit/s", "nominal", "study RMSE", "SNR dB", "mel L1", "LSD dB", "zimtohrli"];
    columns.extend(names.map(Column::number));
    columns.extend(peers.iter().map(|(name, _)| Column::number(format!("RMSE of {name}"))));
    let mut rows = Vec::new();
    for group in [Group::TimeAe, Group::TimeAeLosses, Group::TimeAePlus] {
        for system in results.group(group) {
            for point in &system.points {
                let Some(kbps) = point.kbps else { continue };
                let mut cells = vec![
                    Cell::text(&system.name),
                    Cell::text(&point.label),
                    rate(kbps),
                    system.nominal_kbps().map_or_else(Cell::none, rate),
                    estimate(point.metrics.get(&RMSE)),
                    median(point, Metric::Snr),
                    median(point, Metric::MelL1),
                    median(point, Metric::Lsd),
                    median(point, Metric::Zimtohrli),
                ];
                cells.extend(peers.iter().map(|(_, curve)| at(curve, kbps)));
                rows.push(cells);
            }
        }
    }
    Table {
        caption: "Systems of samples, 44.1 kHz mono: the time-domain autoencoder with each of the study's losses, and ours. `x2` are steps twice the \
                  model's own. Nominal rates count 16 bits a value."
            .to_owned(),
        columns,
        rows,
    }
}

/// Spectral error by family and latent size; in brackets that of the sound decoded from a file, with its rate.
fn families(results: &StudyResults) -> Table {
    let files = results.family_files();
    let sizes: BTreeSet<usize> = results.group(Group::Families).map(|system| system.latents).collect();
    let mut columns = vec![Column::number("latents")];
    columns.extend(files.iter().map(|file| Column::number(short_name(file))));
    let cell = |file: &str, size: usize| {
        let system = results.group(Group::Families).find(|s| s.file == file && s.latents == size);
        let Some((system, spectral)) = system.and_then(|s| Some((s, s.spectral_db?))) else {
            return Cell::none();
        };
        let coded = system.own_point().and_then(|point| {
            let db = point.median(Metric::StudyLog8k)? * DB_PER_NEPER;
            Some(format!(" ({db:.1} at {:.1} kbit/s)", point.kbps?))
        });
        let text = format!("{:.2}{}", spectral.median, coded.unwrap_or_default());
        Cell::number(spectral.median, text)
    };
    let row = |&size: &usize| {
        let mut cells = vec![Cell::count(size)];
        cells.extend(files.iter().map(|file| cell(file, size)));
        cells
    };
    Table {
        caption: "The families of Roche et al. by latent size, 8 kHz mono, a latent every 16 ms: root mean square error of log magnitudes in dB, latents \
                  not quantised; in brackets that of the sound decoded from a file, with its real rate. Phases are made up, so that error is larger \
                  even without quantisation."
            .to_owned(),
        columns,
        rows: sizes.iter().map(row).collect(),
    }
}

/// Which systems were trained for how many steps.
fn trainings(results: &StudyResults) -> Table {
    let columns = vec![
        Column::text("system"),
        Column::number("weights"),
        Column::number("latents"),
        Column::number("steps"),
        Column::number("of its config's"),
        Column::number("s a step"),
        Column::number("first loss"),
        Column::number("last loss"),
    ];
    let row = |system: &SystemResult| {
        let course = if system.validation.is_empty() { &system.training } else { &system.validation };
        let loss = |point: Option<&LossPoint>| {
            point.map_or_else(Cell::none, |point| Cell::number(point.loss, format!("{:.4}", point.loss)))
        };
        let done = 100.0 * system.steps as f64 / system.complete_steps.max(1) as f64;
        let number = |value: u64| Cell::number(value as f64, value.to_string());
        vec![
            Cell::text(&system.name),
            number(system.weights),
            Cell::count(system.latents),
            number(system.steps),
            if system.complete_steps == 0 {
                Cell::none()
            } else {
                Cell::number(done, format!("{done:.0} %"))
            },
            Cell::number(system.seconds_a_step, format!("{:.3}", system.seconds_a_step)),
            loss(course.first()),
            loss(course.last()),
        ]
    };
    Table {
        caption: "What was trained. Where the time did not suffice for the steps of a config, it was trained with fewer; losses are those on validation \
                  clips, each system's own, not comparable between systems."
            .to_owned(),
        columns,
        rows: results.systems.iter().map(row).collect(),
    }
}

/// Every expectation, with what came.
fn held(results: &StudyResults) -> Table {
    let row = |one: &Expectation| {
        let held = if one.held { "yes" } else { "NO" };
        vec![Cell::text(held), Cell::text(&one.of), Cell::text(&one.what), Cell::text(&one.found)]
    };
    Table {
        caption: "What was expected, and what came.".to_owned(),
        columns: ["held", "of", "expected", "found"].map(Column::text).to_vec(),
        rows: results.expectations.iter().map(row).collect(),
    }
}
