//! Any bytes as the chunks around the sections: header, metadata, trailer.
//!
//! The first byte says what the rest is: a file of its own, or what one chunk of a valid file is changed by (or
//! replaced with) before its checksum is made good again, so that the field parsers are reached.
#![no_main]

use libfuzzer_sys::fuzz_target;
use melisma_bitstream::chunk::Kind;
use melisma_codec::{Decoder, Header, Trailer, inspect};
use melisma_fuzz::{assemble, chunks, small_files};
use std::io::Cursor;

fuzz_target!(|data: &[u8]| {
    let Some((&mode, body)) = data.split_first() else { return };
    if let Ok(header) = Header::parse(body, 0) {
        assert_eq!(Header::parse(&header.payload(), 0), Ok(header), "parse of write");
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
        let _ = inspection.header.geometry();
    }
    if let Ok(mut decoder) = Decoder::new(Cursor::new(&file)) {
        let _ = decoder.total_samples();
    }
    if let Ok(mut decoder) = Decoder::recover(Cursor::new(&file)) {
        let _ = decoder.total_samples();
    }
});

/// `base` with its bytes flipped by `mask`, which may reach beyond its end.
fn changed(base: &[u8], mask: &[u8]) -> Vec<u8> {
    let mut bytes = base.to_vec();
    bytes.resize(base.len().max(mask.len()), 0);
    for (byte, mask) in bytes.iter_mut().zip(mask) {
        *byte ^= mask;
    }
    bytes
}
