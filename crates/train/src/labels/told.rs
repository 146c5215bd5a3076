//! What a classifier says of tracks that it has not learned from: a table of probabilities.

use melisma_data::Entry;
use std::io;

/// Segments of a track that are told by themselves, evenly spread from its beginning to its end.
pub const SEGMENTS: usize = 5;

/// One track.
pub(crate) struct Told<'a> {
    pub(crate) entry: &'a Entry,
    /// Its label's place.
    pub(crate) label: usize,
    /// `[segment][label]`.
    pub(crate) segments: Vec<Vec<f32>>,
}

impl Told<'_> {
    /// Means over the segments.
    pub(crate) fn mean(&self) -> Vec<f32> {
        mean(&self.segments)
    }

    /// The most probable label's share of the segments. Where votes are even, probabilities decide.
    fn vote(&self) -> Vec<f32> {
        let votes: Vec<Vec<f32>> = self
            .segments
            .iter()
            .map(|segment| {
                let most = most(segment);
                (0..segment.len()).map(|label| f32::from(u8::from(label == most))).collect()
            })
            .collect();
        let (votes, mean) = (mean(&votes), self.mean());
        votes.iter().zip(mean).map(|(vote, mean)| (vote + 0.01 * mean) / 1.01).collect()
    }
}

fn mean(rows: &[Vec<f32>]) -> Vec<f32> {
    let labels = rows.first().map_or(0, Vec::len);
    (0..labels).map(|label| rows.iter().map(|row| row[label]).sum::<f32>() / rows.len() as f32).collect()
}

/// Place of the largest.
pub(crate) fn most(values: &[f32]) -> usize {
    (0..values.len()).max_by(|&a, &b| values[a].total_cmp(&values[b])).unwrap_or(0)
}

/// A table as CSV: `path`, `id` (the dataset's number, if any), `label`, `way` (`one`: the middle segment; `vote` and `mean`
/// of all), and a probability for each label.
///
/// # Errors
/// What the writer of CSV says; memory takes everything.
pub(crate) fn table(labels: &[String], told: &[Told<'_>]) -> io::Result<Vec<u8>> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table
        .write_record(["path", "id", "label", "way"].into_iter().chain(labels.iter().map(String::as_str)))?;
    for track in told {
        let id = track.entry.id.map_or_else(String::new, |id| id.to_string());
        let ways =
            [("one", track.segments[SEGMENTS / 2].clone()), ("vote", track.vote()), ("mean", track.mean())];
        for (way, probabilities) in ways {
            let facts = [track.entry.path.clone(), id.clone(), labels[track.label].clone(), way.to_owned()];
            let numbers = probabilities.iter().map(|value| format!("{value:.6}"));
            table.write_record(facts.into_iter().chain(numbers))?;
        }
    }
    table.into_inner().map_err(csv::IntoInnerError::into_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_votes_are_decided_by_probabilities() {
        let entry = Entry::default();
        let segments = vec![
            vec![0.9, 0.1, 0.0],
            vec![0.8, 0.2, 0.0],
            vec![0.4, 0.6, 0.0],
            vec![0.3, 0.7, 0.0],
            vec![0.3, 0.2, 0.5],
        ];
        let told = Told { entry: &entry, label: 0, segments };
        let vote = told.vote();
        assert_eq!(most(&vote), 0, "{vote:?}");
        assert!((vote[0] - vote[1]).abs() < 0.01 && vote[2] < 0.25, "{vote:?}");
        assert!((vote.iter().sum::<f32>() - 1.0).abs() < 1e-5);
    }
}
