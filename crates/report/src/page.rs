//! Sections to one HTML file that needs nothing else: style, script and data are inside.
//!
//! The data is one JSON element in which `<` never occurs, so no name in it can end the element; the script
//! puts every text into the page as text. A content security policy forbids all network access.

use std::io::Write;
use std::path::Path;

use melisma_media::AtomicFile;
use serde::Serialize;

use crate::error::ReportError;
use crate::palette::{DIFFERENCE_RAMP, Mark, RAMP};
use crate::section::{Block, Chart, Section};

const TEMPLATE: &str = include_str!("../page/page.html");
const STYLE: &str = include_str!("../page/page.css");
/// In this order they are one script.
const SCRIPTS: [&str; 12] = [
    include_str!("../page/base.js"),
    include_str!("../page/scale.js"),
    include_str!("../page/drawing.js"),
    include_str!("../page/curves.js"),
    include_str!("../page/heat_maps.js"),
    include_str!("../page/tables.js"),
    include_str!("../page/deck.js"),
    include_str!("../page/figures.js"),
    include_str!("../page/abx.js"),
    include_str!("../page/player.js"),
    include_str!("../page/ladder.js"),
    include_str!("../page/main.js"),
];

/// A page before it is written.
#[derive(Clone, Debug, Serialize)]
pub struct Page {
    /// Heading and title.
    pub title: String,
    /// When its data was written, seconds since 1970.
    pub written_unix_s: Option<u64>,
    /// Its parts.
    pub sections: Vec<Section>,
}

/// What the page's script gets.
#[derive(Serialize)]
struct Data<'a> {
    #[serde(flatten)]
    page: &'a Page,
    /// Corners of each mark, by its number.
    marks: [Vec<[f64; 2]>; Mark::ALL.len()],
    ramps: Ramps,
}

/// Colours of values, the lowest first.
#[derive(Serialize)]
struct Ramps {
    level: [&'static str; 9],
    difference: [&'static str; 9],
}

impl Page {
    /// The whole file.
    ///
    /// # Errors
    /// [`ReportError::Json`].
    pub fn html(&self) -> Result<String, ReportError> {
        let title = escaped(&self.title);
        let data = Data {
            page: self,
            marks: Mark::ALL.map(Mark::outline),
            ramps: Ramps { level: RAMP, difference: DIFFERENCE_RAMP },
        };
        let data = serde_json::to_string(&data)?.replace('<', "\\u003c");
        let script = SCRIPTS.concat();
        let parts = [("title", &*title), ("style", STYLE), ("data", &*data), ("script", &*script)];
        Ok(filled(TEMPLATE, &parts))
    }

    /// Writes the file so that it appears whole or not at all; answers its size in bytes.
    ///
    /// # Errors
    /// [`ReportError::Media`] if it exists and must not be replaced or the disk refuses; as [`Page::html`].
    pub fn write(&self, path: &Path, overwrite: bool) -> Result<u64, ReportError> {
        written(&self.html()?, path, overwrite)
    }

    /// Every chart, wherever it stands.
    #[must_use]
    pub fn charts(&self) -> Vec<&Chart> {
        let mut charts = Vec::new();
        self.sections.iter().for_each(|section| gather(&section.blocks, &mut charts));
        charts
    }
}

fn gather<'a>(blocks: &'a [Block], charts: &mut Vec<&'a Chart>) {
    for block in blocks {
        match block {
            Block::Charts { charts: more } => charts.extend(more),
            Block::Choice(choice) => choice.views.iter().for_each(|view| gather(&view.blocks, charts)),
            _ => {}
        }
    }
}

/// Writes a page so that it appears whole or not at all; answers its size in bytes.
///
/// # Errors
/// [`ReportError::Media`] if the file exists and must not be replaced, or the disk refuses.
pub(crate) fn written(html: &str, path: &Path, overwrite: bool) -> Result<u64, ReportError> {
    let mut file = AtomicFile::create(path, overwrite)?;
    file.write_all(html.as_bytes()).map_err(ReportError::io(path))?;
    file.commit()?;
    Ok(html.len() as u64)
}

/// Replaces each `{{name}}` once; what is put in is not looked at again.
pub(crate) fn filled(template: &str, parts: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(template.len() + parts.iter().map(|p| p.1.len()).sum::<usize>());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        out.push_str(before);
        out.push_str(parts.iter().find(|part| part.0 == name).map_or("", |part| part.1));
        rest = after;
    }
    out.push_str(rest);
    out
}

pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
