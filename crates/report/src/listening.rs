//! Excerpts of a bench as players: one clip in several versions, each with what was measured on it.

use std::collections::{BTreeMap, HashMap};
use std::path::{Component, Path};

use melisma_eval::Metric;
use melisma_eval::journal::{Key, Row};
use melisma_eval::results::{Listening, Results};

use crate::error::ReportError;
use crate::palette::look;
use crate::section::{Block, Note, Player, Section, Version};
use crate::sound::{Excerpt, Sound};
use crate::text::{identifier, number};

/// How much of the excerpts goes into the page.
#[derive(Clone, Copy, Debug)]
pub struct ListeningLimits {
    /// Largest number of clips.
    pub clips: usize,
    /// Largest number of bytes of audio, before base64 makes them a third larger.
    pub audio_bytes: u64,
}

/// Figures shown with each version, where they were measured.
const FIGURES: [Metric; 6] =
    [Metric::Zimtohrli, Metric::Nmr, Metric::Visqol, Metric::MelL1, Metric::StudyComplex8k, Metric::SiSdr];

/// Players for the clips of `results`, whose excerpts lie beside it in `folder`; what cannot be shown becomes a
/// note. `None` where the results have no excerpts.
///
/// # Errors
/// [`ReportError::Packing`]; a bad or missing excerpt is none.
pub fn section(
    results: &Results,
    folder: &Path,
    limits: ListeningLimits,
) -> Result<Option<Section>, ReportError> {
    if results.listening.is_empty() {
        return Ok(None);
    }
    let mut section = Section::new(
        "listening",
        "Listening",
        &[
            "Every version of a clip plays at the same place, so switching is a fair comparison: pick a version while it plays. Levels are shown because louder sounds better.",
            "Keys, while the focus is in a player: P or space plays, 0 to 9 pick a version, arrows move by a second, [ and ] set the loop's ends, L loops.",
        ],
    );
    let rows: HashMap<Key, &Row> = results.rows.iter().map(|row| (row.key(), row)).collect();
    let mut clips: BTreeMap<(&str, &str), Vec<&Listening>> = BTreeMap::new();
    for entry in &results.listening {
        clips.entry((&entry.setting, &entry.clip)).or_default().push(entry);
    }
    let (mut audio_bytes, mut shown) = (0, 0);
    let mut left_out = Vec::new();
    for ((setting, clip), mut entries) in clips {
        if shown == limits.clips {
            left_out.push(format!("{setting}/{clip}"));
            continue;
        }
        entries.sort_by(|a, b| {
            let of = |e: &Listening| (e.codec.is_some(), e.codec.clone());
            of(a).cmp(&of(b)).then(a.kbps.unwrap_or(0.0).total_cmp(&b.kbps.unwrap_or(0.0)))
        });
        let (excerpts, problems) = read(&entries, folder);
        section.blocks.extend(problems.into_iter().map(|what| warning(format!("{setting}/{clip}: {what}"))));
        let bytes: u64 = excerpts.iter().map(|(_, excerpt)| excerpt.flac_file.len() as u64).sum();
        if audio_bytes + bytes > limits.audio_bytes {
            left_out.push(format!("{setting}/{clip} ({:.1} MB)", bytes as f64 / 1e6));
            continue;
        }
        if let Some(player) = player(setting, clip, &excerpts, &rows)? {
            audio_bytes += bytes;
            shown += 1;
            section.blocks.push(Block::Player(player));
        }
    }
    if !left_out.is_empty() {
        section.blocks.push(warning(format!(
            "Left out, because the page was limited to {} clips and {:.0} MB of audio: {}.",
            limits.clips,
            limits.audio_bytes as f64 / 1e6,
            left_out.join(", ")
        )));
    }
    Ok(Some(section))
}

fn warning(text: String) -> Block {
    Block::Note(Note { text, warning: true })
}

type Read<'a> = Vec<(&'a Listening, Excerpt)>;

/// The excerpts that can be read and fit together, and a sentence for each that does not.
fn read<'a>(entries: &[&'a Listening], folder: &Path) -> (Read<'a>, Vec<String>) {
    let mut excerpts: Read = Vec::new();
    let mut problems = Vec::new();
    for entry in entries {
        let file = Path::new(&entry.file);
        // The results may come from a stranger: they name nothing outside of their folder.
        let excerpt = if file.components().all(|part| matches!(part, Component::Normal(_))) {
            Excerpt::read(&folder.join(file)).map_err(|error| error.to_string())
        } else {
            Err("not a file beside the results".to_owned())
        };
        let excerpt = excerpt.and_then(|excerpt| match excerpts.first() {
            Some((_, first)) if !fits(first, &excerpt) => Err(format!(
                "{} samples at {} Hz beside {} at {} Hz",
                excerpt.pcm.samples(),
                excerpt.pcm.sample_rate_hz,
                first.pcm.samples(),
                first.pcm.sample_rate_hz
            )),
            _ => Ok(excerpt),
        });
        match excerpt {
            Ok(excerpt) => excerpts.push((entry, excerpt)),
            Err(what) => problems.push(format!("no excerpt of {}: {what} ({})", name(entry), entry.file)),
        }
    }
    (excerpts, problems)
}

fn fits(a: &Excerpt, b: &Excerpt) -> bool {
    (a.pcm.samples(), a.pcm.sample_rate_hz) == (b.pcm.samples(), b.pcm.sample_rate_hz)
}

fn name(entry: &Listening) -> String {
    match (&entry.codec, &entry.label) {
        (None, _) => "the original".to_owned(),
        (Some(codec), None) => codec.clone(),
        (Some(codec), Some(label)) => format!("{codec} {label}"),
    }
}

fn player(
    setting: &str,
    clip: &str,
    excerpts: &Read<'_>,
    rows: &HashMap<Key, &Row>,
) -> Result<Option<Player>, ReportError> {
    let Some((first, Excerpt { pcm, .. })) = excerpts.first() else { return Ok(None) };
    let row_of = |entry: &Listening| {
        let (codec, label) = (entry.codec.clone()?, entry.label.clone()?);
        rows.get(&(setting.to_owned(), clip.to_owned(), codec, label)).copied()
    };
    let measured = |metric: &Metric| {
        excerpts.iter().any(|(entry, _)| row_of(entry).is_some_and(|row| row.metric(*metric).is_some()))
    };
    let metrics: Vec<Metric> = FIGURES.into_iter().filter(measured).collect();
    let mut versions = Vec::with_capacity(excerpts.len());
    for (entry, excerpt) in excerpts {
        let mut figures = vec![entry.kbps.map_or("-".to_owned(), |kbps| format!("{kbps:.1}"))];
        let row = row_of(entry);
        let figure = |&m: &Metric| row.and_then(|row| row.metric(m)).map_or("-".to_owned(), number);
        figures.extend(metrics.iter().map(figure));
        versions.push(Version {
            name: if entry.codec.is_none() { "original".to_owned() } else { name(entry) },
            look: look(entry.codec.as_deref().unwrap_or("original")),
            original: entry.codec.is_none(),
            figures,
            sound: Sound::with_file(&excerpt.pcm, &excerpt.flac_file)?,
        });
    }
    let mut figures = vec!["kbit/s".to_owned()];
    figures.extend(metrics.iter().map(|metric| metric.name().to_owned()));
    Ok(Some(Player {
        id: identifier(&format!("player-{setting}-{clip}")),
        title: format!("{setting}/{clip}"),
        start_s: first.start_s,
        seconds: pcm.seconds(),
        sample_rate_hz: pcm.sample_rate_hz,
        figures,
        versions,
    }))
}
