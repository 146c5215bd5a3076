//! A map as one HTML file: template, style, script, and the data as gzip in base64, so that no tag can end an element.

use std::io::Write;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;

use super::columns::{Indices, Names, Numbers, places};
use super::{ColourBy, Cover, MapData, MapKey, MapTrack, regions};
use crate::error::ReportError;
use crate::page::{escaped, filled, written};
use crate::palette::{NAME_COLOURS, RAMP};

const TEMPLATE: &str = include_str!("../../page/map/map.html");
const STYLE: &str = include_str!("../../page/map/map.css");
/// The decoder of `crates/wasm`, as gzip; `crates/wasm/pack.sh` makes it anew.
const DECODER: &[u8] = include_bytes!("../../page/map/decoder.wasm.gz");
/// In this order they are one script.
const SCRIPTS: [&str; 19] = [
    include_str!("../../page/base.js"),
    include_str!("../../page/map/data.js"),
    include_str!("../../page/map/view.js"),
    include_str!("../../page/map/grid.js"),
    include_str!("../../page/map/colours.js"),
    include_str!("../../page/map/points_gl.js"),
    include_str!("../../page/map/points_2d.js"),
    include_str!("../../page/map/glow.js"),
    include_str!("../../page/map/labels.js"),
    include_str!("../../page/map/sleeve.js"),
    include_str!("../../page/map/sound.js"),
    include_str!("../../page/map/card.js"),
    include_str!("../../page/map/legend.js"),
    include_str!("../../page/map/search.js"),
    include_str!("../../page/map/selection.js"),
    include_str!("../../page/map/player.js"),
    include_str!("../../page/map/input.js"),
    include_str!("../../page/map/music_map.js"),
    include_str!("../../page/map/main.js"),
];

/// Excerpts of more bytes in all are left out, the last ones first: a page of more is slow to open.
pub const MAX_EXCERPT_BYTES: usize = 48 << 20;
/// Pictures inside the page are left out beyond this many bytes in all.
const MAX_COVER_BYTES: usize = 24 << 20;
/// Types of pictures that the page shows.
const PICTURE_TYPES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];
/// Pitch classes of keynotes around the circle of fifths; each minor key shares the place of its relative major.
const MAJOR_FIFTHS: [u8; 12] = [0, 7, 2, 9, 4, 11, 6, 1, 8, 3, 10, 5];
const MAJOR_NAMES: [&str; 12] = ["C", "G", "D", "A", "E", "B", "F♯", "D♭", "A♭", "E♭", "B♭", "F"];
const MINOR_NAMES: [&str; 12] = ["A", "E", "B", "F♯", "C♯", "G♯", "D♯", "B♭", "F", "C", "G", "D"];

/// What the page's script gets.
#[derive(Serialize)]
struct Packed<'a> {
    title: &'a str,
    count: usize,
    colour_by: &'static str,
    palette: Palette,
    titles: Vec<&'a str>,
    files: Vec<&'a str>,
    folders: Names,
    projections: Vec<PackedProjection<'a>>,
    fields: Vec<Field>,
    regions: Vec<Region>,
    seconds: Numbers,
    starts: Numbers,
    covers: Names,
    excerpts: Indices,
}

#[derive(Serialize)]
struct Palette {
    names: &'static [&'static str],
    ramp: [&'static str; 9],
}

#[derive(Serialize)]
struct PackedProjection<'a> {
    name: &'a str,
    note: &'a str,
    xy: String,
}

#[derive(Serialize)]
struct Region {
    name: String,
}

/// Something that points are coloured by.
#[derive(Serialize)]
struct Field {
    key: &'static str,
    label: &'static str,
    #[serde(flatten)]
    values: Values,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Values {
    Names(Names),
    /// Names that are neighbours in their order, the last of the first.
    Circle(Names),
    Range {
        digits: u8,
        unit: &'static str,
        #[serde(flatten)]
        numbers: Numbers,
    },
}

impl Values {
    fn is_empty(&self) -> bool {
        match self {
            Self::Names(names) | Self::Circle(names) => names.is_empty(),
            Self::Range { numbers, .. } => numbers.is_empty(),
        }
    }
}

impl MapData {
    /// The whole file.
    ///
    /// # Errors
    /// [`ReportError::Json`], [`ReportError::Packing`].
    pub fn html(&self) -> Result<String, ReportError> {
        let regions = regions::names(&self.tracks);
        let summary = escaped(&self.summary(&regions));
        let title = escaped(&self.title);
        let (excerpt_of, excerpts) = self.excerpts();
        let decoder = if excerpts.is_empty() { String::new() } else { STANDARD.encode(DECODER) };
        let data = packed(&serde_json::to_vec(&self.packed(regions, excerpt_of))?)?;
        let script = SCRIPTS.concat();
        let excerpts = excerpts.join("\n");
        let parts = [
            ("title", &*title),
            ("style", STYLE),
            ("summary", &*summary),
            ("data", &*data),
            ("excerpts", &*excerpts),
            ("decoder", &*decoder),
            ("script", &*script),
        ];
        Ok(filled(TEMPLATE, &parts))
    }

    /// Writes the file so that it appears whole or not at all; answers its size in bytes.
    ///
    /// # Errors
    /// [`ReportError::Media`] if it exists and must not be replaced or the disk refuses; as [`MapData::html`].
    pub fn write(&self, path: &Path, overwrite: bool) -> Result<u64, ReportError> {
        written(&self.html()?, path, overwrite)
    }

    fn packed(&self, regions: Vec<String>, excerpts: Indices) -> Packed<'_> {
        let tracks = || self.tracks.iter();
        let split = |track: &'_ MapTrack| track.path.rfind('/').map_or(0, |at| at + 1);
        let fields: Vec<Field> = self.fields(&regions).into_iter().filter(|f| !f.values.is_empty()).collect();
        let wished = self.colour_by.name();
        let first = fields.first().map_or("", |field| field.key);
        let cover_names: Vec<String> = self.cover_addresses();
        let has_cover = |cover: &usize| cover_names.get(*cover).is_some_and(|name| !name.is_empty());
        let cover_of: Vec<Option<usize>> = tracks().map(|t| t.cover.filter(has_cover)).collect();
        Packed {
            title: &self.title,
            count: self.tracks.len(),
            colour_by: if fields.iter().any(|field| field.key == wished) { wished } else { first },
            palette: Palette { names: &NAME_COLOURS, ramp: RAMP },
            titles: tracks().map(|t| t.title.as_str()).collect(),
            files: tracks().map(|t| &t.path[split(t)..]).collect(),
            folders: Names::of(tracks().map(|t| t.path[..split(t)].trim_end_matches('/'))),
            projections: self.packed_projections(),
            fields,
            regions: regions.into_iter().map(|name| Region { name }).collect(),
            seconds: Numbers::new(tracks().map(|t| t.duration_seconds)),
            starts: Numbers::new(tracks().map(|t| t.excerpt_start_seconds)),
            covers: Names::known(cover_names, cover_of.into_iter()),
            excerpts,
        }
    }

    /// The projections; one with all points in the middle if there is none, so that the page has something to draw.
    fn packed_projections(&self) -> Vec<PackedProjection<'_>> {
        let count = self.tracks.len();
        if self.projections.is_empty() {
            return vec![PackedProjection { name: "", note: "", xy: places(&[], count) }];
        }
        let packed = |p: &'_ super::Projection| places(&p.points, count);
        self.projections
            .iter()
            .map(|p| PackedProjection { name: &p.name, note: &p.note, xy: packed(p) })
            .collect()
    }

    /// Everything that could colour the points, in the page's order.
    fn fields(&self, regions: &[String]) -> [Field; 8] {
        let tracks = || self.tracks.iter();
        let range = |digits, unit, numbers| Values::Range { digits, unit, numbers };
        ColourBy::ALL.map(|by| {
            let (label, values) = match by {
                ColourBy::Genre => ("Genre", Values::Names(Names::of(tracks().map(|t| t.genre.trim())))),
                ColourBy::Artist => ("Artist", Values::Names(Names::of(tracks().map(|t| t.artist.trim())))),
                ColourBy::Album => ("Album", Values::Names(Names::of(tracks().map(|t| t.album.trim())))),
                ColourBy::Year => {
                    ("Year", range(0, "", Numbers::new(tracks().map(|t| t.year.map(f32::from)))))
                }
                ColourBy::Cluster => {
                    let cluster = |t: &MapTrack| t.cluster.map(|c| c as usize).filter(|&c| c < regions.len());
                    ("Region", Values::Names(Names::known(regions.to_vec(), tracks().map(cluster))))
                }
                ColourBy::Loudness => {
                    ("Loudness", range(1, "LUFS", Numbers::new(tracks().map(|t| t.loudness_lufs))))
                }
                ColourBy::Tempo => ("Tempo", range(0, "BPM", Numbers::new(tracks().map(|t| t.tempo_bpm)))),
                ColourBy::Key => {
                    let keys = if tracks().any(|t| t.key.is_some()) { key_names() } else { Vec::new() };
                    ("Key", Values::Circle(Names::known(keys, tracks().map(|t| t.key.and_then(key_place)))))
                }
            };
            Field { key: by.name(), label, values }
        })
    }

    /// Addresses of the covers; empty for those that the page does not take.
    fn cover_addresses(&self) -> Vec<String> {
        let mut room = MAX_COVER_BYTES;
        let address = |cover: &Cover| match cover {
            Cover::File(path) => path.clone(),
            Cover::Picture { mime, bytes } => {
                if !PICTURE_TYPES.contains(&mime.as_str()) || bytes.len() > room {
                    return String::new();
                }
                room -= bytes.len();
                format!("data:{mime};base64,{}", STANDARD.encode(bytes))
            }
        };
        self.covers.iter().map(address).collect()
    }

    /// Which excerpt each track has, and the excerpts in base64.
    fn excerpts(&self) -> (Indices, Vec<String>) {
        let mut room = MAX_EXCERPT_BYTES;
        let mut packed = Vec::new();
        let indices: Vec<Option<usize>> = self
            .tracks
            .iter()
            .map(|track| {
                let excerpt = track.excerpt.as_ref().filter(|excerpt| excerpt.len() <= room)?;
                room -= excerpt.len();
                packed.push(STANDARD.encode(excerpt));
                Some(packed.len() - 1)
            })
            .collect();
        (Indices::new(indices.into_iter(), packed.len()), packed)
    }

    /// The map in words, for who cannot see it.
    fn summary(&self, regions: &[String]) -> String {
        let mut artists: Vec<&str> =
            self.tracks.iter().map(|t| t.artist.trim()).filter(|a| !a.is_empty()).collect();
        artists.sort_unstable();
        artists.dedup();
        let mut text = format!("A map of {} tracks", self.tracks.len());
        if !artists.is_empty() {
            text += &format!(" by {} artists", artists.len());
        }
        text += "; tracks that sound alike lie close together. ";
        if !regions.is_empty() {
            text += &format!("Regions: {}. ", regions.join(", "));
        }
        text + "Arrow keys go from track to track, Enter plays, slash searches, question mark lists all keys."
    }
}

/// Names of the 24 keys around the circle of fifths, major ones first.
fn key_names() -> Vec<String> {
    let major = MAJOR_NAMES.iter().map(|name| format!("{name} major"));
    major.chain(MINOR_NAMES.iter().map(|name| format!("{name} minor"))).collect()
}

/// Index of a key in [`key_names`].
fn key_place(key: MapKey) -> Option<usize> {
    // The relative major of a minor key lies three semitones above it.
    let tonic = if key.is_minor { (key.tonic + 3) % 12 } else { key.tonic };
    let place = MAJOR_FIFTHS.iter().position(|&fifth| fifth == tonic)?;
    Some(if key.is_minor { 12 + place } else { place })
}

/// Base64 of gzip.
fn packed(bytes: &[u8]) -> Result<String, ReportError> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::new(7));
    packer.write_all(bytes)?;
    Ok(STANDARD.encode(packer.finish()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_their_names() {
        let name =
            |tonic, is_minor| key_place(MapKey { tonic, is_minor }).map(|place| key_names()[place].clone());
        let known = [
            (0, false, "C major"),
            (1, false, "D♭ major"),
            (6, false, "F♯ major"),
            (9, true, "A minor"),
            (0, true, "C minor"),
            (3, true, "D♯ minor"),
            (10, true, "B♭ minor"),
        ];
        for (tonic, is_minor, expected) in known {
            assert_eq!(name(tonic, is_minor).as_deref(), Some(expected));
        }
        assert_eq!(name(12, false), None);
    }
}
