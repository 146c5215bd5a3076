//! The music codec: sections of music as a sketch and its detail, and back. `encode` is the encoder's alone.

pub mod blocks;
pub mod decoder;
pub mod detail;
pub mod encode;
pub mod geometry;
pub mod inspect;
pub mod model;
pub mod parallel;
pub mod section;
pub mod sketch;
pub mod step;
pub mod stereo;
pub mod synthesis;
pub mod training;
pub mod tune;
