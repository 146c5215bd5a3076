//! Any bytes as a file of a trained network, as its header, as a section of it, and as a model's tables.
//!
//! The first byte says which; sections are put into a valid file, so that the entropy decoder sees them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use melisma_codec::{
    CodecHeader, Header, NetworkHeader,
    container::{ModelHash, Reader, write_file},
    inspect,
    latent::{MAX_SYMBOL, Tables, decode_section, encode_section},
};
use std::io::Cursor;

const CHANNELS: usize = 5;

fn header() -> Header {
    Header {
        sample_rate_hz: 8_000,
        original_sample_rate_hz: None,
        channel_count: 2,
        declared_samples: Some(12_000),
        metadata: Default::default(),
        codec: CodecHeader::Network(network()),
    }
}

fn network() -> NetworkHeader {
    NetworkHeader {
        original_samples: 0,
        sequence_count: 2,
        system: "seed".to_owned(),
        model: ModelHash([1; 16]),
        latent_samples: 256,
        latent_channels: CHANNELS,
        section_latents: 20,
        total_latents: 47,
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((&mode, body)) = data.split_first() else { return };
    match mode & 3 {
        0 => {
            if let Ok(header) = Header::parse(body, 0) {
                let again = Header::parse(&header.payload(), 0).ok();
                // A name that is not UTF-8 becomes a longer one.
                let renamed = header.network().is_some_and(|network| network.system.contains('\u{FFFD}'));
                assert!(again.as_ref() == Some(&header) || renamed, "parse of write");
            }
        }
        1 => {
            if let Ok(tables) = Tables::from_bytes(body) {
                let bytes = tables.to_bytes();
                assert_eq!(Tables::from_bytes(&bytes).expect("written tables are read").to_bytes(), bytes);
            }
        }
        2 => whole(body),
        _ => {
            // Symbols of the bytes, so that the coder meets all sizes, then the bytes as a section.
            let symbols: Vec<i32> = body
                .chunks(2)
                .map(|pair| i32::from(i16::from_le_bytes([pair[0], *pair.get(1).unwrap_or(&0)])))
                .chain(std::iter::repeat(0))
                .take(20 * CHANNELS)
                .collect();
            let tables = Tables::blank(CHANNELS);
            let step_index = 512 + u16::from(mode);
            let payload = encode_section(&tables, 0, step_index, &[&symbols, &symbols]);
            let decoded = decode_section(&tables, &network(), &payload, 0).expect("a written section is read");
            assert_eq!(decoded, (step_index, vec![symbols.clone(), symbols]));
            whole(&write_file(&header(), None, &[payload, body.to_vec()]).expect("there are no tags"));
        }
    }
});

fn whole(bytes: &[u8]) {
    if let Ok(inspection) = inspect(bytes) {
        assert_eq!(inspection.total_bytes, bytes.len() as u64);
        assert!(inspection.damage.len() <= bytes.len() + 2);
    }
    let Ok(mut reader) = Reader::open(Cursor::new(bytes)) else { return };
    let Some(network) = reader.header().network().cloned() else { return };
    let tables = Tables::blank(CHANNELS);
    let mut work = 1 << 16;
    while let Ok(Some(section)) = reader.next_section() {
        assert!(section.number < network.sections());
        work -= (i64::from(network.section_latents) * CHANNELS as i64).min(work);
        if work == 0 {
            continue;
        }
        if let Ok((_, sequences)) = decode_section(&tables, &network, &section.payload, section.payload_offset) {
            assert!(sequences.iter().flatten().all(|symbol| symbol.abs() <= MAX_SYMBOL));
        }
    }
    let sections = reader.sections().expect("the end was reached");
    assert!(sections <= bytes.len() as u64 / 11 + 1 && sections <= network.sections());
}
