//! Losses over steps as charts, for files and pages.

use crate::event::TrainEvent;
use melisma_report::section::{Axis, Chart, Point, Series};

/// Training's losses are averaged over so many stretches of the run: what one batch happens to hold is noise.
const STRETCHES: usize = 200;

/// The loss in training and validation; nothing before the first step.
#[must_use]
pub fn losses(name: &str, events: &[TrainEvent]) -> Option<Chart> {
    let training: Vec<(f64, f64)> = events
        .iter()
        .filter_map(|event| match event {
            TrainEvent::Step { step, loss, .. } => Some(((step + 1) as f64, f64::from(*loss))),
            _ => None,
        })
        .collect();
    let validation: Vec<(f64, f64)> = events
        .iter()
        .filter_map(|event| match event {
            TrainEvent::Validated(validated) => Some((validated.step as f64, f64::from(validated.loss))),
            _ => None,
        })
        .collect();
    let stretch = training.len().div_ceil(STRETCHES).max(1);
    let mean = |values: &[(f64, f64)], of: fn(&(f64, f64)) -> f64| {
        values.iter().map(of).sum::<f64>() / values.len() as f64
    };
    let averaged: Vec<(f64, f64)> =
        training.chunks(stretch).map(|part| (mean(part, |p| p.0), mean(part, |p| p.1))).collect();
    if averaged.is_empty() {
        return None;
    }
    let positive = averaged.iter().chain(&validation).all(|&(_, loss)| loss > 0.0);
    let series = |name: &str, points: &[(f64, f64)]| {
        let point = |&(x, y): &(f64, f64)| Point { x, y, low: y, high: y, note: String::new() };
        Series::new(name, points.is_empty(), points.iter().map(point).collect())
    };
    Some(Chart {
        id: format!("loss-{name}").replace('.', "-"),
        title: format!("{name}: loss"),
        x: Axis { label: "steps".to_owned(), log: false },
        y: Axis { label: "loss".to_owned(), log: positive },
        series: vec![series("training", &averaged), series("validation", &validation)],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_runs_are_averaged() {
        let step = |step: u64| TrainEvent::Step {
            step,
            epoch: 0,
            loss: if step.is_multiple_of(2) { 1.0 } else { 3.0 },
            terms: vec![],
            gradient_norm: 0.0,
            learning_rate: 0.0,
            seconds: 0.0,
        };
        assert!(losses("a", &[]).is_none());
        let events: Vec<TrainEvent> = (0..1200).map(step).collect();
        let chart = losses("a", &events).unwrap();
        assert_eq!(chart.series[0].points.len(), 200);
        // Six steps a stretch: three of each.
        assert!(chart.series[0].points.iter().all(|point| point.y == 2.0));
        assert!(chart.series[1].hidden);
    }
}
