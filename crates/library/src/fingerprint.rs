//! A fingerprint of a recording, by which it is recognised in another file: at another bitrate, in another format, at
//! another level.
//!
//! Each word says of sixteen neighbouring pairs of bands, 100 Hz to 4.4 kHz, whether their difference in level has risen
//! or fallen within a quarter of a second: signs, which neither gain nor coding noise turns easily, of changes, which
//! two recordings of one song do not share. After Haitsma and Kalker 2002, "A highly robust audio fingerprinting system",
//! section 4.2, on the bands of the sketch and with longer windows, for sketches of small files are coarse in time.
//!
//! ```text
//! levels of bands over time -mean power in windows of 256 ms-> levels at 16 Hz -signs of differences-> 16 bits each
//! ```

use melisma_codec::SILENCE_DB;

/// Words a second.
pub const WORDS_PER_SECOND: f64 = 16.0;
/// Seconds of a track, from its first sound on, that its fingerprint covers: 2 kB.
pub const COVERED_SECONDS: f64 = 60.0;
/// Length of the window in which powers are averaged.
const WINDOW_SECONDS: f64 = 0.256;
/// Words from one level to that which it is compared with.
const LAG: usize = 4;
/// The first band and the one behind the last: 100 Hz to 4.4 kHz, which all sampling rates have.
const BANDS: std::ops::Range<usize> = 1..18;
/// Below this a beginning counts as silent.
const FIRST_SOUND_DB: f32 = -60.0;
/// Two fingerprints are moved against each other by up to so many words: encoders begin late, and silence that opens a
/// track is not equally long in all copies.
const MAX_OFFSET: usize = 40;
/// Least words in which something happens: 3 s. Less tells nothing.
const LEAST_WORDS: usize = 48;

/// Up to this part of differing bits two fingerprints are of one recording; chance gives a half.
///
/// Chosen on the training and validation artists of the genre corpus, tracks of one title aside: 54 tracks in six low-rate
/// codings differ from their copies in up to this in 95 of 100 pairs. Of different recordings, two remixes of one track
/// differ least, in 0.347, and unlike pieces in 0.426 or more. How many copies are found: docs/results/duplicates.md.
pub const SAME_RECORDING: f32 = 0.34;

/// The fingerprint of levels `[frame * bands + band]` in dB, with so many frames a second. What comes behind
/// [`COVERED_SECONDS`] of sound is not looked at. Empty where there are fewer bands than it needs.
#[must_use]
pub fn fingerprint(levels_db: &[f32], bands: usize, frames_per_second: f64) -> Vec<u16> {
    if bands < BANDS.end || frames_per_second <= 0.0 {
        return Vec::new();
    }
    let frames = levels_db.chunks_exact(bands);
    let is_sound = |frame: &[f32]| frame.iter().any(|&level| level > FIRST_SOUND_DB);
    let silent = frames.clone().take_while(|frame| !is_sound(frame)).count();
    let most = ((COVERED_SECONDS + 1.0) * frames_per_second) as usize;
    // [band][frame]: sums of powers of all frames before.
    let mut sums: Vec<Vec<f64>> = vec![vec![0.0]; BANDS.len()];
    for frame in frames.skip(silent).take(most) {
        for (sums, &level) in sums.iter_mut().zip(&frame[BANDS]) {
            let power = 10f64.powf(f64::from(level.max(SILENCE_DB)) / 10.0);
            sums.push(sums[sums.len() - 1] + power);
        }
    }
    let seconds = (sums[0].len() - 1) as f64 / frames_per_second;
    let count =
        ((seconds.min(COVERED_SECONDS) - WINDOW_SECONDS) * WORDS_PER_SECOND).floor().max(-1.0) as i64 + 1;
    // [time][band] in dB.
    let levels: Vec<Vec<f64>> = (0..count)
        .map(|time| {
            let begin = time as f64 / WORDS_PER_SECOND * frames_per_second;
            let end = begin + WINDOW_SECONDS * frames_per_second;
            let mean = |sums: &Vec<f64>| (sum_to(sums, end) - sum_to(sums, begin)) / (end - begin);
            // The floor keeps silence from having a shape.
            sums.iter().map(|sums| 10.0 * (mean(sums).max(0.0) + 1e-9).log10()).collect()
        })
        .collect();
    levels
        .windows(LAG + 1)
        .map(|window| {
            let (now, before) = (&window[LAG], &window[0]);
            let rises = |band: usize| (now[band] - now[band + 1]) - (before[band] - before[band + 1]) > 0.0;
            (0..BANDS.len() - 1).fold(0u16, |word, band| word << 1 | u16::from(rises(band)))
        })
        .collect()
}

/// The sum up to a place between two frames.
fn sum_to(sums: &[f64], place: f64) -> f64 {
    let last = sums.len() - 1;
    let whole = (place.max(0.0) as usize).min(last);
    let next = (whole + 1).min(last);
    sums[whole] + (place - whole as f64).clamp(0.0, 1.0) * (sums[next] - sums[whole])
}

/// How two fingerprints lie on each other best.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alignment {
    /// Part of the bits that differ, 0..=1; a half by chance.
    pub differing: f32,
    /// Seconds by which the second begins later than the first.
    pub offset_seconds: f32,
}

impl Alignment {
    /// Whether it is one recording.
    #[must_use]
    pub fn is_same_recording(&self) -> bool {
        self.differing <= SAME_RECORDING
    }
}

/// Moves two fingerprints against each other to where fewest bits differ; none where too little happens in one of them.
#[must_use]
pub fn align(first: &[u16], second: &[u16]) -> Option<Alignment> {
    let shorter = first.len().min(second.len());
    // Nine tenths of the shorter one must lie on the other.
    let least = LEAST_WORDS.max(shorter - shorter / 10);
    let offsets = -(MAX_OFFSET as i64)..=MAX_OFFSET as i64;
    // From the middle outwards, so that of equals the smallest offset stays.
    let mut offsets: Vec<i64> = offsets.collect();
    offsets.sort_by_key(|offset| (offset.abs(), *offset));
    let mut best: Option<Alignment> = None;
    for offset in offsets {
        let first = &first[usize::try_from(-offset).unwrap_or(0).min(first.len())..];
        let second = &second[usize::try_from(offset).unwrap_or(0).min(second.len())..];
        let overlap = first.len().min(second.len());
        if overlap < least {
            continue;
        }
        // Where both are still, nothing is compared.
        let pairs = first.iter().zip(second).filter(|(a, b)| **a | **b != 0);
        let (words, bits) =
            pairs.fold((0usize, 0u32), |(words, bits), (a, b)| (words + 1, bits + (a ^ b).count_ones()));
        if words < LEAST_WORDS {
            continue;
        }
        let differing = bits as f32 / (16 * words) as f32;
        if best.is_none_or(|best| differing < best.differing) {
            best = Some(Alignment { differing, offset_seconds: offset as f32 / WORDS_PER_SECOND as f32 });
        }
    }
    best
}

/// Words at the beginning that are looked at to rule out a pair: 6 s.
const BEGINNING_WORDS: usize = 96;
/// Recordings of equal length begin at most so many words apart: what coders add in front, half a second.
const BEGINNING_OFFSET: usize = 8;
/// Beginnings that differ in more are of two recordings. On the tracks that [`SAME_RECORDING`] was chosen on, this keeps every
/// copy that is one by all of its bits, and hardly a stranger.
const BEGINNING_DIFFERING: f32 = 0.42;

/// Whether two recordings of equal length may be one, by their beginnings: a fraction of the work of [`align`].
#[must_use]
pub fn begin_alike(first: &[u16], second: &[u16]) -> bool {
    let differing = |first: &[u16], second: &[u16]| {
        let words = first.len().min(second.len()).min(BEGINNING_WORDS);
        let bits: u32 = first[..words].iter().zip(second).map(|(a, b)| (a ^ b).count_ones()).sum();
        bits as f32 / (16 * words).max(1) as f32
    };
    (0..=BEGINNING_OFFSET).any(|offset| {
        differing(&first[offset.min(first.len())..], second) <= BEGINNING_DIFFERING
            || differing(first, &second[offset.min(second.len())..]) <= BEGINNING_DIFFERING
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use melisma_signal::Random;

    const BAND_COUNT: usize = 25;

    /// Levels that wander, as music's do.
    fn levels(seed: u64, frames: usize) -> Vec<f32> {
        let mut random = Random::new(seed);
        let mut state = vec![-30f32; BAND_COUNT];
        let mut out = Vec::new();
        for _ in 0..frames {
            for level in &mut state {
                *level += 3.0 * (random.unit() as f32 - 0.5) - 0.02 * (*level + 30.0);
            }
            out.extend(&state);
        }
        out
    }

    #[test]
    fn a_copy_is_recognised_at_another_level_later_and_with_noise() {
        let original = levels(1, 3000);
        let print = fingerprint(&original, BAND_COUNT, 86.0);
        assert_eq!(print.len(), (WORDS_PER_SECOND * (3000.0 / 86.0 - WINDOW_SECONDS)) as usize + 1 - LAG);
        let mut random = Random::new(5);
        // A second late, 10 dB softer, 2 dB of noise.
        let mut copy: Vec<f32> = vec![-40.0; 86 * BAND_COUNT];
        copy.extend(original.iter().map(|level| level - 10.0 + 4.0 * (random.unit() as f32 - 0.5)));
        let found = align(&print, &fingerprint(&copy, BAND_COUNT, 86.0)).unwrap();
        assert!(found.is_same_recording(), "{found:?}");
        assert!((found.offset_seconds - 1.0).abs() < 0.1, "{found:?}");
        // Silence before it is not even an offset.
        let late = [vec![SILENCE_DB; 860 * BAND_COUNT], original.clone()].concat();
        let found = align(&print, &fingerprint(&late, BAND_COUNT, 86.0)).unwrap();
        assert_eq!((found.differing, found.offset_seconds), (0.0, 0.0));
        for seed in 2..20 {
            let found = align(&print, &fingerprint(&levels(seed, 3000), BAND_COUNT, 86.0)).unwrap();
            // The least of 81 offsets, each of 500 words or more of which every fourth is independent of the others:
            // one half less five deviations, sqrt(1 / 4 / (16 * 125)) each.
            assert!(found.differing > 0.44, "{found:?}");
        }
    }

    #[test]
    fn beginnings_rule_strangers_out_and_no_copy() {
        let print = |levels: &[f32]| fingerprint(levels, BAND_COUNT, 86.0);
        let original = levels(1, 3000);
        let mut random = Random::new(5);
        let copy: Vec<f32> =
            original.iter().map(|level| level + 4.0 * (random.unit() as f32 - 0.5)).collect();
        // A fifth of a second late.
        let late = [vec![-40.0; 17 * BAND_COUNT], copy.clone()].concat();
        for other in [&copy, &late, &original] {
            assert!(
                begin_alike(&print(&original), &print(other))
                    && begin_alike(&print(other), &print(&original))
            );
        }
        let strangers = (2..20).filter(|&seed| begin_alike(&print(&original), &print(&levels(seed, 3000))));
        // The least of 17 offsets of 24 independent words: one half less four deviations, sqrt(1 / 4 / (16 * 24)) each, is 0.40.
        assert!(strangers.count() <= 2);
        // What tells nothing rules nothing out.
        assert!(begin_alike(&[], &print(&original)) && begin_alike(&print(&original), &[]));
    }

    #[test]
    fn what_tells_nothing_is_not_compared() {
        let short = fingerprint(&levels(1, 86), BAND_COUNT, 86.0);
        assert_eq!(align(&short, &short), None);
        let silent = fingerprint(&vec![SILENCE_DB; 3000 * BAND_COUNT], BAND_COUNT, 86.0);
        assert_eq!(align(&silent, &silent), None);
        let tone: Vec<f32> = vec![-20.0; 3000 * BAND_COUNT];
        let tone = fingerprint(&tone, BAND_COUNT, 86.0);
        assert_eq!(align(&tone, &tone), None);
        for (levels, bands, rate) in [(&[][..], 25, 86.0), (&[0.0; 40], 10, 86.0), (&[0.0; 50], 25, 0.0)] {
            assert!(fingerprint(levels, bands, rate).is_empty());
        }
    }
}
