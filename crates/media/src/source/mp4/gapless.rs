//! Where the music of an MP4 track begins and ends within its packets.
//!
//! Input: the index (`moov`); output: how much decoded sound precedes the music, and how long it is. Sources: ISO/IEC 14496-12, 8.6.6 (edit list), 8.6.1.2 (time to sample); the `iTunSMPB`
//! comment of Apple's encoders (hexadecimal: flags, delay, padding, length).

use super::boxes::{children, find, long, timescale, wide};
use super::track::Track;

/// What the index says about the start and the end of a track's music, in its time scale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gapless {
    /// Ticks a second in which the rest is given; normally the sampling rate.
    pub timescale_hz: u32,
    /// Ticks before the music, if stated.
    pub delay: Option<u64>,
    /// Ticks of music.
    pub total: Option<u64>,
    /// Whether the edit list repeats, leaves out or turns round parts; what it shows of the track is then played
    /// from its earliest to its latest, each part once.
    pub is_rearranged: bool,
}

/// What an index says of a track's length and ends, in its own units.
#[derive(Clone, Debug, Default)]
pub struct Stated {
    /// Ticks a second of the track.
    pub timescale_hz: u32,
    /// Ticks that the track's packets last, by their durations and by the track's header.
    pub stored: Option<u64>,
    pub media_ticks: Option<u64>,
    /// Packets that durations are stated of, and the one that most of them have.
    pub counted: u64,
    pub packet_ticks: u64,
    /// Whether the last packet is shorter than the others: then the durations are exact.
    pub is_last_short: bool,
    /// Ticks a second of the movie, in which edits and the track's duration are counted.
    pub movie_hz: Option<u32>,
    pub track_duration: Option<u64>,
    pub edits: Vec<Edit>,
    /// Delay and length that the comment of Apple's encoders states.
    pub comment: Option<(u64, u64)>,
}

/// What the index says about gaps. `None` if nothing makes sense: then nothing is cut.
pub fn gapless(track: &Track) -> Option<Gapless> {
    Stated::of(track).gapless()
}

impl Stated {
    /// What the index says of `track`.
    pub fn of(track: &Track) -> Self {
        let Track { body: track, index, timescale_hz, .. } = *track;
        // A fragmented file keeps its packets elsewhere.
        let durations = find(track, &[b"mdia", b"minf", b"stbl", b"stts"]);
        let durations = durations.filter(|_| find(index, &[b"mvex"]).is_none());
        let runs = durations.map(runs).unwrap_or_default();
        let stored = runs.iter().map(|(count, ticks)| count * ticks).fold(0, u64::saturating_add);
        let media = find(track, &[b"mdia", b"mdhd"]);
        let media_ticks = media.and_then(|header| match header.first()? {
            1 => wide(header, 24),
            _ => long(header, 16).map(u64::from),
        });
        Self {
            timescale_hz,
            stored: Some(stored).filter(|stored| *stored > 0),
            media_ticks: media_ticks.filter(|ticks| *ticks > 0 && *ticks != u64::from(u32::MAX)),
            counted: runs.iter().map(|(count, _)| *count).fold(0, u64::saturating_add),
            packet_ticks: runs.iter().max_by_key(|(count, _)| *count).map_or(0, |(_, ticks)| *ticks),
            is_last_short: matches!(runs[..], [.., (_, usual), (1, last)] if last < usual),
            movie_hz: find(index, &[b"mvhd"]).and_then(timescale),
            track_duration: track_duration(track),
            edits: find(track, &[b"edts", b"elst"]).map(|list| edits(list, stored > 0)).unwrap_or_default(),
            comment: itunes_comment(index),
        }
    }

    /// Ticks of the track in so many of the movie.
    pub fn media(&self, duration: u64, movie_hz: u32) -> u64 {
        let product = u128::from(duration) * u128::from(self.timescale_hz);
        u64::try_from(product / u128::from(movie_hz.max(1))).unwrap_or(u64::MAX)
    }

    /// Where the music begins and ends by all of that; `None` without a time scale.
    pub fn gapless(&self) -> Option<Gapless> {
        let Self { timescale_hz, stored, .. } = *self;
        if timescale_hz == 0 {
            return None;
        }
        let mut gapless = Gapless { timescale_hz, delay: None, total: stored, is_rearranged: false };
        // Where the durations of edits are far from that of the track, one of the two is damaged.
        let edited: u64 = self.edits.iter().map(|edit| edit.duration).fold(0, u64::saturating_add);
        let agrees = |stated: u64| edited == 0 || stated.abs_diff(edited) <= stated.max(edited) / 16;
        let agrees = self.track_duration.is_none_or(agrees);
        let movie_hz = self.movie_hz.filter(|_| agrees);
        let shown = |edit: &Edit| Some((edit.start?, edit.duration));
        let shown: Vec<(u64, u64)> = self.edits.iter().filter_map(shown).collect();
        if let Some((delay, _)) = shown.first().copied() {
            let after_delay = stored.map(|stored| stored.saturating_sub(delay));
            gapless.delay = Some(delay);
            gapless.total = match movie_hz {
                None => after_delay,
                Some(movie_hz) => {
                    // Rounded to the movie's ticks, often milliseconds.
                    let tick = u64::from(timescale_hz).div_ceil(u64::from(movie_hz));
                    let media = |duration| self.media(duration, movie_hz);
                    let ends = shown.iter().map(|(start, duration)| start.saturating_add(media(*duration)));
                    let follows = |pair: &[(u64, u64)]| {
                        pair[1].0.abs_diff(pair[0].0.saturating_add(media(pair[0].1))) <= 2 * tick
                    };
                    gapless.is_rearranged = !shown.windows(2).all(follows);
                    let first = shown.iter().map(|(start, _)| *start).min().unwrap_or(delay);
                    gapless.delay = Some(first);
                    let edited = ends.max().unwrap_or(first).saturating_sub(first);
                    let after_first = stored.map(|stored| stored.saturating_sub(first));
                    match after_first {
                        // Within rounding, the packets' own sum is the finer of the two.
                        Some(after) if edited.abs_diff(after) <= shown.len() as u64 * tick || edited == 0 => {
                            Some(after)
                        }
                        Some(after) => Some(after.min(edited)),
                        None => (edited > 0).then_some(edited),
                    }
                }
            };
        }
        if let Some((delay, total)) = self.comment {
            gapless.delay = Some(delay);
            gapless.total = Some(stored.map_or(total, |stored| total.min(stored.saturating_sub(delay))));
        }
        Some(gapless)
    }
}

impl Gapless {
    /// The same track without its first samples at 48 kHz, if so many are known and nothing else states them.
    pub fn with_skip(self, samples: Option<u16>) -> Self {
        let Some(samples) = samples.filter(|_| self.delay.is_none()) else { return self };
        let skip = u64::from(samples) * u64::from(self.timescale_hz) / 48_000;
        Self { delay: Some(skip), total: self.total.map(|total| total.saturating_sub(skip)), ..self }
    }

    /// Samples at a sampling rate that `ticks` last.
    pub fn samples(&self, ticks: u64, sample_rate_hz: u32) -> u64 {
        let product = u128::from(ticks) * u128::from(sample_rate_hz);
        u64::try_from(product / u128::from(self.timescale_hz)).unwrap_or(u64::MAX)
    }
}

/// The runs of an `stts`: how many packets last how long.
fn runs(stts: &[u8]) -> Vec<(u64, u64)> {
    let count = long(stts, 4).unwrap_or(0) as usize;
    let entries = stts.get(8..).unwrap_or_default().chunks_exact(8).take(count);
    let run = |entry: &[u8]| Some((u64::from(long(entry, 0)?), u64::from(long(entry, 4)?)));
    entries.filter_map(run).collect()
}

/// One edit: how long it lasts in the movie's time scale, and where in the track's it begins; `None` for a pause,
/// which players leave out at the beginning.
#[derive(Clone, Debug)]
pub struct Edit {
    /// In the movie's time scale.
    pub duration: u64,
    /// In the track's.
    pub start: Option<u64>,
}

/// The edits of an `elst`. A start below that of a pause is damaged: `is_kept` as what it is without a sign, which other
/// numbers then contradict.
fn edits(elst: &[u8], is_kept: bool) -> Vec<Edit> {
    let is_wide = elst.first() == Some(&1);
    let count = long(elst, 4).unwrap_or(0) as usize;
    let entries = elst.get(8..).unwrap_or_default().chunks_exact(if is_wide { 20 } else { 12 });
    let edit = |entry: &[u8]| {
        let (duration, start) = if is_wide {
            (wide(entry, 0)?, wide(entry, 8)? as i64)
        } else {
            (u64::from(long(entry, 0)?), i64::from(long(entry, 4)? as i32))
        };
        let unsigned = if is_wide { start as u64 } else { u64::from(start as u32) };
        let is_damaged = start < -1 && is_kept;
        Some(Edit { duration, start: u64::try_from(start).ok().or(is_damaged.then_some(unsigned)) })
    };
    entries.take(count).filter_map(edit).collect()
}

/// The duration of a track in the movie's time scale, if it is stated.
fn track_duration(track: &[u8]) -> Option<u64> {
    let header = find(track, &[b"tkhd"])?;
    // Behind two times, the number, and 4 bytes.
    let duration = if header.first()? == &1 {
        wide(header, 28)?
    } else {
        u64::from(long(header, 20).filter(|duration| *duration != u32::MAX)?)
    };
    (duration > 0 && duration != u64::MAX).then_some(duration)
}

/// Delay and length of `iTunSMPB`.
fn itunes_comment(index: &[u8]) -> Option<(u64, u64)> {
    let items = find(index, &[b"udta", b"meta"]).and_then(|meta| find(meta.get(4..)?, &[b"ilst"]))?;
    let comment = children(items).filter(|(name, _)| name == b"----").find_map(|(_, body)| {
        let name = find(body, &[b"name"])?;
        (name.get(4..) == Some(b"iTunSMPB")).then(|| find(body, &[b"data"]))?
    })?;
    let text = std::str::from_utf8(comment.get(8..)?).ok()?;
    let mut fields = text.split_ascii_whitespace().map(|field| u64::from_str_radix(field, 16).ok());
    let (_flags, delay, _padding, total) =
        (fields.next()??, fields.next()??, fields.next()??, fields.next()??);
    // A length of 0 is written by some taggers that did not know it.
    (total > 0).then_some((delay, total))
}

#[cfg(test)]
mod tests {
    use super::super::boxes::boxed;
    use super::super::track::sound_tracks;
    use super::*;

    fn words(values: &[u32]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_be_bytes()).collect()
    }

    /// A `moov` with 100 packets of 1024 ticks at 44.1 kHz and the given edit and comment.
    fn index(edit: Option<(u32, u32)>, comment: Option<&str>) -> Vec<u8> {
        let header = words(&[0, 0, 0, 44_100, 0, 0]);
        let stts = boxed(b"stts", &words(&[0, 1, 100, 1024]));
        let mdia = [
            boxed(b"mdhd", &header),
            boxed(b"hdlr", &[words(&[0, 0]), b"soun".to_vec()].concat()),
            boxed(b"minf", &boxed(b"stbl", &stts)),
        ]
        .concat();
        let mut track = boxed(b"mdia", &mdia);
        if let Some((duration, start)) = edit {
            track.extend(boxed(b"edts", &boxed(b"elst", &words(&[0, 1, duration, start, 1 << 16]))));
        }
        let mut moov = boxed(b"mvhd", &words(&[0, 0, 0, 1000, 0]));
        moov.extend(boxed(b"trak", &track));
        if let Some(comment) = comment {
            let item = [
                boxed(b"name", &[words(&[0]), b"iTunSMPB".to_vec()].concat()),
                boxed(b"data", &[words(&[1, 0]), comment.as_bytes().to_vec()].concat()),
            ]
            .concat();
            let meta = [words(&[0]), boxed(b"ilst", &boxed(b"----", &item))].concat();
            moov.extend(boxed(b"udta", &boxed(b"meta", &meta)));
        }
        moov
    }

    #[test]
    fn edits_and_comments() {
        let comment = " 00000000 00000840 000001CA 0000000000018000 00000000";
        for (edit, comment, delay, total) in [
            (None, None, None, 102_400),
            // 101,376 ticks are 2298.8 ms: the edit of 2299 ms rounds to the packets' sum.
            (Some((2299, 1024)), None, Some(1024), 101_376),
            (Some((2000, 1024)), None, Some(1024), 88_200),
            (Some((0, 2112)), None, Some(2112), 100_288),
            (Some((2299, u32::MAX)), None, None, 102_400),
            (Some((2299, 1024)), Some(comment), Some(0x840), 0x18000),
            (None, Some("garbage"), None, 102_400),
        ] {
            let index = index(edit, comment);
            let found = gapless(&sound_tracks(&index).next().unwrap()).unwrap();
            assert_eq!((found.delay, found.total), (delay, Some(total)), "{edit:?} {comment:?}");
        }
    }

    #[test]
    fn cut_and_flipped_indices_do_not_panic() {
        let whole = index(Some((2299, 1024)), Some(" 0 840 1CA 18000"));
        for cut in 0..whole.len() {
            sound_tracks(&whole[..cut]).for_each(|track| {
                gapless(&track);
            });
            for value in [0, 1, 0x7f, 0xff] {
                let mut flipped = whole.clone();
                flipped[cut] = value;
                sound_tracks(&flipped).for_each(|track| {
                    gapless(&track);
                });
            }
        }
    }
}
