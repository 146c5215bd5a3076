//! Pages with made-up figures and synthesised sound, for a look and for the check in a browser:
//! `cargo run -p melisma-report --example sample -- FOLDER` writes `report.html`, `ladder.html`, `maps.html`, charts,
//! `listening/index.html`, and `map.html`, `map-10000.html`, `map-1.html`, `map-0.html`.

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "../tests/map_data/mod.rs"]
mod map_data;

use std::path::PathBuf;

use melisma_report::{Heard, ReportConfig, ReportError, chart_files, report};

fn main() -> Result<(), ReportError> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "sample".to_owned()));
    let io = |source| ReportError::Io { path: folder.clone(), source };
    std::fs::create_dir_all(&folder).map_err(io)?;
    let results = common::results(&folder);
    let page = report(&results, Heard { results: &results, folder: &folder }, &ReportConfig::default())?;
    page.write(&folder.join("report.html"), true)?;
    chart_files::write(&page.charts(), &folder.join("charts"), true)?;
    common::ladder().init()?.write(&folder.join("ladder.html"), true)?;
    common::heat_maps().write(&folder.join("maps.html"), true)?;
    common::write_listening_test(&folder.join("listening"))?;
    map_data::write_tones(&folder);
    for (name, count) in [("map", 600), ("map-10000", 10_000), ("map-1", 1), ("map-0", 0)] {
        map_data::map(count).write(&folder.join(format!("{name}.html")), true)?;
    }
    println!("{}", folder.display());
    Ok(())
}
