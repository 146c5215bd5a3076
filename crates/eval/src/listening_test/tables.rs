//! An analysis as tables.

use super::analysis::{Analysis, Mean};
use crate::table::{Cell, Column, Table};

/// The tables that have rows, in the order in which they are read.
#[must_use]
pub fn all(analysis: &Analysis) -> Vec<Table> {
    let mut tables = vec![scores(analysis), differences(analysis), told(analysis), listeners(analysis)];
    tables.retain(|table| !table.rows.is_empty());
    tables
}

fn number(value: f64) -> Cell {
    Cell::number(value, format!("{value:.1}"))
}

fn rate(value: f64) -> Cell {
    Cell::number(value, value.to_string())
}

fn interval(mean: &Mean) -> Cell {
    mean.interval.map_or_else(Cell::none, |[low, high]| Cell::text(format!("{low:.1} to {high:.1}")))
}

fn scores(analysis: &Analysis) -> Table {
    let row = |score: &super::analysis::Score| {
        vec![
            rate(score.nominal_kbps),
            Cell::text(&score.condition),
            score.file_kbps.map_or_else(Cell::none, number),
            number(score.score.mean),
            interval(&score.score),
            number(score.score.median),
            Cell::count(score.score.clips),
            Cell::count(score.score.listeners),
        ]
    };
    Table {
        caption:
            "Scores (MUSHRA): 100 is excellent, 0 is bad; means with 95 % intervals over clips and listeners."
                .to_owned(),
        columns: vec![
            Column::number("kbit/s"),
            Column::text("condition"),
            Column::number("of files"),
            Column::number("mean"),
            Column::text("95 %"),
            Column::number("median"),
            Column::number("clips"),
            Column::number("listeners"),
        ],
        rows: analysis.scores.iter().map(row).collect(),
    }
}

fn differences(analysis: &Analysis) -> Table {
    let row = |found: &super::analysis::Difference| {
        let sure = found.difference.interval.is_some_and(|[low, high]| low > 0.0 || high < 0.0);
        vec![
            rate(found.nominal_kbps),
            Cell::text(format!("{} - {}", found.condition, found.other)),
            number(found.difference.mean),
            interval(&found.difference),
            Cell::text(if sure { "yes" } else { "no" }),
        ]
    };
    Table {
        caption: "Differences of codecs in the same trials; beyond chance where the interval leaves out 0."
            .to_owned(),
        columns: vec![
            Column::number("kbit/s"),
            Column::text("codecs"),
            Column::number("difference"),
            Column::text("95 %"),
            Column::text("beyond chance"),
        ],
        rows: analysis.differences.iter().map(row).collect(),
    }
}

fn told(analysis: &Analysis) -> Table {
    let row = |told: &super::analysis::Told| {
        let [low, high] = told.share_interval.map(|share| 100.0 * share);
        vec![
            rate(told.nominal_kbps),
            Cell::text(told.pair.join(", ")),
            Cell::text(told.listener.as_deref().unwrap_or("(all)")),
            Cell::text(format!("{} of {}", told.right, told.trials)),
            Cell::text(format!("{low:.0} to {high:.0} %")),
            Cell::number(told.guessing, format!("{:.2e}", told.guessing)),
        ]
    };
    Table {
        caption: "Told apart (ABX): right answers, the 95 % interval of their share, and the probability of as many by guessing.".to_owned(),
        columns: vec![
            Column::number("kbit/s"),
            Column::text("versions"),
            Column::text("listener"),
            Column::text("right"),
            Column::text("95 %"),
            Column::number("by guessing"),
        ],
        rows: analysis.told.iter().map(row).collect(),
    }
}

fn listeners(analysis: &Analysis) -> Table {
    let row = |listener: &super::analysis::Listener| {
        vec![
            Cell::text(&listener.name),
            Cell::count(listener.trials),
            Cell::count(listener.reference_missed),
            Cell::count(listener.mid_anchor_praised),
            Cell::text(if listener.passes { "passes" } else { "fails" }),
        ]
    };
    Table {
        caption: "Listeners: who scores the hidden reference below 90 in more than 15 % of the trials fails the screening (ITU-R BS.1534).".to_owned(),
        columns: vec![
            Column::text("listener"),
            Column::number("trials"),
            Column::number("reference below 90"),
            Column::number("mid anchor above 90"),
            Column::text("screening"),
        ],
        rows: analysis.listeners.iter().map(row).collect(),
    }
}
