//! What was measured of a file, as a line for people, for tables and for programs.

use super::measure::Measured;
use crate::retag_file::Change;
use crate::text;
use serde_json::json;

/// The first line of a table.
pub const CSV_HEAD: &str = "file,seconds,tempo_bpm,tempo_strength,key,key_margin,tuning_cents,loudness_lufs,\
true_peak_dbtp,loudness_range_lu\n";

/// The numbers of a file as they are shown: none where there is nothing to tell.
struct Numbers {
    tempo_bpm: Option<f64>,
    tempo_strength: Option<f64>,
    key: Option<String>,
    key_margin: Option<f64>,
    tuning_cents: Option<f64>,
    loudness_lufs: Option<f64>,
    true_peak_dbtp: Option<f64>,
    loudness_range_lu: Option<f64>,
}

impl Numbers {
    fn of(measured: &Measured) -> Self {
        let rounded = |value: f32, digits: i32| {
            let factor = 10f64.powi(digits);
            Some((f64::from(value) * factor).round() / factor).filter(|value| value.is_finite())
        };
        let (tempo, key) = (measured.tempo, measured.key);
        Self {
            tempo_bpm: tempo.and_then(|tempo| rounded(tempo.beats_per_minute, 2)),
            tempo_strength: tempo.and_then(|tempo| rounded(tempo.strength, 3)),
            key: key.map(|heard| heard.key.to_string()),
            key_margin: key.and_then(|heard| rounded(heard.margin, 3)),
            tuning_cents: key.and_then(|heard| rounded(100.0 * heard.tuning_semitones, 0)),
            loudness_lufs: rounded(measured.loudness.integrated_lufs, 2),
            true_peak_dbtp: rounded(20.0 * measured.loudness.true_peak.log10(), 2),
            loudness_range_lu: measured.range_lu.and_then(|range| rounded(range, 2)),
        }
    }
}

/// For people.
pub fn as_text(file: &str, measured: &Measured) -> String {
    let numbers = Numbers::of(measured);
    let tempo = match (numbers.tempo_bpm, numbers.tempo_strength) {
        (Some(bpm), Some(strength)) => format!("{bpm:.1} BPM (strength {strength:.2})"),
        _ => "no beat".to_owned(),
    };
    let mut parts = vec![text::clock(measured.seconds), tempo];
    if let (Some(key), Some(margin)) = (&numbers.key, numbers.key_margin) {
        parts.push(format!("{key} (margin {margin:.2}, {:+.0} cents)", numbers.tuning_cents.unwrap_or(0.0)));
    }
    parts.push(numbers.loudness_lufs.map_or("silent".to_owned(), |lufs| format!("{lufs:.1} LUFS")));
    parts.extend(numbers.true_peak_dbtp.map(|peak| format!("peak {peak:.1} dBTP")));
    parts.extend(numbers.loudness_range_lu.map(|range| format!("range {range:.1} LU")));
    format!("{}: {}\n", text::printable(file), parts.join(", "))
}

/// For tables: a cell is empty where there is nothing to tell.
pub fn as_csv(file: &str, measured: &Measured) -> String {
    let numbers = Numbers::of(measured);
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let cells = [
        text::csv_cell(file),
        format!("{:.3}", measured.seconds),
        number(numbers.tempo_bpm),
        number(numbers.tempo_strength),
        numbers.key.unwrap_or_default(),
        number(numbers.key_margin),
        number(numbers.tuning_cents),
        number(numbers.loudness_lufs),
        number(numbers.true_peak_dbtp),
        number(numbers.loudness_range_lu),
    ];
    format!("{}\n", cells.join(","))
}

/// For programs; `changes` are the tags that are written, or would be.
pub fn as_json(file: &str, measured: &Measured, changes: &[Change]) -> String {
    let numbers = Numbers::of(measured);
    let written: serde_json::Map<String, serde_json::Value> =
        changes.iter().map(|change| (change.name.clone(), json!(change.new))).collect();
    let line = json!({
        "file": file,
        "seconds": (measured.seconds * 1e3).round() / 1e3,
        "tempo_bpm": numbers.tempo_bpm,
        "tempo_strength": numbers.tempo_strength,
        "key": numbers.key,
        "key_margin": numbers.key_margin,
        "tuning_cents": numbers.tuning_cents,
        "loudness_lufs": numbers.loudness_lufs,
        "true_peak_dbtp": numbers.true_peak_dbtp,
        "loudness_range_lu": numbers.loudness_range_lu,
        "damaged": measured.is_damaged,
        "tags": written,
    });
    format!("{line}\n")
}
