//! How good learned labels are, in words and tables.

use melisma_understanding::labels::{Examples, Score};
use std::fmt::Write as _;

/// Longest name of a label in a table.
const NAME_LENGTH: usize = 14;

/// Labels whose confusion is shown.
const SHOWN: usize = 12;

/// A label is well told from this recall on.
const WELL: f64 = 0.5;

/// What was found by telling the labels of tracks whose groups were not learned from.
pub struct Findings<'a> {
    pub examples: &'a Examples,
    pub score: Score,
    /// Error of the probabilities before and after calibration.
    pub calibration: [f64; 2],
    /// What tracks are kept together by.
    pub grouped_by: &'a str,
}

impl Findings<'_> {
    /// The whole report.
    pub fn text(&self) -> String {
        let (examples, score) = (self.examples, &self.score);
        let counts: Vec<usize> = score.confusion.iter().map(|row| row.iter().sum()).collect();
        let total: usize = counts.iter().sum();
        let most = counts.iter().max().copied().unwrap_or(0);
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        let [low, high] = score.accuracy_interval;
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "On {}s that were not learned from, {} of {total} tracks are told right (95 % interval {} to {}); always the\n\
             most frequent label would be {}. Macro-F1 {:.3}. Probabilities are off by {} on average ({} before\n\
             calibration).\n",
            self.grouped_by,
            percent(score.accuracy),
            percent(low),
            percent(high),
            percent(most as f64 / total.max(1) as f64),
            score.macro_f1,
            percent(self.calibration[1]),
            percent(self.calibration[0]),
        );
        self.table(&mut out, &counts);
        let mistaken: Vec<String> = score
            .mistaken()
            .into_iter()
            .filter(|&(_, _, share)| share >= 0.2)
            .take(8)
            .map(|(label, told, share)| {
                format!(
                    "  {:.0} % of {} are taken for {}",
                    100.0 * share,
                    examples.labels[label],
                    examples.labels[told]
                )
            })
            .collect();
        if !mistaken.is_empty() {
            let _ = writeln!(out, "\nNot told apart well:\n{}", mistaken.join("\n"));
        }
        let poor: Vec<&str> = (0..examples.labels.len())
            .filter(|&label| score.recall(label).is_some_and(|recall| recall < WELL))
            .map(|label| examples.labels[label].as_str())
            .collect();
        if !poor.is_empty() {
            let _ = writeln!(out, "\nFound in fewer than half of their tracks: {}", poor.join(", "));
        }
        out
    }

    /// The same for programs; what cannot be told is null.
    pub fn json(&self, tag: &str) -> serde_json::Value {
        let score = &self.score;
        let labels = self.examples.labels.iter().enumerate().map(|(label, name)| {
            serde_json::json!({
                "label": name,
                "tracks": score.confusion[label].iter().sum::<usize>(),
                "recall": score.recall(label),
                "precision": score.precision(label),
                "told_as": score.confusion[label],
            })
        });
        serde_json::json!({
            "tag": tag,
            "kept_apart_by": self.grouped_by,
            "tracks": score.confusion.iter().flatten().sum::<usize>(),
            "accuracy": score.accuracy,
            "accuracy_interval": score.accuracy_interval,
            "macro_f1": score.macro_f1,
            "macro_f1_interval": score.macro_f1_interval,
            "calibration_error": self.calibration[1],
            "calibration_error_before": self.calibration[0],
            "labels": labels.collect::<Vec<_>>(),
        })
    }

    /// Rows are what tracks are, columns what they are told as, in percent of the row.
    fn table(&self, out: &mut String, counts: &[usize]) {
        let (labels, score) = (&self.examples.labels, &self.score);
        let mut order: Vec<usize> = (0..labels.len()).collect();
        order.sort_by_key(|&label| std::cmp::Reverse(counts[label]));
        let left_out = order.len().saturating_sub(SHOWN);
        order.truncate(SHOWN);
        let name = |label: usize| {
            crate::text::printable(&labels[label]).chars().take(NAME_LENGTH).collect::<String>()
        };
        let _ = write!(out, "{:<NAME_LENGTH$}  tracks", "is, told as %");
        for &label in &order {
            let _ = write!(out, " {:>6}", name(label).chars().take(6).collect::<String>());
        }
        let _ = writeln!(out, "  recall  precision");
        for &label in &order {
            let _ = write!(out, "{:<NAME_LENGTH$}  {:>6}", name(label), counts[label]);
            for &told in &order {
                let share = 100.0 * score.confusion[label][told] as f64 / counts[label].max(1) as f64;
                let _ = write!(out, " {share:>6.0}");
            }
            let or_none = |share: Option<f64>| share.map_or("-".to_owned(), |share| format!("{share:.2}"));
            let _ = writeln!(
                out,
                "  {:>6}  {:>9}",
                or_none(score.recall(label)),
                or_none(score.precision(label))
            );
        }
        if left_out > 0 {
            let _ = writeln!(out, "and {} with fewer tracks", crate::text::count(left_out, "label"));
        }
    }
}
