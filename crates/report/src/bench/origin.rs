//! Machine, settings, codecs and clips of a bench.

use std::collections::BTreeMap;

use melisma_eval::journal::Row;
use melisma_eval::results::Results;

use crate::section::{Block, Cell, Column, Section, Table};

pub fn section(results: &Results) -> Section {
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
            Column::text("setting"),
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
