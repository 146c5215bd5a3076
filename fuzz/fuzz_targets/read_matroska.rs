//! Any bytes through the reader of Matroska and WebM: no panic, no endless stream, finite samples.
#![no_main]

use libfuzzer_sys::fuzz_target;
use melisma_fuzz::media::listen;

fuzz_target!(|data: &[u8]| listen(&[b"\x1a\x45\xdf\xa3"], data));
