//! Any bytes as the chunks around the sections: header, metadata, trailer.
//!
//! The first byte says what the rest is: a file of its own, or what one chunk of a valid file is changed by (or
//! replaced with) before its checksum is made good again, so that the field parsers are reached.
#![no_main]

use libfuzzer_sys::fuzz_target;
use melisma_bitstream::chunk::Kind;
use melisma_codec::{
    Decoder, Header, Models, Trailer,
    container::{Event, Parser},
    inspect,
};
use melisma_fuzz::{assemble, chunks, small_files};
use std::io::Cursor;

fuzz_target!(|data: &[u8]| {
    let Some((&mode, body)) = data.split_first() else { return };
    if let Ok(header) = Header::parse(body, 0) {
        let again = Header::parse(&header.payload(), 0).ok();
        // A name that is not UTF-8 becomes a longer one.
        let renamed = header.network().is_some_and(|network| network.system.contains('\u{FFFD}'));
        assert!(again.as_ref() == Some(&header) || renamed, "parse of write");
    }
    if let Ok(trailer) = Trailer::parse(body, 0) {
        let again = Trailer::parse(&trailer.payload(), 0).expect("a written trailer is read");
        assert_eq!(again.section_bytes, trailer.section_bytes);
        assert_eq!(again.header_payload, trailer.header_payload);
        assert_eq!(again.total_samples, trailer.total_samples);
    }
    let kind = match mode & 3 {
        0 => None,
        1 => Some(Kind::Header),
        2 => Some(Kind::Metadata),
        _ => Some(Kind::Trailer),
    };
    let base = &small_files()[usize::from(mode >> 2 & 31) % small_files().len()];
    let replaced = mode & 128 != 0;
    let file = match kind {
        None if replaced => body.to_vec(),
        None => changed(base, body),
        Some(kind) => {
            let mut parts = chunks(base);
            match parts.iter_mut().find(|part| part.0 == kind) {
                Some(part) if replaced => part.1 = body.to_vec(),
                Some(part) => part.1 = changed(&part.1, body),
                None => parts.insert(1, (kind, body.to_vec())),
            }
            assemble(&parts)
        }
    };
    if let Ok(inspection) = inspect(file.as_slice()) {
        assert_eq!(inspection.total_bytes, file.len() as u64);
    }
    assert_eq!(events(&file, file.len().max(1)), events(&file, 1 + usize::from(mode)), "pieces do not matter");
    let models = Models::default();
    if let Ok(mut decoder) = Decoder::new(Cursor::new(&file), &models) {
        let _ = decoder.total_samples();
    }
    if let Ok(mut decoder) = Decoder::recover(Cursor::new(&file), &models) {
        let _ = decoder.total_samples();
    }
});

/// What a parser says of a file that comes in pieces of so many bytes.
fn events(file: &[u8], piece_bytes: usize) -> Vec<Event> {
    let (mut parser, mut events) = (Parser::new(), Vec::new());
    for piece in file.chunks(piece_bytes) {
        match parser.push(piece) {
            Ok(more) => events.extend(more),
            Err(_) => return events,
        }
    }
    events.extend(parser.finish().unwrap_or_default());
    events
}

/// `base` with its bytes flipped by `mask`, which may reach beyond its end.
fn changed(base: &[u8], mask: &[u8]) -> Vec<u8> {
    let mut bytes = base.to_vec();
    bytes.resize(base.len().max(mask.len()), 0);
    for (byte, mask) in bytes.iter_mut().zip(mask) {
        *byte ^= mask;
    }
    bytes
}
