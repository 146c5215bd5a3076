//! Files whose checksums are right and whose contents lie: time and memory stay bounded, and what can be
//! understood is.

mod common;

use common::{config, on_this_thread, plucks};
use melisma_bitstream::{
    bytes::write_varint,
    chunk::{Kind, Parsed, parse_chunk, write_chunk},
};
use melisma_codec::{
    CodecHeader, DecodeError, Decoder, EncodeError, Encoder, Header, Models, MusicHeader, RateTarget,
    StreamFormat, Trailer, Tune, decode, encode, inspect,
};
use melisma_signal::{Metadata, Pcm, Picture};
use std::io::Cursor;

const TEN_HOURS_SAMPLES: u64 = 36_000 * 8_000;
const SAMPLES: usize = 20_000;
/// Most that any of these small files may make a decoder hold.
const MAX_LIVE_BYTES: u64 = 64 << 20;

type Chunks = Vec<(Kind, Vec<u8>)>;

fn honest() -> Vec<u8> {
    let mut config = config(Tune::Music, RateTarget::Quality(2.0));
    config.section_seconds = 0.5;
    encode(&plucks(8_000, 1, SAMPLES), &config, &Metadata::default()).expect("valid")
}

fn chunks(mut file: &[u8]) -> Chunks {
    let mut found = Vec::new();
    while let Ok(Parsed::Chunk { kind, payload, size_bytes }) = parse_chunk(file, 0) {
        found.push((kind, file[payload].to_vec()));
        file = &file[size_bytes..];
    }
    found
}

fn assemble(chunks: &Chunks) -> Vec<u8> {
    let (mut file, mut last_bytes) = (Vec::new(), 0);
    for (kind, payload) in chunks {
        last_bytes = write_chunk(&mut file, *kind, payload);
    }
    file.extend((last_bytes as u32).to_le_bytes());
    file.extend(b"mlsE");
    file
}

fn with_header(change: impl Fn(&mut Header)) -> Vec<u8> {
    let mut parts = chunks(&honest());
    let mut header = Header::parse(&parts[0].1, 0).expect("valid");
    change(&mut header);
    parts[0].1 = header.payload();
    assemble(&parts)
}

fn with_music(change: impl Fn(&mut MusicHeader)) -> Vec<u8> {
    with_header(|header| match &mut header.codec {
        CodecHeader::Music(music) => change(music),
        CodecHeader::Network(_) => panic!("another codec made it"),
    })
}

fn with_trailer(change: impl Fn(&mut Trailer)) -> Vec<u8> {
    let mut parts = chunks(&honest());
    let last = parts.last_mut().expect("a trailer");
    let mut trailer = Trailer::parse(&last.1, 0).expect("valid");
    change(&mut trailer);
    last.1 = trailer.payload();
    assemble(&parts)
}

/// A section that claims another number.
fn with_section_number(at: usize, number: u64) -> Vec<u8> {
    let mut parts = chunks(&honest());
    let payload = &mut parts[1 + at].1;
    assert_eq!(payload[0], at as u8);
    let mut changed = Vec::new();
    write_varint(&mut changed, number);
    changed.extend(&payload[1..]);
    *payload = changed;
    assemble(&parts)
}

/// A chunk that claims to be so long, put in front of the second section.
fn with_chunk_length(length: u64) -> Vec<u8> {
    let mut parts = chunks(&honest());
    let rest = parts.split_off(2);
    let mut file = Vec::new();
    for (kind, payload) in &parts {
        write_chunk(&mut file, *kind, payload);
    }
    file.extend(b"\xF5S");
    write_varint(&mut file, length);
    file.extend(assemble(&rest));
    file
}

fn seek_to_the_middle(file: &[u8]) -> Result<Pcm, DecodeError> {
    let mut decoder = Decoder::new(Cursor::new(file), &Models::default())?;
    decoder.seek(SAMPLES as u64 / 2)?;
    let mut pcm = Pcm::empty(8_000, 1);
    while let Some(block) = decoder.next_block()? {
        pcm.append(&block);
    }
    Ok(pcm)
}

#[test]
fn lies_cost_neither_time_nor_memory() {
    let sound = decode(&honest()).expect("valid").pcm;
    let sections = chunks(&honest()).len() - 2;
    // Name, file, samples that come out of it.
    let cases: Vec<(&str, Vec<u8>, usize)> = vec![
        ("an honest file", honest(), SAMPLES),
        ("a header of ten hours", with_header(|h| h.declared_samples = Some(TEN_HOURS_SAMPLES)), SAMPLES),
        ("a trailer of ten hours", with_trailer(|t| t.total_samples = TEN_HOURS_SAMPLES), sections * 3584),
        ("a trailer of no samples", with_trailer(|t| t.total_samples = 0), SAMPLES),
        ("a seek table of zeros", with_trailer(|t| t.section_bytes.fill(0)), SAMPLES),
        ("a seek table of giants", with_trailer(|t| t.section_bytes.fill(u32::MAX)), SAMPLES),
        ("a far first section", with_trailer(|t| t.first_section_offset = (1 << 63) - 1), SAMPLES),
        ("no seek table", with_trailer(|t| t.section_bytes.clear()), SAMPLES),
        ("section four billion in the middle", with_section_number(2, u64::from(u32::MAX)), SAMPLES),
        ("section four billion at the end", with_section_number(sections - 1, u64::from(u32::MAX)), SAMPLES),
        ("a section beyond four billion", with_section_number(1, 1 << 40), SAMPLES),
        ("a chunk of a terabyte", with_chunk_length(1 << 40), SAMPLES),
        ("a chunk of four megabytes", with_chunk_length(4 << 20), SAMPLES),
        ("a chunk up to the end", with_chunk_length(2000), SAMPLES),
    ];
    on_this_thread(|| {
        for (name, file, samples) in &cases {
            let mut outcome = None;
            let memory = allocation_counter::measure(|| {
                outcome = Some((decode(file), inspect(file.as_slice()), seek_to_the_middle(file)));
            });
            assert!(memory.bytes_max < MAX_LIVE_BYTES, "{name}: {} bytes", memory.bytes_max);
            let (decoded, inspected, sought) = outcome.expect("it ran");
            let decoded = decoded.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(inspected.is_ok(), "{name}");
            assert_eq!(decoded.pcm.samples(), *samples, "{name}: {:?}", decoded.damage);
            // The first section is whole in all of them; half a superframe of it overlaps the second.
            assert_eq!(decoded.pcm.channels[0][..3000], sound.channels[0][..3000], "{name}");
            match sought {
                Ok(rest) => assert!(rest.samples() <= *samples, "{name}: {} samples", rest.samples()),
                Err(error) => assert!(matches!(error, DecodeError::BeyondEnd { .. }), "{name}: {error}"),
            }
        }
    });
}

/// Sections that are not in the file cannot be announced by thousands, each a promise of silence.
#[test]
fn a_seek_table_promises_no_more_than_its_file_can_hold() {
    let file = with_trailer(|trailer| {
        trailer.total_samples = TEN_HOURS_SAMPLES;
        trailer.section_bytes.resize(100_000, 1);
    });
    let decoded = decode(&file).expect("readable");
    assert!(decoded.pcm.samples() as u64 <= file.len() as u64 / 20 * 3584, "{}", decoded.pcm.samples());
}

#[test]
fn longest_sections_are_decoded_in_bounded_memory() {
    let file = with_music(|music| music.section_samples = 1 << 20);
    on_this_thread(|| {
        let memory = allocation_counter::measure(|| drop(decode(&file)));
        assert!(memory.bytes_max < MAX_LIVE_BYTES, "{} bytes", memory.bytes_max);
    });
}

#[test]
fn files_of_other_programs_are_refused_by_name() {
    let mut newer = chunks(&honest());
    newer[0].1[4] = 4;
    let refused = decode(&assemble(&newer));
    assert!(matches!(refused, Err(DecodeError::Version { found: 4, newest: 3 })), "{refused:?}");
    let refused = decode(&with_music(|music| music.model_id ^= 1));
    let Err(DecodeError::UnknownModel { found, available }) = refused else { panic!("{refused:?}") };
    assert!(available.contains(&(found ^ 1)) && !available.contains(&found), "{available:?}");
    for other in [&b""[..], b"R", b"RIFF....WAVEfmt ", b"OggS", b"MLSM", &[0; 4000]] {
        assert!(matches!(decode(other), Err(DecodeError::NotMelisma)), "{other:?}");
    }
}

#[test]
fn a_damaged_header_is_recovered_from_the_trailer() {
    let file = honest();
    let sound = decode(&file).expect("valid").pcm;
    let header_bytes = inspect(file.as_slice()).expect("valid").header_bytes as usize;
    let zeroed = [&vec![0; header_bytes], &file[header_bytes..]].concat();
    let cut = file[header_bytes / 2..].to_vec();
    let gone = file[header_bytes..].to_vec();
    for bytes in [zeroed, cut, gone] {
        let mut decoder =
            Decoder::recover(Cursor::new(&bytes), &Models::default()).expect("the trailer is there");
        assert_eq!(decoder.total_samples().expect("in memory"), SAMPLES as u64);
        let decoded = decode(&bytes).expect("the trailer is there");
        assert!(decoded.pcm == sound);
    }
    assert!(matches!(decode(&file[header_bytes..file.len() - 1]), Err(DecodeError::NotMelisma)));
}

#[test]
fn tags_that_no_decoder_would_accept_are_not_written() {
    let format = StreamFormat { sample_rate_hz: 8_000, channel_count: 1, ..StreamFormat::default() };
    for (bytes, accepted) in [(9 << 20, true), (10 << 20, false)] {
        let picture = Picture { mime: "image/png".into(), data: vec![7; bytes] };
        let metadata = Metadata { tags: Vec::new(), picture: Some(picture) };
        let encoder = Encoder::new(config(Tune::Music, RateTarget::Quality(5.0)), format.clone(), &metadata);
        let Ok(encoder) = encoder else {
            assert!(!accepted && matches!(encoder, Err(EncodeError::Unsupported { .. })));
            continue;
        };
        assert!(accepted, "{bytes} bytes of picture");
        let mut file = Vec::new();
        encoder.finish(None, &mut file).expect("nothing can fail");
        assert_eq!(decode(&file).expect("valid").header.metadata, metadata);
    }
}
