//! The one error type of this crate, named by what it means for the caller.

use std::path::PathBuf;

use melisma_media::MediaError;

/// Why a page or a chart could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The results hold not a single measurement.
    #[error("the results hold no measurement")]
    Empty,
    /// A sound cannot be shown or embedded.
    #[error("{what}")]
    Sound {
        /// What is wrong with the sound.
        what: String,
    },
    /// An audio file could not be read or made.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file that was read or written.
        path: PathBuf,
        /// The system's own error.
        #[source]
        source: std::io::Error,
    },
    /// Data could not be packed into the page.
    #[error("cannot pack the page's data: {0}")]
    Packing(#[from] std::io::Error),
    /// Data could not be written as JSON.
    #[error("cannot write the page's data: {0}")]
    Json(#[from] serde_json::Error),
    /// The plotting library did not draw a chart.
    #[error("chart {chart}: {what}")]
    Chart {
        /// Identifier or heading of the chart.
        chart: String,
        /// The library's own message.
        what: String,
    },
}

impl ReportError {
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }

    pub(crate) fn sound(what: impl Into<String>) -> Self {
        Self::Sound { what: what.into() }
    }
}
