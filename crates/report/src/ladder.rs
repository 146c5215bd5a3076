//! The same excerpt at every rate through every codec, as a grid to hear what bitrate means.

use melisma_signal::Pcm;

use crate::error::ReportError;
use crate::page::Page;
use crate::palette::look;
use crate::section::{Block, Ladder, LadderCell, LadderColumn, Section, Version};
use crate::sound::Sound;

/// What was made of the excerpt at one rate by one codec.
#[derive(Clone, Debug)]
pub enum Rung {
    /// The codec's result.
    Coded(Box<CodedRung>),
    /// There is no result, for this reason.
    Unavailable(String),
}

/// A coded excerpt.
#[derive(Clone, Debug)]
pub struct CodedRung {
    /// The decoded sound: aligned with the original, as long, at the same rate.
    pub pcm: Pcm,
    /// Bitrate of the whole file, kbit/s.
    pub kbps: f64,
    /// Names and values of what was measured, as text.
    pub figures: Vec<(String, String)>,
}

/// A ladder before it becomes a page.
#[derive(Clone, Debug)]
pub struct LadderConfig {
    /// Name of the song.
    pub song: String,
    /// Time in the song at which the excerpt starts, seconds.
    pub start_s: f64,
    /// The excerpt itself.
    pub original: Pcm,
    /// Nominal rates in kbit/s: the rows.
    pub rates_kbps: Vec<f64>,
    /// Names of the codecs: the columns.
    pub codecs: Vec<String>,
    /// Name of each codec with its settings and version.
    pub recipes: Vec<(String, String)>,
    /// What came of each rate and codec, `[rate][codec]`.
    pub rungs: Vec<Vec<Rung>>,
}

/// Length of the song whose size in bytes is told, seconds.
const SONG_S: f64 = 240.0;

impl LadderConfig {
    /// Packs the excerpts into a page.
    ///
    /// # Errors
    /// [`ReportError::Media`] or [`ReportError::Packing`] if a sound cannot be packed, [`ReportError::Sound`] if
    /// one is not as long as the original.
    pub fn init(self) -> Result<Page, ReportError> {
        let (samples, sample_rate_hz) = (self.original.samples(), self.original.sample_rate_hz);
        let mut versions = vec![Version {
            name: "original".to_owned(),
            look: look("original"),
            original: true,
            figures: Vec::new(),
            sound: Sound::of(&self.original)?,
        }];
        let mut cells = Vec::with_capacity(self.rungs.len());
        for (rungs, &rate) in self.rungs.iter().zip(&self.rates_kbps) {
            let mut row = Vec::with_capacity(rungs.len());
            for (rung, codec) in rungs.iter().zip(&self.codecs) {
                row.push(match rung {
                    Rung::Unavailable(reason) => LadderCell::Unavailable { reason: reason.clone() },
                    Rung::Coded(coded) => {
                        if (coded.pcm.samples(), coded.pcm.sample_rate_hz) != (samples, sample_rate_hz) {
                            return Err(ReportError::sound(format!(
                                "{codec} at {rate} kbit/s is not as long as the original"
                            )));
                        }
                        let size_kb = coded.kbps * SONG_S / 8.0;
                        let mut lines = vec![
                            format!("{:.1} kbit/s", coded.kbps),
                            format!("a 4-minute song: {size_kb:.0} kB"),
                        ];
                        lines.extend(coded.figures.iter().map(|(name, value)| format!("{name} {value}")));
                        versions.push(Version {
                            name: format!("{codec} at {:.1} kbit/s", coded.kbps),
                            look: look(codec),
                            original: false,
                            figures: Vec::new(),
                            sound: Sound::of(&coded.pcm)?,
                        });
                        LadderCell::Coded { version: versions.len() - 1, lines }
                    }
                });
            }
            cells.push(row);
        }
        let mut section = Section::new(
            "ladder",
            "What bitrate means",
            &[
                "One excerpt, coded at each rate by each codec. Pick a place while it plays: the music goes on from the same moment. Arrow keys move through the grid, P plays and pauses.",
                "Rates are those of the whole file of this excerpt, so they differ from what was asked for. A low study RMSE is closer to the waveform below 4 kHz; a low zimtohrli distance is closer to the ear.",
            ],
        );
        let pcm_kbps = f64::from(sample_rate_hz) * self.original.channel_count() as f64 * 16.0 / 1000.0;
        section.intro.push(format!("The original has {pcm_kbps:.0} kbit/s as 16-bit PCM."));
        section.blocks.push(Block::Ladder(Ladder {
            id: "ladder-grid".to_owned(),
            seconds: self.original.seconds(),
            sample_rate_hz,
            rows: self.rates_kbps.iter().map(|rate| format!("{rate} kbit/s")).collect(),
            columns: self.codecs.into_iter().map(|name| LadderColumn { look: look(&name), name }).collect(),
            cells,
            versions,
        }));
        let mut origin = Section::new("origin", "Where it comes from", &[]);
        let mut facts = vec![
            ("song".to_owned(), self.song.clone()),
            ("excerpt".to_owned(), format!("{:.1} s from {:.1} s on", self.original.seconds(), self.start_s)),
            (
                "format".to_owned(),
                format!("{sample_rate_hz} Hz, {} channel(s)", self.original.channel_count()),
            ),
        ];
        facts.extend(self.recipes);
        origin.blocks.push(Block::Facts { facts });
        Ok(Page {
            title: format!("Ladder of bitrates: {}", self.song),
            written_unix_s: None,
            sections: vec![section, origin],
        })
    }
}
