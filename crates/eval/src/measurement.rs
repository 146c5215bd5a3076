//! One clip through one codec at one point, judged: what the codec made of the clip in, the figures of a row out.

use crate::error::EvalError;
use crate::journal::Row;
use crate::peers::Coded;
use crate::reference::{Reference, ScoreOptions};

/// A decoded version may be shorter than the clip by this much (a codec that drops its tail) ...
const MAX_SHORTER_S: f64 = 0.5;
/// ... or longer by this much (delay and padding).
const MAX_LONGER_S: f64 = 1.0;

/// Refuses output that cannot be the clip: empty, of another length, with a wrong rate, not numbers.
pub(crate) fn checked(coded: Coded, reference: &Reference) -> Result<Coded, EvalError> {
    let (pcm, clip_seconds) = (&coded.pcm, reference.pcm().seconds());
    if pcm.is_empty() {
        return Err(EvalError::NoSound("no samples"));
    }
    let longer_s = pcm.seconds() - clip_seconds;
    if !(-MAX_SHORTER_S..=MAX_LONGER_S).contains(&longer_s) {
        let (seconds, sample_rate_hz) = (pcm.seconds(), pcm.sample_rate_hz);
        return Err(EvalError::NotTheClip { seconds, sample_rate_hz, clip_seconds });
    }
    if pcm.channels.iter().flatten().any(|x| !x.is_finite()) {
        return Err(EvalError::NoSound("samples that are not numbers"));
    }
    Ok(coded)
}

/// Fills in everything but the perceptual metrics; returns the decoded version as it was scored, `[channel][sample]`.
pub(crate) fn describe(
    row: &mut Row,
    coded: &Coded,
    reference: &Reference,
    options: ScoreOptions,
) -> Vec<Vec<f32>> {
    row.bytes_file = coded.file_bytes;
    row.bytes_payload = coded.payload_bytes;
    row.kbps = rounded(coded.file_bytes as f64 * 8e-3 / row.seconds);
    row.kbps_payload = rounded(coded.payload_bytes as f64 * 8e-3 / row.seconds);
    (row.encode, row.decode) = (coded.encode, coded.decode);
    (row.decoded_rate_hz, row.decoded_channels) = (coded.pcm.sample_rate_hz, coded.pcm.channel_count());
    let prepared = reference.prepare(&coded.pcm, options);
    row.lag_samples = prepared.delay.lag_samples as i64;
    row.fraction_samples = prepared.delay.fraction_samples;
    row.gain_fix_db = prepared.gain_fix_db;
    row.metrics = reference.score(&prepared.channels).into_iter().map(|(m, v)| (m, finite(v))).collect();
    prepared.channels
}

/// A measured figure; none if it is no number.
pub(crate) fn finite(value: f64) -> Option<f64> {
    value.is_finite().then(|| rounded(value))
}

/// To six digits: more than any figure here is good for, and the files of results stay small.
fn rounded(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}
