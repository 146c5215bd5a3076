//! What failed, what has no value, and which codecs were missing.

use melisma_eval::Metric;
use melisma_eval::journal::Row;
use melisma_eval::results::Results;

use crate::section::{Block, Cell, Column, Note, Section, Table};

pub fn section(results: &Results) -> Section {
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
            columns: ["setting", "codec", "point", "clip", "what happened"].map(Column::text).to_vec(),
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
