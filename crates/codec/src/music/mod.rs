//! The music codec: sections of music as a sketch and its detail, and back. `encode` is the encoder's alone.

pub mod blocks;
pub mod decoder;
pub mod detail;
pub mod encode;
pub mod geometry;
pub mod join;
pub mod model;
pub mod models;
pub mod parallel;
pub mod picture;
pub mod push_decoder;
pub mod section;
pub mod sketch;
pub mod sketch_reader;
pub mod step;
pub mod stereo;
pub mod symbol_hash;
pub mod synthesis;
pub mod training;
