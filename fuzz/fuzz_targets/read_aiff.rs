//! Any bytes through the reader of AIFF and AIFC: no panic, no endless stream, finite samples.
#![no_main]

use libfuzzer_sys::fuzz_target;
use melisma_fuzz::media::listen;

fuzz_target!(|data: &[u8]| listen(&[b"FORM\xff\xff\xff\xffAIFF", b"FORM\xff\xff\xff\xffAIFC"], data));
