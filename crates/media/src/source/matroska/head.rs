//! What a Matroska file says outside of its clusters: tracks, tags, covers, chapters.
//!
//! Source: RFC 9559, sections 5.1.2 to 5.1.8; the Matroska tag specification (target types).

use std::io::Read;

use lofty::picture::{MimeType, Picture, PictureType};

use super::super::bytes::Bytes;
use super::super::tags::{Collected, MAX_PICTURE_BYTES, MAX_TAG_BYTES};
use super::ebml::{Element, Header, MAX_HEADER_BYTES, children};
use crate::MediaError;

pub const SEGMENT: u32 = 0x1853_8067;
pub const CLUSTER: u32 = 0x1F43_B675;
pub const EBML: u32 = 0x1A45_DFA3;
const INFO: u32 = 0x1549_A966;
const TRACKS: u32 = 0x1654_AE6B;
pub const TAGS: u32 = 0x1254_C367;
const ATTACHMENTS: u32 = 0x1941_A469;
const CHAPTERS: u32 = 0x1043_A770;
/// Elements that may stand in a row besides clusters, time stamps and blocks: Void, CRC-32, Position, PrevSize, SeekHead,
/// Info, Tracks, Cues, Tags, Chapters, Attachments, EBML.
pub const OTHERS: [u32; 12] = [
    0xEC,
    0xBF,
    0xA7,
    0xAB,
    0x114D_9B74,
    0x1549_A966,
    0x1654_AE6B,
    0x1C53_BB6B,
    0x1254_C367,
    0x1043_A770,
    0x1941_A469,
    EBML,
];
/// One of the elements above; pictures are the largest.
pub const MAX_ELEMENT_BYTES: u64 = (4 * MAX_PICTURE_BYTES + MAX_TAG_BYTES) as u64;
/// Target type of an album, as opposed to a track.
const ALBUM: u64 = 50;

/// An audio track.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Track {
    /// Its number in blocks.
    pub number: u64,
    /// Its number in tags.
    pub uid: u64,
    /// What is to be played without being asked.
    pub is_default: bool,
    /// `A_OPUS` and so on.
    pub codec: String,
    /// Set-up data of the codec.
    pub private: Vec<u8>,
    /// What the codec puts in front of the music, in nanoseconds.
    pub codec_delay_ns: u64,
    /// Samples per second and channel.
    pub sample_rate_hz: f64,
    /// Number of channels.
    pub channel_count: u64,
    /// Bits of a plain sample.
    pub bits: u64,
    /// What every packet starts with, left out of each.
    pub stripped: Vec<u8>,
    /// Compressed or encrypted in another way.
    pub is_encoded: bool,
}

/// Everything outside of the clusters.
#[derive(Default)]
pub struct Head {
    /// Audio tracks in their order.
    pub tracks: Vec<Track>,
    /// Nanoseconds of a tick.
    pub tick_ns: u64,
    /// Length in ticks; 0 if unknown.
    pub duration_ticks: f64,
    /// Tags without a target, or with the given track's number (0: all) and target type.
    tags: Vec<Tag>,
    title: String,
    pictures: Vec<Picture>,
    chapters: Vec<(u64, String)>,
}

struct Tag {
    uids: Vec<u64>,
    target_type: Option<u64>,
    name: String,
    value: String,
}

impl Head {
    /// Reads all of a file but its clusters, or a pipe up to its first cluster.
    pub fn read(bytes: &mut Bytes) -> Result<Self, MediaError> {
        let mut head = Self { tick_ns: 1_000_000, ..Self::default() };
        let seekable = bytes.length_bytes().is_some();
        loop {
            let Some(header) = read_header(bytes)? else { return Ok(head) };
            match (header.id, header.size) {
                // Without a size, what it holds follows.
                (SEGMENT, _) | (CLUSTER, None) => {}
                (CLUSTER, Some(_)) if !seekable && !head.tracks.is_empty() => return Ok(head),
                (INFO | TRACKS | TAGS | ATTACHMENTS | CHAPTERS, Some(size)) if size <= MAX_ELEMENT_BYTES => {
                    let mut body = Vec::new();
                    (&mut *bytes).take(size).read_to_end(&mut body)?;
                    head.take(Element { id: header.id, body: &body });
                }
                (_, Some(size)) => {
                    if bytes.skip(size).is_err() {
                        return Ok(head);
                    }
                }
                (_, None) => return Ok(head),
            }
            if header.id == CLUSTER && header.size.is_none() && !seekable {
                return Ok(head);
            }
        }
    }

    /// Learns from an element of the top level.
    pub fn take(&mut self, element: Element<'_>) {
        match element.id {
            INFO => {
                for item in children(element.body) {
                    match item.id {
                        0x2A_D7B1 => self.tick_ns = item.unsigned().max(1),
                        0x4489 => self.duration_ticks = item.float(),
                        0x7BA9 => self.title = item.text(),
                        _ => {}
                    }
                }
            }
            TRACKS => self
                .tracks
                .extend(children(element.body).filter(|e| e.id == 0xAE).filter_map(|e| read_track(e.body))),
            TAGS => children(element.body).filter(|e| e.id == 0x7373).for_each(|e| self.take_tag(e.body)),
            ATTACHMENTS => {
                let files = children(element.body).filter(|e| e.id == 0x61A7);
                self.pictures.extend(files.filter_map(|e| read_picture(e.body)));
            }
            CHAPTERS => {
                let atoms = children(element.body).filter(|e| e.id == 0x45B9).flat_map(|e| children(e.body));
                self.chapters.extend(atoms.filter(|e| e.id == 0xB6).map(|e| read_chapter(e.body)));
            }
            _ => {}
        }
    }

    fn take_tag(&mut self, body: &[u8]) {
        let targets = children(body).find(|e| e.id == 0x63C0).map_or(&[][..], |e| e.body);
        let uids: Vec<u64> = children(targets).filter(|e| e.id == 0x63C5).map(|e| e.unsigned()).collect();
        let target_type = children(targets).find(|e| e.id == 0x68CA).map(|e| e.unsigned());
        for simple in children(body).filter(|e| e.id == 0x67C8) {
            let field = |id: u32| children(simple.body).find(|e| e.id == id).map(|e| e.text());
            if let (Some(name), Some(value)) = (field(0x45A3), field(0x4487)) {
                self.tags.push(Tag { uids: uids.clone(), target_type, name, value });
            }
        }
    }

    /// Tags and pictures for one track.
    pub fn collect(&mut self, track: &Track) -> Collected {
        let mut collected = Collected::default();
        for tag in &self.tags {
            if tag.uids.iter().any(|uid| *uid != 0) && !tag.uids.contains(&track.uid) {
                continue;
            }
            // A name means another thing on the level of an album, if the writer says that this is one.
            let is_album = tag.target_type.is_some_and(|kind| kind >= ALBUM);
            let name = match (is_album, tag.name.to_ascii_uppercase().as_str()) {
                (true, "TITLE") => "ALBUM",
                (true, "ARTIST") => "ALBUMARTIST",
                (true, "SUBTITLE") => "DISCSUBTITLE",
                (true, "PART_NUMBER") => "DISCNUMBER",
                (true, "TOTAL_PARTS") => "TRACKTOTAL",
                _ => tag.name.as_str(),
            };
            collected.add(name, &tag.value);
        }
        let mut title = Collected::default();
        title.add("TITLE", &self.title);
        collected.fill_from(title);
        self.chapters.drain(..).for_each(|(start_ms, title)| collected.add_chapter(start_ms, &title));
        self.pictures.drain(..).for_each(|picture| collected.add_picture(picture));
        collected
    }
}

/// The next element's header; `None` at the end, or if none can stand here.
fn read_header(bytes: &mut Bytes) -> Result<Option<Header>, MediaError> {
    let mut head = Vec::new();
    while head.len() < MAX_HEADER_BYTES {
        if (&mut *bytes).take(1).read_to_end(&mut head)? == 0 {
            return Ok(None);
        }
        if let Some(header) = Header::parse(&head) {
            return Ok(Some(header));
        }
    }
    Ok(None)
}

fn read_track(body: &[u8]) -> Option<Track> {
    let mut track = Track { is_default: true, sample_rate_hz: 8000.0, channel_count: 1, ..Track::default() };
    let mut is_enabled = true;
    let mut is_audio = false;
    for item in children(body) {
        match item.id {
            0xD7 => track.number = item.unsigned(),
            0x73C5 => track.uid = item.unsigned(),
            0x83 => is_audio = item.unsigned() == 2,
            0x88 => track.is_default = item.unsigned() != 0,
            0xB9 => is_enabled = item.unsigned() != 0,
            0x86 => track.codec = item.text(),
            0x63A2 => track.private = item.body.to_vec(),
            0x56AA => track.codec_delay_ns = item.unsigned(),
            0xE1 => {
                for audio in children(item.body) {
                    match audio.id {
                        0xB5 => track.sample_rate_hz = audio.float(),
                        0x9F => track.channel_count = audio.unsigned(),
                        0x6264 => track.bits = audio.unsigned(),
                        _ => {}
                    }
                }
            }
            0x6D80 => {
                for encoding in children(item.body).filter(|e| e.id == 0x6240).flat_map(|e| children(e.body))
                {
                    match encoding.id {
                        0x5034 => {
                            let field = |id: u32| children(encoding.body).find(|e| e.id == id);
                            let algorithm = field(0x4254).map_or(0, |e| e.unsigned());
                            // 3 is header stripping.
                            track.is_encoded |= algorithm != 3;
                            track.stripped = field(0x4255).map_or(Vec::new(), |e| e.body.to_vec());
                        }
                        0x5035 => track.is_encoded = true,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    track.is_default &= is_enabled;
    is_audio.then_some(track)
}

fn read_picture(body: &[u8]) -> Option<Picture> {
    let field = |id: u32| children(body).find(|e| e.id == id);
    let mime = field(0x4660)?.text();
    let name = field(0x466E).map_or_else(String::new, |e| e.text()).to_ascii_lowercase();
    let data = field(0x465C)?.body.to_vec();
    let kind = if name.contains("cover") { PictureType::CoverFront } else { PictureType::Other };
    let picture = Picture::unchecked(data).pic_type(kind).mime_type(MimeType::from_str(&mime)).build();
    mime.starts_with("image/").then_some(picture)
}

fn read_chapter(body: &[u8]) -> (u64, String) {
    let start_ns = children(body).find(|e| e.id == 0x91).map_or(0, |e| e.unsigned());
    let display = children(body).find(|e| e.id == 0x80).map_or(&[][..], |e| e.body);
    let title = children(display).find(|e| e.id == 0x85).map_or_else(String::new, |e| e.text());
    (start_ns / 1_000_000, title)
}
