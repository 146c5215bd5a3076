//! A manifest in a few lines, for people.

use crate::text;
use melisma_data::manifest::{ArtistFrom, SplitRule};
use melisma_data::{Entry, Manifest, Split, Verdict};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Refused files told one by one, of each kind; the manifest has all.
const TOLD_PER_VERDICT: usize = 5;

/// The table of parts, genres and refusals.
pub fn summary(manifest: &Manifest, all_refused: bool) -> String {
    let mut out = String::new();
    parts(manifest, &mut out);
    genres(manifest, &mut out);
    refused(manifest, all_refused, &mut out);
    out
}

/// The same for programs.
pub fn summary_json(manifest: &Manifest, with_refused: bool) -> anyhow::Result<serde_json::Value> {
    let part = |split: Split| {
        let entries: Vec<&Entry> = manifest.part(split).collect();
        let artists: BTreeSet<&str> = entries.iter().filter_map(|entry| entry.artist.as_deref()).collect();
        // Not `sum`, which is -0 of nothing.
        let seconds = entries.iter().filter_map(|entry| entry.seconds).fold(0.0, std::ops::Add::add);
        (split.name(), json!({ "files": entries.len(), "seconds": seconds, "artists": artists.len() }))
    };
    let verdicts = manifest.counts().into_iter().map(|(verdict, count)| (verdict.name(), count));
    let mut object = json!({
        "root": manifest.root.display().to_string(),
        "hash": manifest.hash()?,
        "files": manifest.entries.len(),
        "parts": Split::ALL.into_iter().map(part).collect::<BTreeMap<_, _>>(),
        "verdicts": verdicts.collect::<BTreeMap<_, _>>(),
        "artists_in_several_parts": manifest.artists_across_parts(),
    });
    if with_refused {
        let refused = manifest.entries.iter().filter(|entry| entry.verdict != Verdict::Ok).map(
            |entry| json!({ "file": entry.path, "verdict": entry.verdict.name(), "reason": entry.reason }),
        );
        object["refused"] = refused.collect();
    }
    Ok(object)
}

fn hours(seconds: f64) -> String {
    if seconds < 3600.0 { format!("{:.1} min", seconds / 60.0) } else { format!("{:.1} h", seconds / 3600.0) }
}

fn rule(rule: &SplitRule) -> String {
    match (rule.shares, rule.seed) {
        (Some(shares), Some(seed)) => {
            let shares = shares.map(|share| format!("{:.0}", 100.0 * share)).join("/");
            format!("{shares} by {}, seed {seed}", rule.by)
        }
        _ => rule.by.clone(),
    }
}

// Writing to a String cannot fail: the results below carry nothing.
fn parts(manifest: &Manifest, out: &mut String) {
    let drawn = manifest.split.as_ref().map_or_else(|| "none".to_owned(), rule);
    let _ = writeln!(out, "parts: {drawn}");
    let row = |out: &mut String, name: &str, entries: &[&Entry]| {
        let seconds = entries.iter().filter_map(|entry| entry.seconds).fold(0.0, std::ops::Add::add);
        let artists: BTreeSet<&str> = entries.iter().filter_map(|entry| entry.artist.as_deref()).collect();
        let _ = writeln!(
            out,
            "  {name:<6} {:>12}  {:>9}  {:>12}",
            text::count(entries.len(), "file"),
            hours(seconds),
            text::count(artists.len(), "artist")
        );
    };
    for split in Split::ALL {
        row(out, split.name(), &manifest.part(split).collect::<Vec<_>>());
    }
    let usable: Vec<&Entry> = manifest.entries.iter().filter(|entry| entry.is_ok()).collect();
    let without: Vec<&Entry> = usable.iter().copied().filter(|entry| entry.split.is_none()).collect();
    if !without.is_empty() {
        row(out, "none", &without);
    }
    let from = |source| usable.iter().filter(|entry| entry.artist_from == source).count();
    let sources: Vec<String> = [
        (Some(ArtistFrom::Table), "by a table"),
        (Some(ArtistFrom::Tags), "by tags"),
        (Some(ArtistFrom::Folder), "by folder"),
        (None, "unknown (each file stands alone)"),
    ]
    .into_iter()
    .map(|(source, name)| (from(source), name))
    .filter(|(count, _)| *count > 0)
    .map(|(count, name)| format!("{count} {name}"))
    .collect();
    if !sources.is_empty() {
        let _ = writeln!(out, "artists: {}", sources.join(", "));
    }
    let leaks = manifest.artists_across_parts();
    if !leaks.is_empty() {
        let _ = writeln!(
            out,
            "{} in more than one part, such as {}: results on such a split flatter",
            text::count(leaks.len(), "artist"),
            text::printable(leaks[0])
        );
    }
}

fn genres(manifest: &Manifest, out: &mut String) {
    /// Most genres that are listed.
    const MOST_GENRES: usize = 20;
    let mut genres: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for entry in manifest.entries.iter().filter(|entry| entry.is_ok()) {
        if let (Some(genre), Some(split)) = (entry.genre.as_deref(), entry.split) {
            genres.entry(genre).or_default()[split as usize] += 1;
        }
    }
    if genres.is_empty() || genres.len() > MOST_GENRES {
        return;
    }
    let _ = writeln!(out, "{:<20} {:>6} {:>6} {:>6}", "genres", "train", "val", "test");
    for (genre, [train, val, test]) in genres {
        let _ = writeln!(out, "  {:<18} {train:>6} {val:>6} {test:>6}", text::printable(genre));
    }
}

fn refused(manifest: &Manifest, all: bool, out: &mut String) {
    for (verdict, count) in manifest.counts().into_iter().filter(|(verdict, _)| *verdict != Verdict::Ok) {
        let _ = writeln!(out, "{}: {count}", verdict.name());
        let told = if all { usize::MAX } else { TOLD_PER_VERDICT };
        for entry in manifest.entries.iter().filter(|entry| entry.verdict == verdict).take(told) {
            let reason = entry.reason.as_deref().unwrap_or_default();
            let _ = writeln!(out, "  {}: {}", text::printable(&entry.path), text::printable(reason));
        }
        if count > told {
            let _ = writeln!(out, "  ... and {} more", count - told);
        }
    }
}
