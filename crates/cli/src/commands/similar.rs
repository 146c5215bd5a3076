//! `melisma similar`: the tracks of a library that are like one or several others, or a way between two.

use crate::{
    examples,
    exit::Outcome,
    library::{Access, Library, json_of},
    message::{self, hinted},
    output::{ByteSink, DataOut, Target, make_folder},
    text,
};
use anyhow::Context;
use melisma_library::{
    Near, Sound, Track, Wish, index_file, listen,
    playlist::{display_name, m3u8},
    route, similar,
};
use std::{
    io::Write,
    path::{Path, PathBuf},
};

/// Flags of `similar`.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::SIMILAR)]
pub struct SimilarArguments {
    /// One or several tracks, of the library or not
    #[arg(value_name = "TRACK", required = true)]
    tracks: Vec<PathBuf>,
    /// Folder to search; without it the nearest folder above the first track that has an index, or else its own
    ///
    /// Its index is brought up to date first, and made where there is none.
    #[arg(long = "in", value_name = "DIR")]
    folder: Option<PathBuf>,
    /// The folder's index [default: DIR/.melisma/index]
    #[arg(long, value_name = "FILE")]
    index: Option<PathBuf>,
    /// How many tracks
    #[arg(short = 'k', long = "count", value_name = "N", default_value_t = 20)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1000))]
    count: u16,
    /// At most so many of one artist
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    per_artist: Option<u16>,
    /// At most so many of one album
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    per_album: Option<u16>,
    /// Go from TRACK to this one in small steps, by way of N others
    #[arg(long, value_name = "TRACK")]
    path: Option<PathBuf>,
    /// Also give other files of a recording that was given already
    #[arg(long)]
    copies: bool,
    /// Write the tracks, seeds first, to this playlist (.m3u8)
    #[arg(long, value_name = "FILE")]
    playlist: Option<PathBuf>,
    /// Replace the playlist if it is there
    #[arg(short, long)]
    force: bool,
    /// One JSON object a track, for programs
    #[arg(long)]
    json: bool,
    /// How many files to read at a time [default: one per core]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
}

/// A track to start from, and where its file lies.
struct Seed {
    track: Track,
    place: PathBuf,
}

impl SimilarArguments {
    /// Finds the tracks, prints them, and writes the playlist.
    pub fn run(self, quiet: bool) -> anyhow::Result<Outcome> {
        if self.path.is_some() && self.tracks.len() > 1 {
            return Err(message::misused("--path goes from one track to another", "give one TRACK"));
        }
        for file in self.tracks.iter().chain(&self.path) {
            file.metadata().with_context(|| format!("cannot read {}", file.display()))?;
        }
        let folder = match &self.folder {
            Some(folder) => folder.clone(),
            None => library_of(&self.tracks[0])?,
        };
        let access = Access {
            index_file: self.index.clone(),
            jobs: self.jobs.map(usize::from),
            quiet,
            is_about_others: true,
            ..Access::default()
        };
        let library = Library::open(&folder, &access)?;
        let seeds: Vec<Seed> =
            self.tracks.iter().map(|file| seed(&library, file)).collect::<anyhow::Result<_>>()?;
        let mut wish = Wish::default();
        wish.count = usize::from(self.count);
        wish.per_artist = self.per_artist.map(usize::from);
        wish.per_album = self.per_album.map(usize::from);
        wish.with_copies = self.copies;
        let end = self.path.as_deref().map(|file| seed(&library, file)).transpose()?;
        let found = match &end {
            Some(end) => route(&library.index, &seeds[0].track.sound, &end.track.sound, &wish),
            None => {
                let sounds: Vec<&Sound> = seeds.iter().map(|seed| &seed.track.sound).collect();
                similar(&library.index, &sounds, &wish)
            }
        };
        if found.is_empty() {
            return Err(hinted(
                format!("no other track in {} to compare with", folder.display()),
                "--in DIR names the folder to search",
            ));
        }
        self.print(&library, &found)?;
        if let Some(file) = &self.playlist {
            self.write_playlist(file, &library, &seeds, &found, end.as_ref())?;
            if !quiet {
                let count = seeds.len() + found.len() + usize::from(end.is_some());
                message::say(&format!("{}: {}", file.display(), text::count(count, "track")));
            }
        }
        // What is wrong with other files of the library was said; it is not what was asked for.
        Ok(Outcome::Success)
    }

    fn print(&self, library: &Library, found: &[Near]) -> anyhow::Result<()> {
        for (rank, near) in found.iter().enumerate() {
            let track = &library.index.tracks[near.track];
            if self.json {
                let mut json = json_of(track);
                json["rank"] = (rank + 1).into();
                json["distance"] = ((f64::from(near.distance) * 1e4).round() / 1e4).into();
                writeln!(DataOut, "{json}")?;
            } else {
                let mut line = format!("{:>4}  {:.3}  {}", rank + 1, near.distance, track.path);
                if track.tags.title.is_some() {
                    line.push_str(&format!("  ({})", display_name(track)));
                }
                writeln!(DataOut, "{}", text::printable(&line))?;
            }
        }
        Ok(())
    }

    /// Seeds, what was found, and the end of a way.
    fn write_playlist(
        &self,
        file: &Path,
        library: &Library,
        seeds: &[Seed],
        found: &[Near],
        end: Option<&Seed>,
    ) -> anyhow::Result<()> {
        let found = found.iter().map(|near| {
            let track = &library.index.tracks[near.track];
            Seed { track: track.clone(), place: absolute(&library.place(track)) }
        });
        let found: Vec<Seed> = found.collect();
        let all = seeds.iter().chain(&found).chain(end);
        let target = if file.as_os_str() == "-" { Target::Stdout } else { Target::File(file.to_path_buf()) };
        if target != Target::Stdout {
            // Before its place is asked for: what is not there has none.
            make_folder(file)?;
        }
        let folder = absolute(file).parent().map(Path::to_path_buf).unwrap_or_default();
        let list = m3u8(all.map(|seed| (&seed.track, seed.place.as_path())), &folder);
        let mut out = ByteSink::open(&target, self.force)?;
        out.write(list.as_bytes())?;
        out.finish()
    }
}

/// A named track: from the index if it is there, else read now.
fn seed(library: &Library, file: &Path) -> anyhow::Result<Seed> {
    let place = absolute(file);
    if let Some(found) = library.find(file) {
        return Ok(Seed { track: library.index.tracks[found].clone(), place });
    }
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let track = listen(file, &name, Some("ffmpeg"), &|_| None).with_context(|| file.display().to_string())?;
    Ok(Seed { track, place })
}

/// Links resolved as far as that is possible, so that two paths can be compared.
fn absolute(path: &Path) -> PathBuf {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (path.canonicalize(), parent.canonicalize(), path.file_name()) {
        (Ok(whole), ..) => whole,
        (_, Ok(parent), Some(name)) => parent.join(name),
        _ => path.to_path_buf(),
    }
}

/// The nearest folder above a track that has an index, or the one that it lies in.
fn library_of(track: &Path) -> anyhow::Result<PathBuf> {
    let whole = track.canonicalize().with_context(|| format!("cannot read {}", track.display()))?;
    let indexed = whole.ancestors().skip(1).find(|folder| index_file(folder).is_file());
    let own = || whole.parent().map(Path::to_path_buf);
    indexed.map(Path::to_path_buf).or_else(own).with_context(|| format!("{} lies nowhere", track.display()))
}
