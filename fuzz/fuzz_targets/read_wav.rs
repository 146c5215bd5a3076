//! Any bytes through the reader of WAV, RF64, RIFX, Wave64: no panic, no endless stream, finite samples.
#![no_main]

use libfuzzer_sys::fuzz_target;
use melisma_fuzz::media::listen;

fuzz_target!(|data: &[u8]| listen(&[b"RIFF\xff\xff\xff\xffWAVE", b"RIFX\xff\xff\xff\xffWAVE", b"RF64\xff\xff\xff\xffWAVE", b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0"], data));
