//! What is expected of a reproduction, and whether it came: losses that fall, errors in the order of rates, ours below the
//! study's. Each expectation is told with what was found, so that a failure can be judged.

use crate::{
    plan::{Group, Planned},
    results::{Expectation, LossPoint, StudyResults, SystemResult},
};
use melisma_eval::at_rate::{AtRate, at_rate};
use melisma_eval::points::curve;
use melisma_eval::{Metric, Setting};

/// The metric of the study.
pub const RMSE: Metric = Metric::StudyComplex8k;
/// An error counts as no higher up to this factor: neighbouring points of a curve may both lie at the network's own error.
const SLACK: f64 = 1.01;
/// How closely learning by gradient has to come to the closed form, as a part of its error.
const AGREEMENT: f64 = 0.02;
/// How much lower our error has to be than the study's at the same real rate, as a part of it.
pub const IMPROVEMENT: f64 = 0.4;

/// Every expectation that the results allow to judge.
#[must_use]
pub fn expectations(planned: &[Planned], results: &StudyResults) -> Vec<Expectation> {
    let mut all = Vec::new();
    for one in planned {
        let Some(system) = results.systems.iter().find(|system| system.name == one.config.name) else {
            continue;
        };
        let Some(expected) = &one.config.expected else { continue };
        if let Some(most) = expected.loss_falls_to {
            all.push(falls(system, most));
        }
        for other in &expected.better_than {
            all.extend(results.systems.iter().find(|s| s.name == *other).map(|other| better(system, other)));
        }
    }
    for group in [Group::FreqAe, Group::FreqAePlus] {
        for system in results.group(group) {
            all.extend(ordered(&system.name, &curve(&system.points, RMSE)));
        }
    }
    let own: Vec<(f64, f64)> = sorted(results.group(Group::FreqAe).filter_map(own_point));
    all.extend(ordered("freq-ae, by latents", &own));
    all.extend(ordered("freq-ae-plus, best of all", &best(results, Group::FreqAePlus)));
    all.extend(improvements(results));
    all.extend(linear(results));
    all.extend(by_gradient(results));
    all
}

fn own_point(system: &SystemResult) -> Option<(f64, f64)> {
    system.own_point().and_then(|point| Some((point.kbps?, point.median(RMSE)?)))
}

fn sorted(points: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let mut points: Vec<_> = points.collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    points
}

/// The points (kbit/s, error) of a group that no other point of it beats at a lower rate: what a user would choose from.
#[must_use]
pub fn best(results: &StudyResults, group: Group) -> Vec<(f64, f64)> {
    let all = sorted(results.group(group).flat_map(|system| curve(&system.points, RMSE)));
    let mut chosen: Vec<(f64, f64)> = Vec::new();
    for point in all {
        if chosen.last().is_none_or(|last| point.1 < last.1) {
            chosen.push(point);
        }
    }
    chosen
}

/// The least error that a curve reaches with at most `kbps`; `None` below its lowest rate.
#[must_use]
pub fn reached(curve: &[(f64, f64)], kbps: f64) -> Option<f64> {
    let below = curve.iter().filter(|point| point.0 <= kbps).map(|point| point.1).reduce(f64::min);
    match at_rate(curve, kbps, RMSE) {
        Some(AtRate::Bracketed(value)) => Some(below.map_or(value, |below| below.min(value))),
        _ => below,
    }
}

fn falls(system: &SystemResult, most: f64) -> Expectation {
    // Where there is nothing to validate on, training losses have to tell; single ones are noisy, these are averages.
    let course: &[LossPoint] =
        if system.validation.len() > 1 { &system.validation } else { &system.training };
    let ratio = match course {
        [first, .., last] => last.loss / first.loss,
        _ => f64::NAN,
    };
    Expectation {
        of: system.name.clone(),
        what: format!("the loss falls to at most {most} of the first"),
        found: format!("{ratio:.3} after {} steps", system.steps),
        held: ratio <= most,
    }
}

fn better(system: &SystemResult, other: &SystemResult) -> Expectation {
    let (ours, theirs) = (curve(&system.points, RMSE), curve(&other.points, RMSE));
    // Where the other is cheaper or dearer than anything of ours there is nothing to compare.
    let dearest = ours.last().map_or(0.0, |point| point.0);
    let shared = theirs.iter().filter(|point| point.0 <= dearest);
    let pairs: Vec<(f64, f64, f64)> =
        shared.filter_map(|&(kbps, error)| Some((kbps, reached(&ours, kbps)?, error))).collect();
    let worst = pairs.iter().copied().max_by(|a, b| (a.1 / a.2).total_cmp(&(b.1 / b.2)));
    Expectation {
        of: system.name.clone(),
        what: format!("a lower error than {} at the same real rate", other.name),
        found: worst.map_or("no rate in common".to_owned(), |(kbps, ours, theirs)| {
            format!("{ours:.3} and {theirs:.3} at {kbps:.1} kbit/s")
        }),
        held: worst.is_some_and(|(_, ours, theirs)| ours < theirs),
    }
}

fn ordered(of: &str, curve: &[(f64, f64)]) -> Option<Expectation> {
    if curve.len() < 2 {
        return None;
    }
    let wrong = curve.windows(2).find(|pair| pair[1].1 > SLACK * pair[0].1);
    let points: Vec<String> = curve.iter().map(|(kbps, error)| format!("{error:.3} at {kbps:.1}")).collect();
    Some(Expectation {
        of: of.to_owned(),
        what: "the error falls with the real rate".to_owned(),
        found: points.join(", "),
        held: wrong.is_none(),
    })
}

/// Our group, the study's beside it, the setting, and rates in kbit/s that they are compared at beside those of the
/// study's networks.
const RIVALS: [(Group, Group, Setting, &[f64]); 2] = [
    (Group::FreqAePlus, Group::FreqAe, Setting::Study, &[7.9, 15.7, 31.5, 63.0]),
    (Group::TimeAePlus, Group::TimeAe, Setting::S44, &[16.0, 32.0, 63.0]),
];

/// Ours against the study's networks and against downsampling, at the same real rates.
fn improvements(results: &StudyResults) -> Vec<Expectation> {
    let mut all = Vec::new();
    for (our_group, their_group, setting, rates_kbps) in RIVALS {
        let (ours, theirs) = (best(results, our_group), best(results, their_group));
        let expect = |what: String, found: String, held: bool| Expectation {
            of: our_group.name().to_owned(),
            what,
            found,
            held,
        };
        for kbps in rates_kbps.iter().copied().chain(theirs.iter().map(|point| point.0)) {
            let (Some(found), Some(error)) = (reached(&ours, kbps), reached(&theirs, kbps)) else { continue };
            let (percent, rival) = (100.0 * IMPROVEMENT, their_group.name());
            all.push(expect(
                format!("within {kbps:.1} kbit/s an error at least {percent:.0} % below {rival}'s"),
                format!("{found:.3} for {error:.3}: {:.0} % below", 100.0 * (1.0 - found / error)),
                found <= (1.0 - IMPROVEMENT) * error,
            ));
        }
        let downsampling = curve(results.peer(setting, "downsample"), RMSE);
        for &kbps in rates_kbps {
            let at = (reached(&ours, kbps), at_rate(&downsampling, kbps, RMSE));
            let (Some(found), Some(AtRate::Bracketed(error))) = at else { continue };
            all.push(expect(
                format!("at {kbps} kbit/s an error below downsampling's"),
                format!("{found:.3} for {error:.3}"),
                found < error,
            ));
        }
    }
    all
}

/// More principal components are better, whatever the music.
fn linear(results: &StudyResults) -> Option<Expectation> {
    let family = results.group(Group::Families).filter(|system| system.file == "families/linear");
    let errors = sorted(family.filter_map(|s| Some((s.latents as f64, s.spectral_db?.median))));
    if errors.len() < 2 {
        return None;
    }
    let points: Vec<String> =
        errors.iter().map(|(size, error)| format!("{error:.2} dB with {size}")).collect();
    Some(Expectation {
        of: "linear".to_owned(),
        what: "more components, less error".to_owned(),
        found: points.join(", "),
        held: errors.windows(2).all(|pair| pair[1].1 < pair[0].1),
    })
}

/// The closed form has the least squared error there is; what learns the same by gradient ends close above it (Baldi and
/// Hornik 1989).
fn by_gradient(results: &StudyResults) -> Vec<Expectation> {
    let of_file = |file: &'static str| results.group(Group::Families).filter(move |s| s.file == file);
    let pairs = of_file("families/linear-gradient").filter_map(|learned| {
        let closed = of_file("families/linear").find(|closed| closed.latents == learned.latents)?;
        Some((learned, learned.spectral_db?.median, closed.spectral_db?.median))
    });
    pairs
        .map(|(learned, by_gradient, closed)| Expectation {
            of: learned.name.clone(),
            what: format!("an error within {:.0} % of that of the closed form", 100.0 * AGREEMENT),
            found: format!("{by_gradient:.2} dB for {closed:.2} dB"),
            held: (by_gradient / closed - 1.0).abs() <= AGREEMENT,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_curve_reaches() {
        let curve = [(8.0, 0.4), (32.0, 0.1)];
        assert_eq!(reached(&curve, 7.0), None);
        assert_eq!(reached(&curve, 8.0), Some(0.4));
        assert!((reached(&curve, 16.0).unwrap() - 0.2).abs() < 1e-9);
        assert_eq!(reached(&curve, 100.0), Some(0.1));
    }

    #[test]
    fn order_with_some_slack() {
        let held = |curve: &[(f64, f64)]| ordered("x", curve).map(|expectation| expectation.held);
        assert_eq!(held(&[(8.0, 0.4)]), None);
        assert_eq!(held(&[(8.0, 0.4), (16.0, 0.2), (32.0, 0.201)]), Some(true));
        assert_eq!(held(&[(8.0, 0.4), (16.0, 0.2), (32.0, 0.21)]), Some(false));
    }
}
