//! Tables of figures: BD-rates, medians, speed and memory.

use std::collections::{BTreeMap, BTreeSet};

use melisma_eval::bd_rate::bd_rate;
use melisma_eval::bootstrap::BootstrapConfig;
use melisma_eval::journal::Row;
use melisma_eval::points::{CodecPoint, codecs};
use melisma_eval::{Direction, Metric};
use rayon::prelude::*;

use super::heading;
use crate::section::{Block, Cell, Choice, Column, Section, Table, View};
use crate::text::{identifier, number};

pub fn section(setting: &str, rows: &[Row], points: &[CodecPoint], bootstrap: BootstrapConfig) -> Section {
    let mut section = Section::new(
        format!("tables-{}", identifier(setting)),
        format!("Figures, {}", heading(setting)),
        &["Click a heading to sort."],
    );
    section.blocks.extend(bd_rates(rows, bootstrap).map(Block::Choice));
    section.blocks.push(Block::Table(medians(points)));
    section.blocks.push(Block::Table(costs(points)));
    section
}

/// Anchors by preference: what readers know best.
const ANCHORS: [&str; 2] = ["opus", "mp3"];

/// One table for each codec that others can be compared with; none if there is only one codec.
fn bd_rates(rows: &[Row], bootstrap: BootstrapConfig) -> Option<Choice> {
    let judges =
        |m: &Metric| m.direction() != Direction::Neutral && rows.iter().any(|r| r.metric(*m).is_some());
    let metrics: Vec<Metric> = Metric::ALL.iter().copied().filter(judges).collect();
    let mut labels: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.error.is_none()) {
        labels.entry(&row.codec).or_default().insert(&row.label);
    }
    let names: Vec<String> =
        codecs(rows).into_iter().filter(|c| labels.get(c.as_str()).is_some_and(|l| l.len() > 1)).collect();
    if names.len() < 2 {
        return None;
    }
    let pairs: Vec<(usize, usize)> = (0..names.len())
        .flat_map(|anchor| (0..names.len()).map(move |codec| (anchor, codec)))
        .filter(|(anchor, codec)| anchor != codec)
        .collect();
    let compared: BTreeMap<(usize, usize), (usize, Vec<Cell>)> = pairs
        .into_par_iter()
        .map(|(anchor, codec)| {
            ((anchor, codec), compare(rows, &names[codec], &names[anchor], &metrics, bootstrap))
        })
        .collect();
    let view = |(anchor, name): (usize, &String)| {
        let mut columns = vec![Column::text("codec"), Column::number("clips")];
        columns.extend(metrics.iter().map(|m| Column::number(m.name())));
        let row = |codec: usize| {
            let (clips, cells) = compared.get(&(anchor, codec))?;
            let head = [Cell::text(&names[codec]), Cell::number(*clips as f64, clips.to_string())];
            Some(head.into_iter().chain(cells.iter().cloned()).collect())
        };
        let caption = format!(
            "BD-rate: bits needed for equal quality, against {name}, with 95 % intervals over clips. Negative is better; n/a where the ranges of quality overlap too little."
        );
        let table = Table { caption, columns, rows: (0..names.len()).filter_map(row).collect() };
        View { name: name.clone(), blocks: vec![Block::Table(table)] }
    };
    let selected =
        ANCHORS.iter().find_map(|anchor| names.iter().position(|name| name == anchor)).unwrap_or(0);
    Some(Choice {
        label: "BD-rate against".to_owned(),
        selected,
        views: names.iter().enumerate().map(view).collect(),
    })
}

fn compare(
    rows: &[Row],
    codec: &str,
    anchor: &str,
    metrics: &[Metric],
    bootstrap: BootstrapConfig,
) -> (usize, Vec<Cell>) {
    let rates: Vec<_> = metrics.iter().map(|&m| bd_rate(rows, codec, anchor, m, bootstrap)).collect();
    let clips = rates.iter().flatten().map(|rate| rate.clips).max().unwrap_or(0);
    let cells = rates.into_iter().map(|rate| match rate {
        None => Cell::text("n/a"),
        Some(rate) => {
            let interval =
                rate.interval.map(|i| format!(" [{:+.1}, {:+.1}]", i.low, i.high)).unwrap_or_default();
            Cell::number(rate.percent, format!("{:+.1} %{interval}", rate.percent))
        }
    });
    (clips, cells.collect())
}

fn medians(points: &[CodecPoint]) -> Table {
    let metrics: Vec<Metric> =
        Metric::ALL.iter().copied().filter(|m| points.iter().any(|p| p.metrics.contains_key(m))).collect();
    let mut columns = head();
    columns.extend(metrics.iter().map(|m| Column::number(m.name())));
    let cell = |point: &CodecPoint, metric: &Metric| match point.metrics.get(metric) {
        None => Cell::none(),
        Some(estimate) => {
            let interval = estimate
                .interval
                .map(|i| format!(" [{}, {}]", number(i.low), number(i.high)))
                .unwrap_or_default();
            Cell::number(estimate.median, format!("{}{interval}", number(estimate.median)))
        }
    };
    let row = |point: &CodecPoint| {
        first_cells(point).into_iter().chain(metrics.iter().map(|metric| cell(point, metric))).collect()
    };
    Table {
        caption: "Medians over clips, with 95 % bootstrap intervals.".to_owned(),
        columns,
        rows: points.iter().map(row).collect(),
    }
}

fn head() -> Vec<Column> {
    vec![
        Column::text("codec"),
        Column::text("point"),
        Column::number("clips"),
        Column::number("failed"),
        Column::number("kbit/s"),
    ]
}

fn first_cells(point: &CodecPoint) -> Vec<Cell> {
    vec![
        Cell::text(&point.codec),
        Cell::text(&point.label),
        Cell::number(point.measured as f64, point.measured.to_string()),
        Cell::number(point.failed as f64, point.failed.to_string()),
        point.kbps.map_or(Cell::none(), |kbps| Cell::number(kbps, format!("{kbps:.1}"))),
    ]
}

fn costs(points: &[CodecPoint]) -> Table {
    let mut columns = head();
    columns.extend(["encode x", "decode x", "encode MiB", "decode MiB"].map(Column::number));
    let speed = |x: Option<f64>| x.map_or(Cell::none(), |x| Cell::number(x, format!("{x:.0}")));
    let memory = |bytes: Option<f64>| {
        bytes.map_or(Cell::none(), |bytes| Cell::number(bytes, format!("{:.0}", bytes / f64::from(1 << 20))))
    };
    let row = |point: &CodecPoint| {
        let mut cells = first_cells(point);
        cells.extend([speed(point.encode_speed), speed(point.decode_speed)]);
        cells.extend([memory(point.encode_peak_bytes), memory(point.decode_peak_bytes)]);
        cells
    };
    Table {
        caption: "Speed as multiples of real time by CPU seconds, starting the program included, and peak memory; medians over clips. Codecs that run inside the bench have no memory of their own."
            .to_owned(),
        columns,
        rows: points.iter().map(row).collect(),
    }
}
