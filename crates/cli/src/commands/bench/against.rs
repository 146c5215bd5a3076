//! `--against`: what got worse since earlier results, in words.

use crate::exit::Outcome;
use crate::report::{self, hinted};
use crate::text;
use melisma_eval::bootstrap::BootstrapConfig;
use melisma_eval::journal::Row;
use melisma_eval::regression;
use std::path::Path;

/// Compares `now` with `before`, read from `path`, and says what got worse; that anything did is a failure.
pub fn compare(now: &[Row], before: &[Row], path: &Path, quiet: bool) -> anyhow::Result<Outcome> {
    let compared = regression::compare(now, before, BootstrapConfig::default());
    if compared.pairs == 0 {
        return Err(hinted(
            format!("{} holds no measurement of these clips with these codecs", path.display()),
            "measure the same clips, codecs and rates; a clip counts only if its file is the same",
        ));
    }
    for row in &compared.failed {
        let reason = row.error.as_deref().unwrap_or_default();
        report::say(&text::printable(&format!(
            "worse: {} {} at {}: fails now on {}: {reason}",
            row.setting, row.codec, row.label, row.clip
        )));
    }
    compared.worse.iter().for_each(|worse| report::say(&format!("worse: {worse}")));
    let worse = compared.worse.len() + compared.failed.len();
    if !quiet || worse > 0 {
        let pairs = text::count(compared.pairs, "measurement");
        report::say(&format!("{pairs} compared with {}: {}", path.display(), findings(worse)));
    }
    if compared.other_clips > 0 {
        let number = text::count(compared.other_clips, "measurement");
        report::warn(&format!("{number} not compared: the clip has changed since"));
    }
    Ok(if worse > 0 { Outcome::Failure } else { Outcome::Success })
}

fn findings(worse: usize) -> String {
    match worse {
        0 => "nothing got worse beyond noise".to_owned(),
        _ => text::count(worse, "finding"),
    }
}
