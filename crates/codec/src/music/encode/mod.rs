//! The encoder alone: what it chooses, which no decoder knows.

pub mod analysis;
pub mod coding;
pub mod config;
pub mod encoder;
pub mod estimate;
pub mod partition;
pub mod quantise;
pub mod rate;
pub mod rotation;
pub mod scales;
pub mod scan;
pub mod smooth_scales;
pub mod tuning;
