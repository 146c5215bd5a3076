//! What a bench's results become: curves, tables, failures, players, and where it all comes from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use melisma_eval::bd_rate::bd_rate;
use melisma_eval::bootstrap::BootstrapConfig;
use melisma_eval::journal::Row;
use melisma_eval::results::Results;
use melisma_eval::points::{CodecPoint, codecs, of_setting, points};
use melisma_eval::{Direction, Metric};
use rayon::prelude::*;

use crate::error::ReportError;
use crate::listening::{self, ListeningLimits};
use crate::meaning::meaning;
use crate::page::Page;
use crate::section::{
    Axis, Block, COLOURS, Cell, Chart, Choice, Column, Note, Point, Section, Series, Table, View,
};
use crate::text::{identifier, number};

/// How a report is made.
#[derive(Clone, Debug)]
pub struct ReportConfig {
    /// Heading of the page.
    pub title: String,
    /// How much of the excerpts goes in.
    pub listening: ListeningLimits,
    /// How intervals are made.
    pub bootstrap: BootstrapConfig,
}

impl Default for ReportConfig {
    fn default() -> Self {
        Self {
            title: "Melisma and other codecs".to_owned(),
            listening: ListeningLimits { clips: usize::MAX, audio_bytes: 48_000_000 },
            bootstrap: BootstrapConfig::default(),
        }
    }
}

/// What there is to listen to: the excerpts of some results, and the folder that they lie in.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    /// Of the page, or others: music that is measured may not always be passed on.
    pub results: &'a Results,
    /// Where their excerpts are.
    pub folder: &'a Path,
}

/// Makes the page of `results`.
///
/// # Errors
/// [`ReportError::Empty`] if there is nothing to show, [`ReportError::Packing`].
pub fn report(results: &Results, heard: Heard, config: &ReportConfig) -> Result<Page, ReportError> {
    let tracks: BTreeSet<&str> = results.rows.iter().map(|row| row.setting.as_str()).collect();
    if tracks.is_empty() {
        return Err(ReportError::Empty);
    }
    let mut sections = Vec::new();
    for &track in &tracks {
        let rows = of_setting(&results.rows, track);
        let points = points(&rows, config.bootstrap);
        sections.push(curves(track, &points));
        sections.push(tables(track, &rows, &points, config.bootstrap));
    }
    sections.extend(listening::section(heard.results, heard.folder, config.listening)?);
    sections.push(failures(results));
    sections.push(origin(results));
    Ok(Page { title: config.title.clone(), written_unix_s: Some(results.written_unix_s), sections })
}

/// A metric whose values span more than this factor is shown on a logarithmic axis.
const LOG_SPAN: f64 = 30.0;

fn curves(track: &str, points: &[CodecPoint]) -> Section {
    let mut section = Section::new(
        format!("curves-{}", identifier(track)),
        format!("Rate and distortion, {}", setting(track)),
        &[
            "Medians over clips at the real rate of the whole file, with 95 % bootstrap intervals over clips. Click a name in a legend to hide it, double-click to see it alone. Codecs with a single setting are hidden at first.",
        ],
    );
    let metrics = Metric::ALL.iter().filter(|m| points.iter().any(|p| p.metrics.contains_key(m)));
    let charts = metrics.clone().map(|&metric| chart(track, metric, points)).collect();
    section.blocks.push(Block::Charts { charts });
    let facts = metrics.map(|&metric| (metric.name().to_owned(), meaning(metric).to_owned())).collect();
    section.blocks.push(Block::Facts { facts });
    section
}

fn setting(track: &str) -> String {
    match track {
        "S44" => "clips as they are (S44)".to_owned(),
        "study" => "8 kHz mono (study)".to_owned(),
        other => other.to_owned(),
    }
}

fn chart(track: &str, metric: Metric, points: &[CodecPoint]) -> Chart {
    let names: BTreeSet<&str> = points.iter().map(|point| point.codec.as_str()).collect();
    let mut series = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let own: Vec<Point> =
            points.iter().filter(|p| p.codec == *name).filter_map(|p| place(p, metric)).collect();
        if !own.is_empty() {
            series.push(Series {
                name: (*name).to_owned(),
                colour: COLOURS[index % COLOURS.len()].to_owned(),
                marker: index,
                hidden: own.len() == 1 && names.len() > 1,
                points: own,
            });
        }
    }
    if series.iter().all(|one| one.hidden) {
        series.iter_mut().for_each(|one| one.hidden = false);
    }
    let shown = || series.iter().filter(|one| !one.hidden).flat_map(|one| &one.points);
    let (low, high) = shown().fold((f64::INFINITY, 0.0), |(low, high), p| (p.y.min(low), p.y.max(high)));
    Chart {
        id: format!("{}-{}", identifier(track), identifier(metric.name())),
        title: metric.name().to_owned(),
        x: Axis { label: "kbit/s, whole file".to_owned(), log: true },
        y: Axis { label: axis(metric), log: low > 0.0 && high / low > LOG_SPAN },
        series,
    }
}

fn axis(metric: Metric) -> String {
    let unit = if metric.unit().is_empty() { String::new() } else { format!(", {}", metric.unit()) };
    let better = match metric.direction() {
        Direction::Higher => " (higher is better)",
        Direction::Lower => " (lower is better)",
        Direction::Neutral => "",
    };
    format!("{}{unit}{better}", metric.name())
}

fn place(point: &CodecPoint, metric: Metric) -> Option<Point> {
    let (kbps, estimate) = (point.kbps?, point.metrics.get(&metric)?);
    let (low, high) = estimate.interval.map_or((estimate.median, estimate.median), |i| (i.low, i.high));
    let failed = if point.failed > 0 { format!(", {} failed", point.failed) } else { String::new() };
    Some(Point {
        x: kbps,
        y: estimate.median,
        low,
        high,
        note: format!(
            "{} [{}, {}], setting {}, {} clips{failed}",
            number(estimate.median),
            number(low),
            number(high),
            point.label,
            estimate.clips
        ),
    })
}

fn tables(track: &str, rows: &[Row], points: &[CodecPoint], bootstrap: BootstrapConfig) -> Section {
    let mut section = Section::new(
        format!("tables-{}", identifier(track)),
        format!("Figures, {}", setting(track)),
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
        Column::text("setting"),
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

fn failures(results: &Results) -> Section {
    let mut section = Section::new("failures", "What failed or was missing", &[]);
    let failed: Vec<&Row> = results.rows.iter().filter(|row| row.error.is_some()).collect();
    let note = |text: String, warning| Block::Note(Note { text, warning });
    section.blocks.push(match failed.len() {
        0 => note(format!("None of {} measurements failed.", results.rows.len()), false),
        count => note(format!("{count} of {} measurements failed.", results.rows.len()), true),
    });
    if !failed.is_empty() {
        let cells = |row: &&Row| {
            let error = row.error.as_deref().unwrap_or_default();
            [&row.setting, &row.codec, &row.label, &row.clip, error].map(Cell::text).to_vec()
        };
        section.blocks.push(Block::Table(Table {
            caption: "Failed measurements; they count in no median.".to_owned(),
            columns: ["track", "codec", "setting", "clip", "what happened"].map(Column::text).to_vec(),
            rows: failed.iter().map(cells).collect(),
        }));
    }
    for &metric in Metric::ALL {
        let lacking =
            |row: &&Row| row.error.is_none() && row.metrics.get(&metric).is_some_and(Option::is_none);
        let count = results.rows.iter().filter(lacking).count();
        if count > 0 {
            let name = metric.name();
            section.blocks.push(note(format!("{name} has no finite value in {count} measurements."), false));
        }
    }
    if !results.missing.is_empty() {
        section.blocks.push(Block::Table(Table {
            caption: "Codecs that were asked for but not installed.".to_owned(),
            columns: ["codec", "program", "Debian package"].map(Column::text).to_vec(),
            rows: results
                .missing
                .iter()
                .map(|peer| [&peer.codec, &peer.program, &peer.package].map(Cell::text).to_vec())
                .collect(),
        }));
    }
    section
}

fn origin(results: &Results) -> Section {
    let mut section = Section::new("origin", "Where it comes from", &[]);
    let mut facts = vec![
        ("processor".to_owned(), results.machine.processor.clone()),
        ("threads".to_owned(), results.machine.threads.to_string()),
        ("system".to_owned(), results.machine.system.clone()),
        ("version".to_owned(), results.version.clone()),
        ("revision".to_owned(), results.git_revision.clone().unwrap_or("unknown".to_owned())),
    ];
    // Whatever settings there are, also later ones, are told as they are.
    if let Ok(serde_json::Value::Object(settings)) = serde_json::to_value(&results.settings) {
        let text = |value: serde_json::Value| match value {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        facts.extend(settings.into_iter().map(|(name, value)| (format!("setting: {name}"), text(value))));
    }
    section.blocks.push(Block::Facts { facts });
    section.blocks.push(Block::Table(recipes(&results.rows)));
    section.blocks.push(Block::Table(clips(results)));
    section
}

fn recipes(rows: &[Row]) -> Table {
    let mut recipes: BTreeMap<[&str; 3], usize> = BTreeMap::new();
    for row in rows {
        *recipes.entry([&row.setting, &row.codec, &row.recipe]).or_default() += 1;
    }
    let row = |(names, count): (&[&str; 3], &usize)| {
        let mut cells = names.map(Cell::text).to_vec();
        cells.push(Cell::number(*count as f64, count.to_string()));
        cells
    };
    Table {
        caption: "How each codec was run.".to_owned(),
        columns: vec![
            Column::text("track"),
            Column::text("codec"),
            Column::text("recipe"),
            Column::number("measurements"),
        ],
        rows: recipes.iter().map(row).collect(),
    }
}

fn clips(results: &Results) -> Table {
    let mut clips: BTreeMap<String, (f64, usize, usize)> = BTreeMap::new();
    for row in &results.rows {
        let clip = clips.entry(format!("{}/{}", row.setting, row.clip)).or_default();
        clip.0 = clip.0.max(row.seconds);
        clip.1 += 1;
        clip.2 += usize::from(row.error.is_some());
    }
    let row = |(name, (seconds, measured, failed)): (&String, &(f64, usize, usize))| {
        vec![
            Cell::text(name),
            Cell::text(results.clips.get(name).map_or("-", String::as_str)),
            Cell::number(*seconds, format!("{seconds:.1}")),
            Cell::number(*measured as f64, measured.to_string()),
            Cell::number(*failed as f64, failed.to_string()),
        ]
    };
    Table {
        caption: "The clips. The hash covers rate, channels and 16-bit samples (SHA-256, first 16 digits)."
            .to_owned(),
        columns: vec![
            Column::text("clip"),
            Column::text("hash"),
            Column::number("seconds"),
            Column::number("measurements"),
            Column::number("failed"),
        ],
        rows: clips.iter().map(row).collect(),
    }
}
