//! Every system of the reference study, and those beside it: trained within a time, made codecs, measured, shown.
//!
//! ```text
//! configs/ -plan-> systems -paces, share-> steps -runs-> models -codecs, measure-> journal
//! journal, logs, latents -results-> results.json -tables, page-> study.md, report.html
//! ```
//!
//! | question | file |
//! |---|---|
//! | which systems are there? | [`plan`], from `configs/` |
//! | how is the time shared out? | [`share`] |
//! | how are many trained? | [`runs`] |
//! | what are they judged by? | [`clips`] |
//! | how is a model measured like any codec? | [`codecs`], in suites: [`measure`] |
//! | what is the measure of the families? | [`families`] |
//! | what do latents look like? | [`latents`] |
//! | what is kept? | [`results`] |
//! | what should come of it? | [`expected`] |
//! | how is it shown? | [`tables`], [`page`] |
//! | what happens in which order? | [`study`] |

pub mod clips;
pub mod codecs;
mod error;
pub mod expected;
pub mod families;
mod happening;
pub mod latents;
pub mod measure;
pub mod page;
pub mod plan;
pub mod results;
pub mod runs;
pub mod share;
pub mod study;
pub mod tables;

pub use error::{Error, Result};
pub use happening::Happening;
pub use study::{StudyOptions, reproduce};
