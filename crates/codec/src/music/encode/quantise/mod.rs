//! Which whole number stands for each coefficient.
//!
//! | question | file |
//! |---|---|
//! | which value is chosen? | `rate_distortion` |
//! | what does a value cost at a place? | `price` |
//! | where is noise heard least? | `masking` |
//! | where is a value reconstructed? | `centroids` |

mod centroids;
mod masking;
mod price;
mod rate_distortion;

pub use centroids::best_centroids;
pub use masking::lambda_factors;
pub use rate_distortion::RateDistortion;
