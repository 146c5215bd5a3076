//! Any bytes as a file of a trained network, as its header, as a section of it, and as a model's tables.
//!
//! The first byte says which; sections are put into a valid file, so that the entropy decoder sees them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use melisma_codec::latent::{
    File, Header, MAX_SYMBOL, ModelHash, Tables, decode_section, encode_section, write_file,
};

const CHANNELS: usize = 5;

fn header() -> Header {
    Header {
        sample_rate_hz: 8_000,
        original: None,
        channel_count: 2,
        sequence_count: 2,
        total_samples: 12_000,
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
                let again = Header::parse(&header.payload(), 0);
                // A name that is not UTF-8 becomes a longer one.
                assert!(again.as_ref() == Ok(&header) || header.system.contains('\u{FFFD}'), "parse of write");
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
            let decoded = decode_section(&tables, &header(), &payload, 0).expect("a written section is read");
            assert_eq!(decoded, (step_index, vec![symbols.clone(), symbols]));
            whole(&write_file(&header(), &Default::default(), None, &[payload, body.to_vec()]));
        }
    }
});

fn whole(bytes: &[u8]) {
    let Ok(file) = File::read(bytes) else { return };
    assert_eq!(file.total_bytes, bytes.len() as u64);
    assert!(file.damage.len() <= bytes.len() + 2);
    assert!(file.samples() <= file.header.total_samples);
    let tables = Tables::blank(CHANNELS);
    let mut work = 1 << 16;
    for section in &file.sections {
        work -= (i64::from(file.header.section_latents) * CHANNELS as i64).min(work);
        if work == 0 {
            break;
        }
        if let Ok((_, sequences)) = decode_section(&tables, &file.header, section.payload, section.byte_offset) {
            assert!(sequences.iter().flatten().all(|symbol| symbol.abs() <= MAX_SYMBOL));
        }
    }
}
