//! A chart for each metric: medians over the real rate, with intervals.

use std::collections::BTreeSet;

use melisma_eval::points::CodecPoint;
use melisma_eval::{Direction, Metric};

use super::heading;
use super::meaning::meaning;
use crate::section::{Axis, Block, Chart, Point, Section, Series};
use crate::text::{identifier, number};

/// A metric whose values span more than this factor is shown on a logarithmic axis.
const LOG_SPAN: f64 = 30.0;

pub fn section(setting: &str, points: &[CodecPoint]) -> Section {
    let mut section = Section::new(
        format!("curves-{}", identifier(setting)),
        format!("Rate and distortion, {}", heading(setting)),
        &[
            "Medians over clips at the real rate of the whole file, with 95 % bootstrap intervals over clips. Click a name in a legend to hide it, double-click to see it alone; drag over a chart to enlarge a part of it, double-click to see all. Codecs with a single point are hidden at first.",
        ],
    );
    let metrics = Metric::ALL.iter().filter(|m| points.iter().any(|p| p.metrics.contains_key(m)));
    let charts = metrics.clone().map(|&metric| chart(setting, metric, points)).collect();
    section.blocks.push(Block::Charts { charts });
    let facts = metrics.map(|&metric| (metric.name().to_owned(), meaning(metric).to_owned())).collect();
    section.blocks.push(Block::Facts { facts });
    section
}

fn chart(setting: &str, metric: Metric, points: &[CodecPoint]) -> Chart {
    let names: BTreeSet<&str> = points.iter().map(|point| point.codec.as_str()).collect();
    let mut series = Vec::new();
    for name in &names {
        let own: Vec<Point> =
            points.iter().filter(|p| p.codec == *name).filter_map(|p| place(p, metric)).collect();
        if !own.is_empty() {
            series.push(Series::new(*name, own.len() == 1 && names.len() > 1, own));
        }
    }
    if series.iter().all(|one| one.hidden) {
        series.iter_mut().for_each(|one| one.hidden = false);
    }
    let shown = || series.iter().filter(|one| !one.hidden).flat_map(|one| &one.points);
    let (low, high) = shown().fold((f64::INFINITY, 0.0), |(low, high), p| (p.y.min(low), p.y.max(high)));
    Chart {
        id: format!("{}-{}", identifier(setting), identifier(metric.name())),
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
            "{} [{}, {}], point {}, {} clips{failed}",
            number(estimate.median),
            number(low),
            number(high),
            point.label,
            estimate.clips
        ),
    })
}
