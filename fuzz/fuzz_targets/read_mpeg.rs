//! Any bytes through the reader of MPEG audio and ADTS, with the tags around them: no panic, no endless stream, finite samples.
#![no_main]

use libfuzzer_sys::fuzz_target;
use melisma_fuzz::media::listen;

fuzz_target!(|data: &[u8]| listen(&[b"\xff\xfb\x90\x64", b"\xff\xfd\x90\x04", b"\xff\xff\x90\x04", b"\xff\xf1\x50\x80", b"ID3\x04\0\0"], data));
