//! Any bytes through the reader of Ogg of Vorbis, Opus, FLAC: no panic, no endless stream, finite samples.
#![no_main]

use libfuzzer_sys::fuzz_target;
use melisma_fuzz::media::listen;

fuzz_target!(|data: &[u8]| listen(&[b"OggS\0\x02"], data));
