//! What a bench's results become: curves, tables, failures, players, and where it all comes from.
//!
//! | section | file |
//! |---|---|
//! | curves | `curves`, sentences about metrics in `meaning` |
//! | tables | `tables` |
//! | players | [`crate::listening`] |
//! | failures | `failures` |
//! | where it all comes from | `origin` |

mod curves;
mod failures;
mod meaning;
mod origin;
mod tables;

use std::collections::BTreeSet;
use std::path::Path;

use melisma_eval::bootstrap::BootstrapConfig;
use melisma_eval::points::{of_setting, points};
use melisma_eval::results::Results;

use crate::error::ReportError;
use crate::listening::{self, ListeningLimits};
use crate::page::Page;

/// How a report is made.
#[derive(Clone, Debug)]
pub struct ReportConfig {
    /// Heading of the page.
    pub title: String,
    /// How many clips and how much audio the page may hold.
    pub listening: ListeningLimits,
    /// How the intervals around medians are estimated.
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

/// The excerpts to listen to. They may belong to other results than those shown: measured music may not always be passed on.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    /// The results that list the excerpts.
    pub results: &'a Results,
    /// The folder that the excerpts' files lie in.
    pub folder: &'a Path,
}

/// Makes the page of `results`.
///
/// # Errors
/// [`ReportError::Empty`] if there is nothing to show, [`ReportError::Packing`].
pub fn report(results: &Results, heard: Heard, config: &ReportConfig) -> Result<Page, ReportError> {
    let settings: BTreeSet<&str> = results.rows.iter().map(|row| row.setting.as_str()).collect();
    if settings.is_empty() {
        return Err(ReportError::Empty);
    }
    let mut sections = Vec::new();
    for &setting in &settings {
        let rows = of_setting(&results.rows, setting);
        let points = points(&rows, config.bootstrap);
        sections.push(curves::section(setting, &points));
        sections.push(tables::section(setting, &rows, &points, config.bootstrap));
    }
    sections.extend(listening::section(heard.results, heard.folder, config.listening)?);
    sections.push(failures::section(results));
    sections.push(origin::section(results));
    Ok(Page { title: config.title.clone(), written_unix_s: Some(results.written_unix_s), sections })
}

/// What a setting is called in headings.
fn heading(setting: &str) -> String {
    match setting {
        "S44" => "clips as they are (S44)".to_owned(),
        "study" => "8 kHz mono (study)".to_owned(),
        other => other.to_owned(),
    }
}
