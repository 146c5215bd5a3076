//! An index that contradicts itself: which of its numbers is damaged.
//!
//! Lengths stand in an MP4 file many times over: as durations of packets, of the track's media, of the track and of its
//! edits, in two time scales. One that is wrong alone is found by the others, and by what packets hold once one is
//! decoded. Sources: ISO/IEC 14496-12, 8.2.2, 8.3.2, 8.4.2, 8.6.1.2, 8.6.6.

use super::gapless::{Edit, Stated};

/// What encoders put before the music, in samples: AAC of most and of Apple's, twice a frame, MP3 of LAME, Opus.
const USUAL_DELAYS: [u64; 5] = [1024, 2112, 2048, 1105, 312];
/// Time scales of movies.
const USUAL_MOVIE_HZ: [u32; 8] = [1000, 600, 44_100, 48_000, 90_000, 24_000, 32_000, 22_050];

/// What the packets say.
#[derive(Clone, Copy, Debug)]
pub struct Evidence {
    /// How many there are.
    pub packets: u64,
    /// Samples that one of them holds.
    pub samples: u64,
    /// Their rate.
    pub rate_hz: u32,
}

/// Sets right what contradicts the rest. What it was, if anything.
pub fn settle(stated: &mut Stated, evidence: Evidence) -> Option<&'static str> {
    let scale = settle_scale(stated, evidence);
    let edits = if stated.comment.is_some() { None } else { settle_edits(stated) };
    scale.or(edits)
}

/// The time scale and the durations of packets.
fn settle_scale(stated: &mut Stated, evidence: Evidence) -> Option<&'static str> {
    let Evidence { packets, samples, rate_hz } = evidence;
    let expected = packets.saturating_mul(samples);
    let slack = samples.saturating_mul(2).max(1);
    let fits = |timescale_hz: u32, ticks: u64| {
        let present = u128::from(ticks) * u128::from(rate_hz) / u128::from(timescale_hz.max(1));
        u64::try_from(present).is_ok_and(|present| present.abs_diff(expected) <= slack)
    };
    let (own_hz, stored) = (stated.timescale_hz, stated.stored?);
    // Packets that last as many ticks as they hold samples.
    let is_own_hz = own_hz == rate_hz || stated.packet_ticks != samples;
    let is_counted = stated.counted == packets;
    let is_near = |ticks: &u64| stated.ends_near(*ticks) && !stated.ends_near(stored);
    let is_better = |ticks: u64| fits(own_hz, ticks) && is_near(&ticks);
    let is_own = is_own_hz && is_counted && !stated.media_ticks.is_some_and(is_better);
    let ticks = [Some(stored), stated.media_ticks];
    let twice_hz = rate_hz.saturating_mul(2);
    let candidates =
        [own_hz, rate_hz, twice_hz].into_iter().flat_map(|hz| ticks.map(|ticks| Some((hz, ticks?))));
    let (timescale_hz, ticks) = candidates.flatten().find(|(hz, ticks)| {
        let is_stated = (*hz, *ticks) == (own_hz, stored);
        fits(*hz, *ticks) && (is_own || !is_stated) && (is_own_hz || *hz != own_hz)
    })?;
    if (timescale_hz, ticks) == (own_hz, stored) {
        return None;
    }
    (stated.timescale_hz, stated.stored) = (timescale_hz, Some(ticks));
    stated.is_last_short &= ticks == stored;
    Some("the MP4 index is damaged: durations of its packets contradict what they hold, which is believed")
}

impl Stated {
    /// Whether the only edit ends where packets that last so many ticks do.
    fn ends_near(&self, ticks: u64) -> bool {
        let ([Edit { duration, start: Some(start) }], Some(movie_hz)) = (&self.edits[..], self.movie_hz)
        else {
            return false;
        };
        let tick = 2 * u64::from(self.timescale_hz).div_ceil(u64::from(movie_hz.max(1)));
        start.saturating_add(self.media(*duration, movie_hz)).abs_diff(ticks) <= tick
    }
}

/// The edit list, the track's duration, and the movie's time scale.
fn settle_edits(stated: &mut Stated) -> Option<&'static str> {
    const DAMAGED: &str = "the MP4 index is damaged: its edit list, which says where the music begins and ends, \
                           contradicts the other durations, which are believed";
    let (stored, movie_hz) = (stated.stored?, stated.movie_hz?);
    let tick = |hz: u32| 2 * u64::from(stated.timescale_hz).div_ceil(u64::from(hz.max(1)));
    let usual_delay = |lead: u64, hz: u32| {
        USUAL_DELAYS.into_iter().find(|delay| delay.abs_diff(lead) <= tick(hz) && *delay <= stored)
    };
    let only = match stated.edits[..] {
        [] => None,
        [Edit { duration, start: Some(start) }] => Some((start, duration)),
        // Pauses and parts are what somebody wanted.
        _ => return None,
    };
    let Some((start, duration)) = only else {
        let lead = stored.checked_sub(stated.media(stated.track_duration?, movie_hz))?;
        let delay = usual_delay(lead, movie_hz).filter(|_| lead > tick(movie_hz))?;
        stated.edits = vec![Edit { duration: stated.track_duration?, start: Some(delay) }];
        return Some(DAMAGED);
    };
    let end = |start: u64, duration: u64, hz: u32| start.saturating_add(stated.media(duration, hz));
    let is_end = |end: u64, hz: u32| end.abs_diff(stored) <= tick(hz);
    let edited = stated.media(duration, movie_hz);
    // Some count what stands before the music twice.
    let is_sound = is_end(end(start, duration, movie_hz), movie_hz) || is_end(edited, movie_hz);
    if is_sound && start < stored {
        return None;
    }
    let others = stated.track_duration.filter(|track| track.abs_diff(duration) > 1);
    if let Some(track) = others.filter(|track| is_end(end(start, *track, movie_hz), movie_hz)) {
        stated.edits = vec![Edit { duration: track, start: Some(start) }];
        return Some(DAMAGED);
    }
    let is_usual = |hz: u32| USUAL_MOVIE_HZ.contains(&hz) || hz == stated.timescale_hz;
    if let Some(hz) = USUAL_MOVIE_HZ
        .into_iter()
        .chain([stated.timescale_hz])
        .find(|hz| !is_usual(movie_hz) && is_end(end(start, duration, *hz), *hz))
    {
        stated.movie_hz = Some(hz);
        return Some(DAMAGED);
    }
    let is_beyond = end(start, duration, movie_hz) > stored.saturating_add(tick(movie_hz));
    if others.is_none() && (is_beyond || stated.is_last_short) {
        let lead = stored.saturating_sub(edited);
        if let Some(delay) = usual_delay(lead, movie_hz).filter(|delay| *delay != start) {
            stated.edits = vec![Edit { duration, start: Some(delay) }];
            return Some(DAMAGED);
        }
    }
    // Nothing tells what is right: all that is there is played.
    if is_beyond {
        stated.edits.clear();
        return Some(DAMAGED);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 173 packets of 1024 ticks, the last of 272, at 44.1 kHz: 1024 before four seconds of music.
    fn sound() -> Stated {
        Stated {
            timescale_hz: 44_100,
            stored: Some(177_424),
            media_ticks: Some(177_424),
            counted: 174,
            packet_ticks: 1024,
            is_last_short: true,
            movie_hz: Some(1000),
            track_duration: Some(4000),
            edits: vec![Edit { duration: 4000, start: Some(1024) }],
            ..Stated::default()
        }
    }

    #[test]
    fn one_number_that_is_wrong_alone_is_found() {
        let evidence = Evidence { packets: 174, samples: 1024, rate_hz: 44_100 };
        let edit = |duration, start| vec![Edit { duration, start: Some(start) }];
        let whole = sound();
        let damaged = [
            Stated { timescale_hz: 44_101, ..whole.clone() },
            Stated { timescale_hz: 11_332, ..whole.clone() },
            Stated { stored: Some(177_168), ..whole.clone() },
            Stated { stored: Some(176_400), counted: 173, ..whole.clone() },
            Stated { stored: Some(345_360), ..whole.clone() },
            Stated { stored: Some(2), ..whole.clone() },
            Stated { movie_hz: Some(1023), ..whole.clone() },
            Stated { edits: Vec::new(), ..whole.clone() },
            Stated { edits: edit(3840, 1024), ..whole.clone() },
            Stated { edits: edit(4000, 0), ..whole.clone() },
            Stated { edits: edit(4000, 1280), ..whole.clone() },
            Stated { edits: edit(4000, 66_560), ..whole.clone() },
            Stated { edits: edit(4000, 16_778_240), ..whole.clone() },
        ];
        for damaged in damaged {
            let mut settled = damaged.clone();
            assert!(settle(&mut settled, evidence).is_some(), "{damaged:?}");
            let found = settled.gapless().unwrap();
            assert_eq!((found.delay, found.total), (Some(1024), Some(176_400)), "{damaged:?}");
        }
        // What is sound stays as it is: also shortened on purpose, without edits, and counted twice.
        let sound = [
            whole.clone(),
            Stated { edits: edit(2000, 1024), track_duration: Some(2000), ..whole.clone() },
            Stated { edits: Vec::new(), track_duration: Some(4023), ..whole.clone() },
            Stated { edits: edit(4023, 1024), track_duration: Some(4023), ..whole.clone() },
            Stated { track_duration: Some(7), ..whole },
        ];
        for sound in sound {
            let mut settled = sound.clone();
            assert_eq!(settle(&mut settled, evidence), None, "{sound:?}");
        }
    }
}
