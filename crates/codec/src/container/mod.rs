//! The file around the music: header, metadata, chunks, trailer, damage, seeking.

pub mod header;
pub mod reader;
