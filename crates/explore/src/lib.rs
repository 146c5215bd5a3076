//! What many points look like together: projections to the plane, clusters, nearest neighbours, and scores of them all.
//!
//! It knows no music: [`Points`] are rows of numbers.
//!
//! ```text
//! points -projections-> positions in the plane;  points -clusters-> groups;  points -neighbours-> who is close to whom
//! ```

pub mod points;

pub use points::Points;
