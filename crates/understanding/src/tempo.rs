//! The tempo of a track, from levels of its bands.
//!
//! ```text
//! levels of bands -rises-> onset strength -autocorrelation-> how well each beat period repeats -prior-> tempo
//! ```
//!
//! Onsets are rises of bands in dB (spectral flux on a logarithmic scale: Klapuri, "Sound onset detection by applying
//! psychoacoustic knowledge", ICASSP 1999, section 3). A period is good if onsets repeat after one, two, three and four of
//! them; of good ones, that near two beats a second is what people tap (the prior of Ellis, "Beat tracking by dynamic
//! programming", Journal of New Music Research 2007, section 3.2, with a width of one octave as there).

use crate::sketch::{BANDS, HOP_SECONDS, TrackSketch};

/// The beat of a track.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tempo {
    /// Beats a minute, within [`TEMPO_RANGE_BPM`].
    pub beats_per_minute: f32,
    /// How much onsets repeat with the beat, 0 (chance) to 1 (always). Below some .1 there is hardly a beat.
    pub strength: f32,
}

/// Slowest and fastest beat that is looked for.
pub const TEMPO_RANGE_BPM: [f32; 2] = [45.0, 220.0];

/// Tempo that is likeliest before listening.
const PRIOR_BPM: f32 = 120.0;
/// Octaves from there at which the prior has fallen to e^-1/2.
const PRIOR_OCTAVES: f32 = 1.0;
/// Levels lower than the band's loudest by more than this rise without being heard as onsets.
const RANGE_DB: f32 = 50.0;
/// Rises that are not more than the steps of coded levels.
const STEP_DB: f32 = 2.0;
/// Half the stretch over which a local mean of onsets is taken.
const LOCAL_SECONDS: f32 = 0.5;
/// How much a repetition after 1, 2, 3, 4 beats tells of a beat.
const REPETITIONS: [f32; 4] = [1.0, 0.7, 0.4, 0.5];
/// Beats over which a tempo is measured once its octave is known.
const FINE_BEATS: usize = 16;
/// Tempi tried for one octave, evenly in their logarithm.
const PER_OCTAVE: usize = 120;

impl Tempo {
    /// The tempo of a track; none where no two beats fit, or nothing ever rises: silence, one held chord.
    #[must_use]
    pub fn of(sketch: &TrackSketch) -> Option<Self> {
        tempo(&sketch.mid_db, BANDS, (1.0 / HOP_SECONDS) as f32)
    }
}

/// The tempo of `levels_db`, in dB, `frames_per_second` times `bands` of them.
///
/// # Shapes
/// `[frame * bands + band]`
fn tempo(levels_db: &[f32], bands: usize, frames_per_second: f32) -> Option<Tempo> {
    if bands == 0 || !(frames_per_second > 1.0 && frames_per_second.is_finite()) {
        return None;
    }
    let onsets = without_local_mean(&onset_strength(levels_db, bands), frames_per_second);
    let period = |bpm: f32| frames_per_second * 60.0 / bpm;
    let longest = FINE_BEATS as f32 * period(TEMPO_RANGE_BPM[0]);
    let again = autocorrelation(&onsets, (longest.ceil() as usize + 2).min(onsets.len() / 2));
    let [slowest, fastest] = TEMPO_RANGE_BPM;
    let steps = ((fastest / slowest).log2() * PER_OCTAVE as f32) as usize;
    let tempi = (0..=steps).map(|step| slowest * (step as f32 / PER_OCTAVE as f32).exp2());
    let best = tempi
        .filter_map(|bpm| {
            let octaves = (bpm / PRIOR_BPM).log2() / PRIOR_OCTAVES;
            let repeats = repetition(&again, period(bpm), &REPETITIONS)?;
            Some((bpm, repeats * (-0.5 * octaves * octaves).exp()))
        })
        .max_by(|a, b| a.1.total_cmp(&b.1))?;
    if best.1 <= 0.0 {
        return None;
    }
    let beats_per_minute = refine(&again, best.0, frames_per_second);
    let strength = at(&again, period(beats_per_minute)).unwrap_or(0.0).clamp(0.0, 1.0);
    Some(Tempo { beats_per_minute, strength })
}

/// How much is beginning in each frame: rises of all bands in dB.
fn onset_strength(levels_db: &[f32], bands: usize) -> Vec<f32> {
    let mut tops = vec![f32::NEG_INFINITY; bands];
    for frame in levels_db.chunks_exact(bands) {
        for (top, &level) in tops.iter_mut().zip(frame) {
            *top = top.max(level);
        }
    }
    let loudest = tops.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    // A band that is far below the others is not heard, however it moves.
    let floors: Vec<f32> = tops.iter().map(|&top| (top - RANGE_DB).max(loudest - RANGE_DB - 20.0)).collect();
    let frames: Vec<&[f32]> = levels_db.chunks_exact(bands).collect();
    let mut onsets = vec![0.0; frames.len()];
    for (index, onset) in onsets.iter_mut().enumerate().skip(2) {
        *onset = (0..bands)
            .map(|band| {
                let level = frames[index][band].max(floors[band]);
                let before = frames[index - 1][band].max(frames[index - 2][band]).max(floors[band]);
                (level - before - STEP_DB).max(0.0)
            })
            .sum();
    }
    onsets
}

/// What stands out of its surroundings.
fn without_local_mean(onsets: &[f32], frames_per_second: f32) -> Vec<f32> {
    let reach = (LOCAL_SECONDS * frames_per_second).round() as usize;
    let sums: Vec<f64> = std::iter::once(0.0)
        .chain(onsets.iter().scan(0.0, |sum, &onset| {
            *sum += f64::from(onset);
            Some(*sum)
        }))
        .collect();
    let local = |index: usize| {
        let (from, to) = (index.saturating_sub(reach), (index + reach + 1).min(onsets.len()));
        ((sums[to] - sums[from]) / (to - from) as f64) as f32
    };
    onsets.iter().enumerate().map(|(index, &onset)| (onset - local(index)).max(0.0)).collect()
}

/// How alike the onsets are to themselves so many frames later: 1 at lag 0, 0 what chance would give.
fn autocorrelation(onsets: &[f32], lags: usize) -> Vec<f32> {
    let mean = onsets.iter().sum::<f32>() / onsets.len().max(1) as f32;
    let centred: Vec<f32> = onsets.iter().map(|onset| onset - mean).collect();
    let power = centred.iter().map(|x| x * x).sum::<f32>() / centred.len().max(1) as f32;
    if power <= 0.0 {
        return Vec::new();
    }
    // Onsets are seen to a frame: neighbours share.
    let raw: Vec<f32> = (0..lags)
        .map(|lag| {
            let pairs = centred.iter().zip(&centred[lag..]);
            pairs.map(|(a, b)| a * b).sum::<f32>() / ((centred.len() - lag) as f32 * power)
        })
        .collect();
    (0..raw.len())
        .map(|lag| {
            let near = |lag: usize| raw.get(lag).copied().unwrap_or(0.0);
            if lag == 0 { near(0) } else { 0.5 * near(lag) + 0.25 * (near(lag - 1) + near(lag + 1)) }
        })
        .collect()
}

/// Value at a lag between frames; none beyond the longest.
fn at(again: &[f32], lag: f32) -> Option<f32> {
    let whole = lag as usize;
    let part = lag - whole as f32;
    Some(again.get(whole)? * (1.0 - part) + again.get(whole + 1)? * part)
}

/// Weighted mean of how onsets repeat after 1, 2, ... periods, as far as the track is long enough.
fn repetition(again: &[f32], period: f32, weights: &[f32]) -> Option<f32> {
    let (mut sum, mut total) = (0.0, 0.0);
    for (index, weight) in weights.iter().enumerate() {
        let Some(value) = at(again, period * (index + 1) as f32) else { break };
        sum += weight * value;
        total += weight;
    }
    (total > 0.0).then(|| sum / total)
}

/// The tempo near `bpm` by which onsets repeat best over many beats: as exact as the track is long.
fn refine(again: &[f32], bpm: f32, frames_per_second: f32) -> f32 {
    let weights = [1.0; FINE_BEATS];
    let candidates = (-60..=60).map(|step| bpm * (1.0 + step as f32 * 0.0005));
    candidates
        .filter_map(|bpm| Some((bpm, repetition(again, frames_per_second * 60.0 / bpm, &weights)?)))
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map_or(bpm, |best| best.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAMES_PER_SECOND: f32 = 86.13;

    /// Bands that are struck with every beat and fade by 60 dB a second.
    fn struck(bpm: f32, seconds: f32, bands: usize) -> Vec<f32> {
        let frames = (seconds * FRAMES_PER_SECOND) as usize;
        (0..frames)
            .flat_map(|frame| {
                let beats = frame as f32 / FRAMES_PER_SECOND * bpm / 60.0;
                let since = beats.fract() * 60.0 / bpm;
                (0..bands).map(move |band| -20.0 - band as f32 - 60.0 * since)
            })
            .collect()
    }

    /// A fortieth: half a frame of the shortest period, 23 frames, measured over at least ten of them, is far less.
    #[test]
    fn struck_bands_have_their_tempo() {
        for bpm in [62.0, 85.0, 100.0, 120.0, 133.3, 150.0, 174.0] {
            let found = tempo(&struck(bpm, 20.0, 8), 8, FRAMES_PER_SECOND).unwrap();
            let ratio = found.beats_per_minute / bpm;
            let nearest =
                [0.5, 1.0, 2.0].iter().map(|octave| (ratio / octave - 1.0).abs()).fold(1.0, f32::min);
            assert!(nearest < 0.005, "{bpm}: {found:?}");
            assert!((85.0..=150.0).contains(&bpm) <= ((ratio - 1.0).abs() < 0.005), "{bpm}: {found:?}");
            assert!(found.strength > 0.3, "{found:?}");
        }
    }

    #[test]
    fn what_does_not_move_has_no_tempo() {
        assert_eq!(tempo(&[], 26, 86.0), None);
        assert_eq!(tempo(&[-30.0; 26], 26, 86.0), None);
        assert_eq!(tempo(&vec![-120.0; 26 * 2000], 26, 86.0), None);
        assert_eq!(tempo(&vec![-30.0; 26 * 2000], 26, 86.0), None);
        assert_eq!(tempo(&[-30.0; 26], 0, 86.0), None);
        assert_eq!(tempo(&[f32::NAN; 26 * 300], 26, 86.0), None);
        assert_eq!(tempo(&[-30.0; 26], 26, f32::NAN), None);
    }
}
