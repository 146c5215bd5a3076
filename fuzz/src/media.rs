//! How a reader of music is run to its end.

use melisma_media::{AudioSource, OpenOptions};
use std::io::Cursor;

/// Samples per channel after which a reader has shown that it does not crash.
const MAX_SAMPLES: usize = 1 << 18;

/// Reads `data`, whose first byte chooses how it begins, one of `magics`, so that it comes to the reader that is meant.
pub fn listen(magics: &[&[u8]], data: &[u8]) {
    let Some((&mode, body)) = data.split_first() else { return };
    let mut bytes = body.to_vec();
    // A quarter keeps its own beginning.
    if mode & 3 != 0 {
        let magic = magics[usize::from(mode >> 2) % magics.len()];
        let reach = magic.len().min(bytes.len());
        bytes[..reach].copy_from_slice(&magic[..reach]);
    }
    let options =
        OpenOptions::default().with_ffmpeg(None).with_downmix(true).with_any_rate(mode & 0x80 == 0);
    let Ok(mut source) = AudioSource::from_reader(Box::new(Cursor::new(bytes)), None, &options) else { return };
    let mut samples = 0;
    while let Ok(Some(block)) = source.next_block() {
        assert!(!block.is_empty(), "an empty block never ends");
        assert!(block.channels.iter().all(|channel| channel.len() == block.samples()));
        assert!(block.channels.iter().flatten().all(|sample| sample.is_finite()));
        samples += block.samples();
        if samples > MAX_SAMPLES {
            break;
        }
    }
    assert!(source.warnings().len() < 200);
}
