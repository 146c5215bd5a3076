//! Any bytes through the reader of the index of MP4: no panic, no endless stream, finite samples.
#![no_main]

use libfuzzer_sys::fuzz_target;
use melisma_fuzz::media::listen;

fuzz_target!(|data: &[u8]| listen(&[b"\0\0\0\x18ftypM4A "], data));
