//! What the fuzz targets share: small valid files, their chunks, and how a decoder is run to its end.

pub mod media;

use melisma_bitstream::chunk::{Kind, Parsed, parse_chunk, write_chunk};
use melisma_codec::{Decoder, container::END_MAGIC, EncoderConfig, RateTarget, Tune, encode};
use melisma_signal::{Metadata, Pcm, Picture};
use std::{
    io::{Read, Seek},
    sync::{Once, OnceLock},
};

/// Samples per channel after which a decoder has shown that it does not crash.
pub const MAX_DECODED_SAMPLES: u64 = 1 << 18;

/// Keeps the codec on the fuzzer's own thread: faster for small inputs, and every run is the same.
pub fn single_thread() {
    static POOL: Once = Once::new();
    POOL.call_once(|| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread();
        pool.build_global().expect("the pool is built once");
    });
}

/// A few valid files that differ in all that a header can say.
pub fn small_files() -> &'static [Vec<u8>] {
    static FILES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    FILES.get_or_init(|| {
        single_thread();
        let metadata = Metadata {
            tags: vec![("TITLE".into(), "Seed".into())],
            picture: Some(Picture { mime: "image/png".into(), data: vec![137, 80, 78, 71] }),
        };
        [
            (8_000, 1, 7_000, Tune::Music, Metadata::default()),
            (8_000, 2, 9_001, Tune::Mse, metadata),
            (22_050, 2, 14_000, Tune::Music, Metadata::default()),
            (44_100, 1, 0, Tune::Music, Metadata::default()),
        ]
        .into_iter()
        .map(|(sample_rate_hz, channels, samples, tune, metadata)| {
            let pcm = Pcm {
                sample_rate_hz,
                channels: (0..channels).map(|channel| plucks(samples, channel)).collect(),
            };
            let mut config = EncoderConfig::default();
            (config.tune, config.rate, config.section_seconds) = (tune, RateTarget::Quality(4.0), 0.5);
            encode(&pcm, &config, &metadata).expect("a valid format")
        })
        .collect()
    })
}

/// Decaying tones with a hard start each, so that blocks of all sizes occur.
fn plucks(samples: usize, channel: usize) -> Vec<f32> {
    let pitch = 0.11 + 0.04 * channel as f32;
    (0..samples)
        .map(|n| {
            let since = (n % 1900) as f32;
            (since * pitch).sin() * (-since / 300.0).exp() * 0.7
        })
        .collect()
}

/// Cuts a valid file into its chunks' kinds and payloads.
pub fn chunks(mut file: &[u8]) -> Vec<(Kind, Vec<u8>)> {
    let mut found = Vec::new();
    while let Ok(Parsed::Chunk { kind, payload, size_bytes }) = parse_chunk(file, 0) {
        found.push((kind, file[payload].to_vec()));
        file = &file[size_bytes..];
    }
    found
}

/// Puts chunks together again, with valid checksums whatever their payloads hold.
pub fn assemble(chunks: &[(Kind, Vec<u8>)]) -> Vec<u8> {
    let (mut file, mut last_bytes) = (Vec::new(), 0);
    for (kind, payload) in chunks {
        last_bytes = write_chunk(&mut file, *kind, payload);
    }
    file.extend((last_bytes as u32).to_le_bytes());
    file.extend(END_MAGIC);
    file
}

/// Decodes until the end, an error or [`MAX_DECODED_SAMPLES`]; every sample must be finite.
pub fn drain<R: Read>(decoder: &mut Decoder<R>) {
    let mut samples = 0;
    while let Ok(Some(block)) = decoder.next_block() {
        assert!(!block.is_empty(), "an empty block never ends");
        assert!(block.channels.iter().all(|channel| channel.len() == block.samples()));
        assert!(block.channels.iter().flatten().all(|sample| sample.is_finite()));
        samples += block.samples() as u64;
        if samples > MAX_DECODED_SAMPLES {
            break;
        }
    }
    assert!(decoder.damage().len() < 100_000);
}

/// Asks for the length, seeks to `sample` and decodes from there.
pub fn drain_from<R: Read + Seek>(decoder: &mut Decoder<R>, sample: u64) {
    let Ok(total) = decoder.total_samples() else { return };
    let wanted = if total == 0 { 0 } else { sample % (total + 1) };
    if decoder.seek(wanted).is_ok() {
        drain(decoder);
    }
}
