//! Draws the charts of a recorded reproduction anew, without training or measuring anything:
//! `cargo run -p melisma-reproduce --example charts -- docs/results/reproduction` reads `results.json` in that folder and
//! writes `charts/*.svg` and `charts/*.png` beside it.

use melisma_eval::results::{Machine, Results};
use melisma_eval::suite::SuiteConfig;
use melisma_report::chart_files;
use melisma_reproduce::page::page;
use melisma_reproduce::results::StudyResults;
use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let folder =
        PathBuf::from(std::env::args_os().nth(1).ok_or("name the folder that results.json lies in")?);
    let results: StudyResults = serde_json::from_slice(&std::fs::read(folder.join("results.json"))?)?;
    // Only the players of a page need the single measurements, which are not kept.
    let measured = Results {
        schema: melisma_eval::results::SCHEMA,
        version: results.version.clone(),
        written_unix_s: results.written_unix_s,
        git_revision: results.git_revision.clone(),
        machine: Machine::default(),
        settings: SuiteConfig::default(),
        clips: BTreeMap::new(),
        missing: Vec::new(),
        listening: Vec::new(),
        rows: Vec::new(),
    };
    let page = page(&results, &measured, Vec::new(), &folder)?;
    for file in chart_files::write(&page.charts(), &folder.join("charts"), true)? {
        println!("{}", file.display());
    }
    Ok(())
}
