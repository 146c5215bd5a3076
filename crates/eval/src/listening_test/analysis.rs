//! From answers to scores: listeners screened, means and differences with 95 % intervals, blind trials counted.
//!
//! Screening follows ITU-R BS.1534: who scores the hidden reference below 90 in more than 15 % of the
//! trials is not counted. What is said of the mid anchor there is shown and excludes nobody.
//!
//! Scores of one listener on several clips, and of several listeners on one clip, are not independent of each other. The
//! variance of a mean is therefore taken over what listeners vary in and what clips vary in, apart:
//! `s²(means of listeners) / listeners + s²(means of clips) / clips`, with Satterthwaite's degrees of freedom. What is left
//! over by both counts twice, so that intervals are a little too wide rather than too narrow. With a single listener
//! only the clips vary: the interval speaks of other music, not of other ears.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::answers::{Answers, BlindTrial, Rating};
use super::distributions::{guessing, share_interval, student_975};
use super::{MID_ANCHOR, REFERENCE};
use crate::bootstrap::median;

/// What is done with the answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AnalysisConfig {
    /// Whether who fails the screening is left out.
    pub screening: bool,
}

impl Default for AnalysisConfig {
    fn default() -> Self {
        Self { screening: true }
    }
}

/// A hidden reference below this score was not recognised.
const RECOGNISED: f64 = 90.0;
/// Who does not recognise it in a larger part of the trials is not counted.
const MOST_MISSED: f64 = 0.15;

/// How one listener did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Listener {
    /// Name as given.
    pub name: String,
    /// Number of trials with a hidden reference.
    pub trials: usize,
    /// In how many of them it has a score below 90.
    pub reference_missed: usize,
    /// In how many trials the mid anchor has a score above 90.
    pub mid_anchor_praised: usize,
    /// Whether the scores pass the screening.
    pub passes: bool,
}

/// A mean with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Mean {
    /// The mean.
    pub mean: f64,
    /// The median of the same scores.
    pub median: f64,
    /// Ends of the interval; none where a single clip and listener vary in nothing.
    pub interval: Option<[f64; 2]>,
    /// Number of listeners.
    pub listeners: usize,
    /// Number of clips.
    pub clips: usize,
}

/// Scores of a condition at a rate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Score {
    /// Rate that was asked for, kbit/s.
    pub nominal_kbps: f64,
    /// Codec, anchor, or hidden reference.
    pub condition: String,
    /// Mean rate of the files, kbit/s, where there were any.
    pub file_kbps: Option<f64>,
    /// The scores.
    pub score: Mean,
}

/// How much more one condition scores than another, in the same trials.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Rate that was asked for, kbit/s.
    pub nominal_kbps: f64,
    /// The one.
    pub condition: String,
    /// The other.
    pub other: String,
    /// Score of the one minus score of the other.
    pub difference: Mean,
}

/// How often two versions were told apart.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Told {
    /// Rate that was asked for, kbit/s.
    pub nominal_kbps: f64,
    /// The two versions.
    pub pair: [String; 2],
    /// Who listened; none for all together.
    pub listener: Option<String>,
    /// Right answers.
    pub right: usize,
    /// Answers.
    pub trials: usize,
    /// 95 % interval of the share of right answers.
    pub share_interval: [f64; 2],
    /// Probability of as many right answers or more by guessing.
    pub guessing: f64,
}

/// All that the answers say.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Analysis {
    /// Who rated.
    pub listeners: Vec<Listener>,
    /// By rate, best first.
    pub scores: Vec<Score>,
    /// Of the codecs, each with each, by rate.
    pub differences: Vec<Difference>,
    /// By rate and pair, all listeners first.
    pub told: Vec<Told>,
}

/// Of one condition: by listener and clip, the score.
type Cells<'a> = BTreeMap<(&'a str, &'a str), f64>;

/// What was rated: the rate in 1e-6 kbit/s, and the condition.
type Key<'a> = (u64, &'a str);

impl AnalysisConfig {
    /// Screens and sums up.
    #[must_use]
    pub fn analyse(&self, answers: &Answers) -> Analysis {
        let listeners = listeners(&answers.ratings);
        let counted: BTreeSet<&str> =
            listeners.iter().filter(|l| l.passes || !self.screening).map(|l| l.name.as_str()).collect();
        let ratings: Vec<&Rating> =
            answers.ratings.iter().filter(|rating| counted.contains(rating.listener.as_str())).collect();
        let cells = cells(&ratings);
        let mut scores: Vec<Score> = cells
            .iter()
            .filter_map(|(key, cells)| {
                let files = ratings.iter().filter(|rating| key_of(rating) == *key);
                let rates: Vec<f64> = files.filter_map(|rating| rating.file_kbps).collect();
                let score = mean(cells)?;
                Some(Score {
                    nominal_kbps: rate(*key),
                    condition: key.1.to_owned(),
                    file_kbps: (!rates.is_empty()).then(|| rates.iter().sum::<f64>() / rates.len() as f64),
                    score: Mean {
                        interval: score.interval.map(|ends| ends.map(|end| end.clamp(0.0, 100.0))),
                        ..score
                    },
                })
            })
            .collect();
        scores.sort_by(|a, b| {
            a.nominal_kbps.total_cmp(&b.nominal_kbps).then(b.score.mean.total_cmp(&a.score.mean))
        });
        Analysis { listeners, differences: differences(&scores, &cells), scores, told: told(&answers.blind) }
    }
}

fn key_of(rating: &Rating) -> Key<'_> {
    ((rating.nominal_kbps * 1e6).round() as u64, &rating.condition)
}

fn rate(key: Key<'_>) -> f64 {
    key.0 as f64 / 1e6
}

fn listeners(ratings: &[Rating]) -> Vec<Listener> {
    let names: BTreeSet<&String> = ratings.iter().map(|rating| &rating.listener).collect();
    let of = |name: &String| {
        let own = || ratings.iter().filter(|rating| rating.listener == *name);
        let references = || own().filter(|rating| rating.condition == REFERENCE);
        let trials = references().count();
        let reference_missed = references().filter(|rating| rating.score < RECOGNISED).count();
        let praised = |rating: &&Rating| rating.condition == MID_ANCHOR && rating.score > RECOGNISED;
        Listener {
            name: name.clone(),
            trials,
            reference_missed,
            mid_anchor_praised: own().filter(praised).count(),
            passes: trials > 0 && reference_missed as f64 <= MOST_MISSED * trials as f64,
        }
    };
    names.into_iter().map(of).collect()
}

/// Of one condition: by listener and clip, the sum of the scores and how many they are.
type Sums<'a> = BTreeMap<(&'a str, &'a str), (f64, usize)>;

/// Scores by rate and condition; who rated the same twice counts with the mean.
fn cells<'a>(ratings: &[&'a Rating]) -> BTreeMap<Key<'a>, Cells<'a>> {
    let mut sums: BTreeMap<Key<'a>, Sums<'a>> = BTreeMap::new();
    for rating in ratings {
        let cells = sums.entry(key_of(rating)).or_default();
        let (sum, count) = cells.entry((&rating.listener, &rating.clip)).or_default();
        *sum += rating.score;
        *count += 1;
    }
    let means =
        |cells: Sums<'a>| cells.into_iter().map(|(who, (sum, count))| (who, sum / count as f64)).collect();
    sums.into_iter().map(|(key, cells)| (key, means(cells))).collect()
}

/// Of the codecs, each with each that scores less, at each rate.
fn differences(scores: &[Score], cells: &BTreeMap<Key<'_>, Cells<'_>>) -> Vec<Difference> {
    let codecs: Vec<&Score> = scores.iter().filter(|score| score.file_kbps.is_some()).collect();
    let mut found = Vec::new();
    for (index, better) in codecs.iter().enumerate() {
        for other in codecs[index + 1..].iter().filter(|other| other.nominal_kbps == better.nominal_kbps) {
            let of = |score: &Score| {
                let at = (score.nominal_kbps * 1e6).round() as u64;
                cells.iter().find(|(key, _)| **key == (at, score.condition.as_str())).map(|(_, cells)| cells)
            };
            let (Some(a), Some(b)) = (of(better), of(other)) else { continue };
            let apart: Cells<'_> = a.iter().filter_map(|(who, x)| Some((*who, x - b.get(who)?))).collect();
            if let Some(difference) = mean(&apart) {
                found.push(Difference {
                    nominal_kbps: better.nominal_kbps,
                    condition: better.condition.clone(),
                    other: other.condition.clone(),
                    difference,
                });
            }
        }
    }
    found
}

/// The mean over all cells, with the interval that the head of this file describes; none of no cells.
fn mean(cells: &Cells<'_>) -> Option<Mean> {
    let values: Vec<f64> = cells.values().copied().collect();
    let median = median(&values)?;
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let sources = [means_by(cells, |who| who.0), means_by(cells, |who| who.1)];
    let parts = sources.iter().filter(|means| means.len() > 1).map(|means| {
        let (count, centre) = (means.len() as f64, means.iter().sum::<f64>() / means.len() as f64);
        let variance = means.iter().map(|x| (x - centre).powi(2)).sum::<f64>() / (count - 1.0);
        (variance / count, count - 1.0)
    });
    let parts: Vec<(f64, f64)> = parts.collect();
    let variance: f64 = parts.iter().map(|part| part.0).sum();
    let interval = (!parts.is_empty()).then(|| {
        if variance == 0.0 {
            return [mean, mean];
        }
        let degrees = variance * variance / parts.iter().map(|(v, degrees)| v * v / degrees).sum::<f64>();
        let half = student_975(degrees) * variance.sqrt();
        [mean - half, mean + half]
    });
    Some(Mean { mean, median, interval, listeners: sources[0].len(), clips: sources[1].len() })
}

/// Means of the cells that share a name.
fn means_by<'a>(cells: &Cells<'a>, name: impl Fn((&'a str, &'a str)) -> &'a str) -> Vec<f64> {
    let mut groups: BTreeMap<&str, (f64, usize)> = BTreeMap::new();
    for (who, value) in cells {
        let (sum, count) = groups.entry(name(*who)).or_default();
        *sum += value;
        *count += 1;
    }
    groups.into_values().map(|(sum, count)| sum / count as f64).collect()
}

/// Who was asked what in blind trials: the rate in 1e-6 kbit/s, the pair, and the listener, or none for all together.
type Asked<'a> = (u64, &'a [String; 2], Option<&'a String>);

fn told(blind: &[BlindTrial]) -> Vec<Told> {
    let mut counts: BTreeMap<Asked<'_>, (usize, usize)> = BTreeMap::new();
    for trial in blind {
        let rate = (trial.nominal_kbps * 1e6).round() as u64;
        for listener in [None, Some(&trial.listener)] {
            let (right, trials) = counts.entry((rate, &trial.pair, listener)).or_default();
            *right += usize::from(trial.right);
            *trials += 1;
        }
    }
    let of = |((rate, pair, listener), (right, trials)): (Asked<'_>, (usize, usize))| Told {
        nominal_kbps: rate as f64 / 1e6,
        pair: pair.clone(),
        listener: listener.cloned(),
        right,
        trials,
        share_interval: share_interval(right, trials),
        guessing: guessing(right, trials),
    };
    counts.into_iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rating(listener: &str, clip: &str, condition: &str, score: f64) -> Rating {
        Rating {
            listener: listener.to_owned(),
            clip: clip.to_owned(),
            nominal_kbps: 12.0,
            condition: condition.to_owned(),
            file_kbps: (condition != REFERENCE && condition != MID_ANCHOR).then_some(12.5),
            score,
        }
    }

    fn answers(ratings: Vec<Rating>) -> Answers {
        Answers { ratings, ..Answers::default() }
    }

    #[test]
    fn one_listener_has_the_usual_interval_over_clips() {
        let mut ratings = Vec::new();
        for (clip, score) in [("a", 60.0), ("b", 70.0), ("c", 80.0), ("d", 50.0)] {
            ratings.push(rating("x", clip, REFERENCE, 100.0));
            ratings.push(rating("x", clip, "melisma", score));
            ratings.push(rating("x", clip, "opus", score - 10.0));
        }
        let analysis = AnalysisConfig::default().analyse(&answers(ratings));
        let names: Vec<&str> = analysis.scores.iter().map(|score| score.condition.as_str()).collect();
        assert_eq!(names, [REFERENCE, "melisma", "opus"]);
        let Mean { mean, median, interval, listeners, clips } = analysis.scores[1].score;
        assert_eq!((mean, median, listeners, clips), (65.0, 65.0, 1, 4));
        // scipy.stats.t.interval(0.95, 3, mean, sem) of these four.
        let [low, high] = interval.expect("four clips");
        assert!((low - 44.457_397_432_394_79).abs() < 1e-6 && (high - 85.542_602_567_605_2).abs() < 1e-6);
        assert_eq!(analysis.scores[0].score.interval, Some([100.0, 100.0]));
        // Ten more on every clip: the difference is sure although the scores are not.
        let [difference] = &analysis.differences[..] else { panic!("{:?}", analysis.differences) };
        assert_eq!((difference.condition.as_str(), difference.other.as_str()), ("melisma", "opus"));
        assert_eq!(difference.difference.interval, Some([10.0, 10.0]));
        assert_eq!(analysis.scores[1].file_kbps, Some(12.5));
    }

    #[test]
    fn who_misses_the_reference_is_not_counted() {
        let mut ratings = Vec::new();
        for clip in 0..20 {
            // 3 of 20 are 15 %, which is allowed; 4 are not.
            for (listener, missed, score) in [("keen", 3, 80.0), ("dull", 4, 20.0)] {
                let reference = if clip < missed { 89.0 } else { 90.0 };
                ratings.push(rating(listener, &clip.to_string(), REFERENCE, reference));
                ratings.push(rating(listener, &clip.to_string(), MID_ANCHOR, 95.0));
                ratings.push(rating(listener, &clip.to_string(), "melisma", score));
            }
        }
        let answers = answers(ratings);
        let analysis = AnalysisConfig::default().analyse(&answers);
        let passes: Vec<_> =
            analysis.listeners.iter().map(|l| (l.name.as_str(), l.reference_missed, l.passes)).collect();
        assert_eq!(passes, [("dull", 4, false), ("keen", 3, true)]);
        assert_eq!(analysis.listeners[0].mid_anchor_praised, 20);
        let score = |analysis: &Analysis| {
            analysis.scores.iter().find(|s| s.condition == "melisma").expect("scores").score
        };
        assert_eq!((score(&analysis).mean, score(&analysis).listeners), (80.0, 1));
        let all = AnalysisConfig { screening: false }.analyse(&answers);
        assert_eq!((score(&all).mean, score(&all).listeners), (50.0, 2));
        // Two listeners 60 apart: nothing is known, and the interval ends where scores end.
        assert_eq!(score(&all).interval, Some([0.0, 100.0]));
    }

    #[test]
    fn blind_trials_are_counted_together_and_apart() {
        let trial = |listener: &str, right| BlindTrial {
            listener: listener.to_owned(),
            nominal_kbps: 48.0,
            pair: ["melisma".to_owned(), REFERENCE.to_owned()],
            right,
        };
        let mut blind: Vec<BlindTrial> = (0..16).map(|index| trial("a", index < 14)).collect();
        blind.extend((0..4).map(|_| trial("b", false)));
        let analysis = AnalysisConfig::default().analyse(&Answers { blind, ..Answers::default() });
        let counts: Vec<_> =
            analysis.told.iter().map(|t| (t.listener.as_deref(), t.right, t.trials)).collect();
        assert_eq!(counts, [(None, 14, 20), (Some("a"), 14, 16), (Some("b"), 0, 4)]);
        assert!((analysis.told[1].guessing - 0.002_090_454_101_562_5).abs() < 1e-12);
    }
}
