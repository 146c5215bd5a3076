//! Where the points of a map lie, and which belong together.

use crate::progress::Counter;
use anyhow::Context;
use clap::ValueEnum;
use melisma_explore::{
    KMeansOptions, Pca, Points, Progress, TsneOptions, UmapOptions, kmeans, tsne, umap, unwatched,
};
use melisma_report::map::Projection;
use std::ops::ControlFlow;

/// A way to lay points out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Layout {
    /// Neighbours stay together (t-SNE)
    Tsne,
    /// Neighbours stay together, groups more compact (UMAP)
    Umap,
    /// The two directions of most variance (PCA)
    Pca,
}

/// Most regions: more names than this nobody reads.
const MOST_CLUSTERS: usize = 24;
/// Fewer tracks than this make no regions.
const LEAST_TRACKS: usize = 8;

impl Layout {
    /// Every one, in the order of the page.
    pub const ALL: [Self; 3] = [Self::Tsne, Self::Umap, Self::Pca];

    /// Lays points out.
    pub fn project(self, points: &Points, quiet: bool) -> anyhow::Result<Projection> {
        match self {
            Self::Tsne => {
                let mut steps = Steps::of("t-SNE", quiet);
                let found = tsne(points, &TsneOptions::default(), &mut |progress| steps.at(progress));
                let note = "Neighbours stay together; distances between groups mean little.";
                Ok(projection("t-SNE", note, &found.context("t-SNE")?.positions))
            }
            Self::Umap => {
                let mut steps = Steps::of("UMAP", quiet);
                let found = umap(points, &UmapOptions::default(), &mut |progress| steps.at(progress));
                let note = "Neighbours stay together, in groups that are more compact than those of t-SNE.";
                Ok(projection("UMAP", note, &found.context("UMAP")?))
            }
            Self::Pca => {
                let pca = Pca::fit(points, 2).context("PCA")?;
                let shares: f64 = pca.shares().iter().sum();
                let note =
                    format!("The two directions of most variance; they hold {:.0} % of it.", 100.0 * shares);
                Ok(projection("PCA", &note, &pca.project(points).context("PCA")?))
            }
        }
    }
}

/// A bar over the steps of one projection.
struct Steps {
    name: &'static str,
    quiet: bool,
    counter: Option<Counter>,
    shown: usize,
}

impl Steps {
    fn of(name: &'static str, quiet: bool) -> Self {
        Self { name, quiet, counter: None, shown: 0 }
    }

    fn at(&mut self, progress: Progress) -> ControlFlow<()> {
        let counter = self.counter.get_or_insert_with(|| Counter::new(progress.total, "steps", self.quiet));
        while self.shown < progress.done {
            counter.one_more(self.name);
            self.shown += 1;
        }
        ControlFlow::Continue(())
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        if let Some(counter) = &self.counter {
            counter.clear();
        }
    }
}

/// Positions with y downwards, as a page has them.
fn projection(name: &str, note: &str, positions: &Points) -> Projection {
    let place =
        |point: &[f32]| [point.first().copied().unwrap_or(0.0), -point.get(1).copied().unwrap_or(0.0)];
    Projection { name: name.to_owned(), note: note.to_owned(), points: positions.iter().map(place).collect() }
}

/// Each once, in the order in which they were asked for.
pub fn without_repeats(layouts: &[Layout]) -> Vec<Layout> {
    let mut different = Vec::new();
    for layout in layouts {
        if !different.contains(layout) {
            different.push(*layout);
        }
    }
    different
}

/// Cluster of each point; none for a handful of points.
pub fn clusters(points: &Points) -> anyhow::Result<Vec<Option<u32>>> {
    if points.len() < LEAST_TRACKS {
        return Ok(vec![None; points.len()]);
    }
    // The rule of thumb of the square root of half of the points (Mardia, Kent and Bibby, Multivariate Analysis, 1979).
    let wanted = (points.len() as f64 / 2.0).sqrt().round() as usize;
    let options =
        KMeansOptions { clusters: wanted.clamp(2, MOST_CLUSTERS), starts: 3, iterations: 100, seed: 0 };
    let found = kmeans(points, &options, &mut unwatched).context("k-means")?;
    Ok(found.labels.into_iter().map(|label| u32::try_from(label).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(count: usize) -> Points {
        // Two groups on the corners of a square, a little apart from one another.
        let value = |i: usize| [(i % 2) as f32 * 4.0, (i / 2 % 2) as f32, 0.01 * i as f32];
        Points::new(3, (0..count).flat_map(value).collect()).unwrap_or_default()
    }

    #[test]
    fn any_number_of_points_has_a_place() {
        for count in [1, 2, 3, 40] {
            for layout in Layout::ALL {
                let places = layout.project(&points(count), true).unwrap().points;
                assert_eq!(places.len(), count, "{layout:?}");
                assert!(places.iter().flatten().all(|v| v.is_finite()));
            }
        }
    }

    #[test]
    fn what_is_close_is_one_cluster() {
        assert_eq!(clusters(&points(3)).unwrap(), [None; 3]);
        let found = clusters(&points(8)).unwrap();
        assert!(found.iter().all(|cluster| *cluster == found[0] || *cluster == found[1]));
        assert_ne!(found[0], found[1]);
        assert_eq!(found[0], found[2]);
    }

    #[test]
    fn nothing_is_laid_out_twice() {
        assert_eq!(without_repeats(&[Layout::Pca, Layout::Tsne, Layout::Pca]), [Layout::Pca, Layout::Tsne]);
    }
}
