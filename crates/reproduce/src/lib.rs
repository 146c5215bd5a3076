//! Every system of the reference study, and those beside it: trained within a time, made codecs, measured, shown.
//!
//! ```text
//! configs/ -plan-> systems -paces, budget-> steps -trainings-> models -codecs, measure-> journal
//! journal, logs, latents -results-> results.json -tables, page-> study.md, report.html
//! ```
//!
//! | question | file |
//! |---|---|
//! | which systems are there? | [`plan`], from `configs/` |
//! | how is the time for training divided? | [`budget`] |
//! | how are many systems trained side by side? | [`trainings`] |
//! | what are they judged by? | [`clips`] |
//! | how is a model measured like any other codec? | [`codecs`], in suites: [`measure`] |
//! | what is the measure of the families? | [`families`] |
//! | what do latents look like? | [`latents`] |
//! | what is kept? | [`results`] |
//! | what is expected of it, and did it come? | [`expectations`] |
//! | how is it shown? | [`tables`], [`page`] |
//! | what happens in which order? | [`study`] |

pub mod budget;
pub mod clips;
pub mod codecs;
mod error;
mod event;
pub mod expectations;
pub mod families;
pub mod latents;
pub mod measure;
pub mod page;
pub mod plan;
pub mod results;
pub mod study;
pub mod tables;
pub mod trainings;

pub use error::{Error, Result};
pub use event::Event;
pub use study::{StudyOptions, reproduce};
