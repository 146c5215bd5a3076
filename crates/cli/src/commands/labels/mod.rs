//! What `learn` and `classify` share.

pub mod listen;
pub mod report;
pub mod write;
