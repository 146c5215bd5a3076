//! `melisma embed`: tracks as points, for other programs.

use crate::{
    examples,
    exit::Outcome,
    library::{Access, Library, json_of},
    message::{self, hinted, misused},
    output::{DataOut, make_folder},
    progress::Counter,
    text, threads,
};
use anyhow::Context;
use melisma_library::{
    EMBEDDING_VERSION, Track,
    export::{NpzWriter, Table, write_csv, write_safetensors},
    listen, sketch_of,
};
use melisma_media::AtomicFile;
use rayon::prelude::*;
use std::{
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

/// Flags of `embed`.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::EMBED)]
pub struct EmbedArguments {
    /// One folder, or files: .mlsm, whose sound is not decoded, or any others
    #[arg(value_name = "INPUT", required = true)]
    inputs: Vec<PathBuf>,
    /// File to write: .npz, .safetensors, .csv or (in builds with that feature) .parquet, by its name; without it, JSON goes to standard output
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// Also write the sketch of each track (.npz only): array sketches/PATH, [mid and side, frame, band] in dB
    #[arg(long, requires = "output")]
    sketches: bool,
    /// The folder's index [default: DIR/.melisma/index]: what it has is not read again
    #[arg(long, value_name = "FILE")]
    index: Option<PathBuf>,
    /// Replace the output if it is there
    #[arg(short, long)]
    force: bool,
    /// How many files to read at a time [default: one per core]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
}

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Npz,
    Safetensors,
    Csv,
    #[cfg(feature = "parquet")]
    Parquet,
}

impl EmbedArguments {
    /// Reads everything, then writes it.
    pub fn run(self, quiet: bool) -> anyhow::Result<Outcome> {
        let output = match &self.output {
            Some(file) => {
                let format = format_of(file)?;
                if self.sketches && format != Format::Npz {
                    return Err(misused("sketches go into .npz files only", "give -o NAME.npz"));
                }
                if file.exists() && !self.force {
                    return Err(melisma_media::MediaError::Exists(file.clone()).into());
                }
                Some((file.as_path(), format))
            }
            None => None,
        };
        let (tracks, outcome) = self.tracks(quiet)?;
        let Some((file, format)) = output else {
            for (track, _) in &tracks {
                let mut json = json_of(track);
                json["embedding_version"] = EMBEDDING_VERSION.into();
                json["embedding"] = track.sound.embedding.clone().into();
                writeln!(DataOut, "{json}")?;
            }
            return Ok(outcome);
        };
        if tracks.is_empty() {
            return Err(hinted("there is no track to write", "is it the right folder?"));
        }
        let mut table = Table { embedding_version: EMBEDDING_VERSION, ..Table::default() };
        for (track, _) in &tracks {
            table.push(track.path.clone(), track.sound.seconds, &track.sound.embedding);
        }
        make_folder(file)?;
        let mut out = BufWriter::new(AtomicFile::create(file, self.force)?);
        match format {
            Format::Csv => write_csv(&table, &mut out)?,
            Format::Safetensors => write_safetensors(&table, &mut out)?,
            #[cfg(feature = "parquet")]
            Format::Parquet => melisma_library::export::write_parquet(&table, &mut out)?,
            Format::Npz => {
                let mut npz = NpzWriter::new(out);
                npz.table(&table)?;
                if self.sketches {
                    self.write_sketches(&mut npz, &tracks, quiet)?;
                }
                out = npz.finish()?;
            }
        }
        out.into_inner().map_err(std::io::IntoInnerError::into_error)?.commit()?;
        if !quiet {
            let tracks = text::count(table.ids.len(), "track");
            message::say(&format!("{}: {tracks}, {} numbers each", file.display(), table.dimensions));
        }
        Ok(outcome)
    }

    /// The tracks, and where each lies: of a folder by its index, of files by reading them.
    fn tracks(&self, quiet: bool) -> anyhow::Result<(Vec<(Track, PathBuf)>, Outcome)> {
        let jobs = self.jobs.map(usize::from);
        if let [folder] = self.inputs.as_slice()
            && folder.is_dir()
        {
            let access = Access { index_file: self.index.clone(), jobs, quiet, ..Access::default() };
            let library = Library::open(folder, &access)?;
            let place = |track: &Track| (track.clone(), library.place(track));
            return Ok((library.index.tracks.iter().map(place).collect(), library.outcome));
        }
        if let Some(folder) = self.inputs.iter().find(|input| input.is_dir()) {
            let what = format!("{} is a folder among several inputs", folder.display());
            return Err(misused(what, "give one folder, or files"));
        }
        let read = |file: &PathBuf| {
            let track = listen(file, &file.to_string_lossy(), Some("ffmpeg"), &|_| None);
            track.map(|track| (track, file.clone())).with_context(|| file.display().to_string())
        };
        let pool = threads::pool(threads::wanted(jobs))?;
        let mut found: Vec<anyhow::Result<(Track, PathBuf)>> =
            pool.install(|| self.inputs.par_iter().with_max_len(1).map(read).collect());
        if found.len() == 1 {
            return Ok((vec![found.remove(0)?], Outcome::Success));
        }
        let mut outcome = Outcome::Success;
        let mut tracks = Vec::new();
        for result in found {
            match result {
                Ok(track) => tracks.push(track),
                Err(error) => {
                    message::error(&error);
                    outcome = Outcome::Failure;
                }
            }
        }
        Ok((tracks, outcome))
    }

    /// The sketches, a few files at a time: all of a library's would not fit into memory.
    fn write_sketches<W: Write + std::io::Seek>(
        &self,
        npz: &mut NpzWriter<W>,
        tracks: &[(Track, PathBuf)],
        quiet: bool,
    ) -> anyhow::Result<()> {
        let jobs = threads::wanted(self.jobs.map(usize::from));
        let pool = threads::pool(jobs)?;
        let mut progress = Counter::new(tracks.len(), "sketches", quiet);
        for part in tracks.chunks(jobs) {
            let sketches: Vec<_> = pool.install(|| {
                part.par_iter()
                    .with_max_len(1)
                    .map(|(_, place)| sketch_of(place, Some("ffmpeg")).map(|(sketch, _)| sketch))
                    .collect()
            });
            for ((track, _), sketch) in part.iter().zip(sketches) {
                let sketch = sketch.with_context(|| track.path.clone())?;
                let bands = sketch.mid_db.len().checked_div(sketch.frames()).unwrap_or(0);
                let values = [&sketch.mid_db[..], &sketch.side_db[..]].concat();
                npz.floats(&format!("sketches/{}", track.path), &[2, sketch.frames(), bands], &values)?;
                progress.one_more(&track.path);
            }
        }
        progress.clear();
        Ok(())
    }
}

fn format_of(file: &Path) -> anyhow::Result<Format> {
    let extension = file.extension().map(|text| text.to_string_lossy().to_ascii_lowercase());
    match extension.as_deref() {
        Some("npz") => Ok(Format::Npz),
        Some("safetensors") => Ok(Format::Safetensors),
        Some("csv") => Ok(Format::Csv),
        #[cfg(feature = "parquet")]
        Some("parquet") => Ok(Format::Parquet),
        #[cfg(not(feature = "parquet"))]
        Some("parquet") => Err(hinted(
            "Parquet is not part of this build",
            "cargo install --path crates/cli --features parquet; or write .csv, of which pandas, Polars and DuckDB make Parquet",
        )),
        _ => Err(misused(
            format!("{} is of no format that is written", file.display()),
            "write .npz, .safetensors, .csv or .parquet",
        )),
    }
}
