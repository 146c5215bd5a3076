//! Any bytes, or an edited valid file, get other tags: what comes out is a file with those tags and the same sections.
#![no_main]

use libfuzzer_sys::fuzz_target;
use melisma_codec::container::retag;
use melisma_codec::inspect;
use melisma_fuzz::small_files;
use melisma_signal::Metadata;
use std::io::Cursor;

fuzz_target!(|data: &[u8]| {
    let Some((&mode, body)) = data.split_first() else { return };
    let mut file = body.to_vec();
    if mode & 1 == 1 {
        file = small_files()[usize::from(mode >> 1) % small_files().len()].clone();
        // Three bytes each: where, and what.
        for edit in body.chunks_exact(3) {
            let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % file.len();
            file[at] ^= edit[2];
        }
    }
    let metadata = Metadata { tags: vec![("TITLE".into(), "Other".into())], picture: None };
    let mut source = Cursor::new(&file);
    let Ok(changed) = retag(&mut source, &metadata) else { return };
    let mut out = Vec::new();
    changed.write(&mut source, &mut out).expect("memory takes all");
    let (before, after) = (inspect(&file[..]).expect("its head is intact"), inspect(&out[..]).expect("it was written"));
    assert_eq!(after.header.metadata, metadata);
    assert_eq!(before.sections.len(), after.sections.len());
});
