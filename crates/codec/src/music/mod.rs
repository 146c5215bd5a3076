//! The music codec: sections of music as a sketch and its detail, and back.

pub mod batch;
pub mod decoder;
pub mod detail;
pub mod encode;
pub mod geometry;
pub mod join;
pub mod model;
pub mod models;
pub mod picture;
pub mod push_decoder;
pub mod section;
pub mod sketch;
pub mod sketch_reader;
pub mod step;
pub mod symbol_hash;
pub mod synthesis;
pub mod training;
