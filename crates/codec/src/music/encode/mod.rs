//! The encoder alone: what it chooses, which no decoder knows.

pub mod analysis;
pub mod encoder;
pub mod quantise;
pub mod rate;
pub mod smooth_scales;
pub mod tuning;
