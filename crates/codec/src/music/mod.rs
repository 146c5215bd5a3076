//! The music codec: sections of music as a sketch and its detail, and back.

pub mod decoder;
pub mod detail;
pub mod encode;
pub mod geometry;
pub mod inspect;
pub mod model;
pub mod section;
pub mod sketch;
pub mod step;
pub mod synthesis;
pub mod training;
