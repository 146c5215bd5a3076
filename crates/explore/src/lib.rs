//! What many points look like together: projections to the plane, clusters, nearest neighbours, and scores of them all.
//!
//! It knows no music: [`Points`] are rows of numbers.
//!
//! ```text
//! points -projections-> positions in the plane;  points -clusters-> groups;  points -neighbours-> who is close to whom
//! ```

pub mod dec;
mod eigen;
pub mod error;
mod graph;
pub mod index;
pub mod kernel_pca;
pub mod kmeans;
mod lanes;
pub mod lda;
pub mod neighbours;
pub mod pca;
pub mod points;
pub mod progress;
pub mod scores;
pub mod sparse_pca;
pub mod tsne;
pub mod umap;

pub use dec::{Dec, DecOptions, dec};
pub use error::{Error, Result};
pub use index::{Index, Neighbour};
pub use kernel_pca::{Kernel, KernelPca, kernel_pca};
pub use kmeans::{KMeans, KMeansOptions, kmeans};
pub use lda::Lda;
pub use neighbours::{Metric, Neighbours, nearest};
pub use pca::Pca;
pub use points::Points;
pub use progress::{Progress, Watch, unwatched};
pub use sparse_pca::{SparsePca, SparsePcaOptions};
pub use tsne::{Tsne, TsneOptions, tsne};
pub use umap::{UmapOptions, umap};
