//! Whole files through writer, parser and reader, for both kinds of header: intact, damaged, cut off, in any pieces.

use super::{
    CodecHeader, Damage, Event, Header, NetworkHeader, Parser, Reader, Section, music_header, network_header,
    write_file,
};
use crate::DecodeError;
use melisma_bitstream::{
    bytes::write_varint,
    chunk::{Kind, write_chunk},
};
use melisma_signal::{Loudness, Metadata, Picture};
use proptest::prelude::*;
use std::io::Cursor;

/// Samples of the network's file, in three sections.
const SAMPLES: u64 = 10_000;

fn metadata() -> Metadata {
    Metadata {
        tags: vec![("TITLE".into(), "Seed".into())],
        picture: Some(Picture { mime: "image/png".into(), data: vec![1, 2, 3] }),
    }
}

/// Payloads as the container sees them: a number, then anything.
fn sections(count: u64) -> Vec<Vec<u8>> {
    let section = |number| {
        let mut payload = Vec::new();
        write_varint(&mut payload, number);
        payload.extend((0..60 + 7 * number).map(|at| (at * at % 251) as u8));
        payload
    };
    (0..count).map(section).collect()
}

fn network_file() -> Vec<u8> {
    let header = Header { metadata: metadata(), ..network_header() };
    write_file(&header, None, &sections(3)).unwrap()
}

fn music_file() -> Vec<u8> {
    let header = Header { metadata: metadata(), ..music_header() };
    write_file(&header, Some(Loudness { integrated_lufs: -14.25, true_peak: 0.5 }), &sections(5)).unwrap()
}

/// Everything that a reader makes of a file.
#[derive(Debug)]
struct Found {
    header: Header,
    sections: Vec<Section>,
    damage: Vec<Damage>,
    has_trailer: bool,
    /// Samples up to the end of the last section, lost ones included.
    samples: u64,
}

fn read(bytes: &[u8]) -> Result<Found, DecodeError> {
    let mut reader = Reader::open(Cursor::new(bytes))?;
    let mut sections = Vec::new();
    while let Some(section) = reader.next_section()? {
        sections.push(section);
    }
    let count = reader.sections().expect("the end was reached");
    let found = Found {
        header: reader.header().clone(),
        sections,
        damage: reader.damage().to_vec(),
        has_trailer: reader.trailer().is_some(),
        samples: count.checked_sub(1).map_or(0, |last| reader.header().samples_of(last).end),
    };
    assert_eq!(reader.bytes_to_end()?, bytes.len() as u64);
    Ok(found)
}

/// Events and, if there is one, the error at their end.
fn events(bytes: &[u8], pieces: impl IntoIterator<Item = usize>) -> (Vec<Event>, Option<String>) {
    let (mut parser, mut events, mut rest) = (Parser::new(), Vec::new(), bytes);
    for piece in pieces {
        let (now, later) = rest.split_at(piece.min(rest.len()));
        match parser.push(now) {
            Ok(more) => events.extend(more),
            Err(error) => return (events, Some(error.to_string())),
        }
        rest = later;
    }
    let last = parser.push(rest).and_then(|more| {
        events.extend(more);
        parser.finish()
    });
    match last {
        Ok(more) => (events.into_iter().chain(more).collect(), None),
        Err(error) => (events, Some(error.to_string())),
    }
}

#[test]
fn what_is_written_is_read() {
    for (file, header, count) in [(network_file(), network_header(), 3), (music_file(), music_header(), 5)] {
        let found = read(&file).unwrap();
        assert_eq!(found.header, Header { metadata: metadata(), ..header });
        assert_eq!((found.damage, found.has_trailer), (vec![], true));
        let payloads: Vec<&[u8]> = found.sections.iter().map(|section| section.payload.as_slice()).collect();
        assert_eq!(payloads, sections(count));
        for (number, section) in found.sections.iter().enumerate() {
            assert_eq!(section.number, number as u64);
            let begin = section.payload_offset as usize;
            assert_eq!(file[begin..begin + section.payload.len()], section.payload);
            assert_eq!(section.chunk.end, (begin + section.payload.len() + 4) as u64);
            let mut reader = Reader::open(Cursor::new(&file)).unwrap();
            assert_eq!(reader.seek_section(number as u64).unwrap(), number as u64);
            assert_eq!(reader.next_section().unwrap().as_ref(), Some(section));
        }
    }
    let CodecHeader::Network(network) = network_header().codec else { panic!("another codec") };
    let empty = NetworkHeader { total_latents: 0, ..network };
    let empty = Header { declared_samples: Some(0), codec: CodecHeader::Network(empty), ..network_header() };
    let found = read(&write_file(&empty, None, &[]).unwrap()).unwrap();
    assert_eq!((found.samples, found.damage), (0, vec![]));
}

#[test]
fn every_flipped_byte_costs_its_own_section() {
    for bytes in [network_file(), music_file()] {
        let whole = read(&bytes).unwrap();
        for position in 0..bytes.len() - 8 {
            let mut damaged = bytes.clone();
            damaged[position] ^= 0x55;
            let found = read(&damaged).unwrap_or_else(|error| panic!("{position}: {error}"));
            assert_eq!(found.header.codec, whole.header.codec, "{position}");
            let at = position as u64;
            let lost = whole.sections.iter().find(|section| section.chunk.contains(&at));
            let kept: Vec<&Section> =
                whole.sections.iter().filter(|section| Some(*section) != lost).collect();
            assert!(found.sections.iter().eq(kept), "{position}");
            assert!(!found.damage.is_empty(), "{position}");
            let samples: u64 = found.damage.iter().map(|damage| damage.samples).sum();
            let expected = lost.map_or(0, |section| {
                let samples = whole.header.samples_of(section.number);
                samples.end - samples.start
            });
            // The trailer of the music file says that it has no samples, so its last section's loss costs none.
            if whole.header.network().is_some() || lost.is_some_and(|section| section.number < 4) {
                assert_eq!(samples, expected, "{position}");
            }
            if whole.header.network().is_some() {
                assert_eq!(found.samples, SAMPLES, "{position}");
            }
        }
    }
}

#[test]
fn cut_off_anywhere() {
    for bytes in [network_file(), music_file()] {
        let whole = read(&bytes).unwrap();
        let head = whole.sections[0].chunk.start as usize;
        for length in 0..bytes.len() {
            match read(&bytes[..length]) {
                Err(_) => assert!(length < head, "{length}"),
                Ok(found) => {
                    let intact = |section: &&Section| section.chunk.end <= length as u64;
                    assert!(found.sections.iter().eq(whole.sections.iter().filter(intact)), "{length}");
                    // The end marker is of use only where the beginning is damaged.
                    assert_eq!(found.has_trailer, found.damage.is_empty(), "{length}");
                    if whole.header.network().is_some() {
                        assert_eq!(found.samples, SAMPLES, "{length}");
                    }
                }
            }
        }
    }
}

#[test]
fn lost_sections_have_their_reason_and_their_samples() {
    // Every second section is not there at all.
    let all = sections(3);
    let bytes = write_file(&network_header(), None, &[all[0].clone(), all[2].clone()]).unwrap();
    let found = read(&bytes).unwrap();
    let [damage] = found.damage.as_slice() else { panic!("{:?}", found.damage) };
    assert_eq!((damage.section, damage.first_sample, damage.samples), (Some(1), 4096, 4096));
    assert_eq!(damage.what, "a section is missing");
    // The last one is not there.
    let found = read(&write_file(&network_header(), None, &all[..2]).unwrap()).unwrap();
    let [damage] = found.damage.as_slice() else { panic!("{:?}", found.damage) };
    assert_eq!((damage.section, damage.samples), (Some(2), SAMPLES - 8192));
    assert_eq!(found.samples, SAMPLES);
    // Older ones are passed over.
    let all = sections(4);
    let again = [&all[..3], &all[1..2], &all[3..]].concat();
    let found = read(&write_file(&music_header(), None, &again).unwrap()).unwrap();
    assert_eq!(found.sections.len(), 4);
    assert_eq!(found.damage[0].what, "section 1 where section 3 should be");
}

#[test]
fn announced_sections_are_believed_as_far_as_bytes_reach() {
    let CodecHeader::Network(network) = network_header().codec else { panic!("another codec") };
    let network = NetworkHeader { total_latents: 1 << 30, ..network };
    let huge =
        Header { declared_samples: Some(1 << 38), codec: CodecHeader::Network(network), ..network_header() };
    let bytes = write_file(&huge, None, &sections(3)).unwrap();
    let found = read(&bytes).unwrap();
    assert!(found.samples <= (bytes.len() as u64 / 11 + 1) * huge.section_samples());
    assert!(found.damage.iter().any(|damage| damage.what.contains("more than fit")), "{:?}", found.damage);
}

#[test]
fn others_are_refused() {
    assert!(matches!(read(b""), Err(DecodeError::NotMelisma)));
    assert!(matches!(read(b"RIFF and so on"), Err(DecodeError::NotMelisma)));
    let mut payload = network_header().payload();
    payload[4] = 4;
    let mut bytes = Vec::new();
    write_chunk(&mut bytes, Kind::Header, &payload);
    assert!(matches!(read(&bytes), Err(DecodeError::Version { found: 4, newest: 3 })));
}

/// A chunk that claims to be as long as can be holds nothing back but itself.
#[test]
fn memory_is_bounded_however_long_a_chunk_claims_to_be() {
    let mut parser = Parser::new();
    parser.push(&music_file()[..200]).unwrap();
    let mut long = vec![0xF5, b'M'];
    write_varint(&mut long, 9 << 20);
    long.resize(64 << 20, 0);
    let memory = allocation_counter::measure(|| drop(parser.push(&long).unwrap()));
    assert!(memory.bytes_max < 40 << 20, "{}", memory.bytes_max);
}

/// A file after edits: bytes flipped, taken out, put in.
fn edited(mut bytes: Vec<u8>, edits: &[(usize, u8, u8)]) -> Vec<u8> {
    for &(at, how, value) in edits {
        let at = at % bytes.len();
        match how % 4 {
            0 | 1 => bytes[at] ^= value,
            2 => drop(bytes.drain(at..(at + usize::from(value)).min(bytes.len() - 1))),
            _ => drop(bytes.splice(at..at, std::iter::repeat_n(0xF5, usize::from(value % 16)))),
        }
    }
    bytes
}

proptest! {
    #[test]
    fn any_pieces_give_the_same_events(
        network in any::<bool>(),
        edits in prop::collection::vec((any::<usize>(), any::<u8>(), any::<u8>()), 0..6),
        cut in any::<Option<u8>>(),
        pieces in prop::collection::vec(0usize..200, 0..40),
    ) {
        let mut bytes = edited(if network { network_file() } else { music_file() }, &edits);
        if let Some(cut) = cut {
            bytes.truncate(bytes.len() * usize::from(cut) / 255);
        }
        let whole = events(&bytes, []);
        prop_assert_eq!(&events(&bytes, std::iter::repeat_n(1, bytes.len())), &whole);
        prop_assert_eq!(&events(&bytes, pieces), &whole);
        if whole.1.is_none() {
            prop_assert_eq!(whole.0.last(), Some(&Event::End));
            let numbers: Vec<u64> = whole.0.iter().filter_map(|event| match event {
                Event::Section(section) => Some(section.number),
                _ => None,
            }).collect();
            prop_assert!(numbers.is_sorted_by(|a, b| a < b));
        }
    }
}
