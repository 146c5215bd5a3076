//! A music library as one index: what is new in it, what is alike, what comes next.
//!
//! ```text
//! folder -scan-> files -understanding-> index (path, tags, embedding) -explore-> similar tracks, duplicates, paths, maps
//! ```
