//! Music that is to be encoded: any format that is read, but not what was encoded already.

use crate::message::hinted;
use anyhow::Context;
use melisma_media::{AudioSource, Input, OpenOptions};
use std::fs::File;
use std::io::Read;

/// Opens music, and explains itself if it was encoded before.
pub fn open_music(input: &Input, options: &OpenOptions) -> anyhow::Result<AudioSource> {
    let encoded = || hinted("this is a .mlsm file already", "`melisma decode` makes music of it again");
    if options.raw.is_some() {
        return Ok(AudioSource::open(input, options)?);
    }
    match input {
        // A device or a named pipe gives its bytes once only.
        Input::Path(path) if path.is_file() => {
            let mut head = Vec::new();
            let read = File::open(path).and_then(|file| file.take(HEAD_BYTES).read_to_end(&mut head));
            if read.is_ok() && is_encoded(&head) {
                return Err(encoded());
            }
            Ok(AudioSource::open(input, options)?)
        }
        Input::Path(_) => Ok(AudioSource::open(input, options)?),
        Input::Stdin => {
            let mut head = Vec::new();
            std::io::stdin().take(HEAD_BYTES).read_to_end(&mut head).context("cannot read standard input")?;
            if is_encoded(&head) {
                return Err(encoded());
            }
            let whole = std::io::Cursor::new(head).chain(std::io::stdin());
            Ok(AudioSource::from_reader(Box::new(whole), None, options)?)
        }
    }
}

/// Bytes that say whether a file is a `.mlsm` file: the head of its first chunk and the magic bytes behind that.
const HEAD_BYTES: u64 = 8;

fn is_encoded(head: &[u8]) -> bool {
    head.get(1) == Some(&b'H') && head.windows(4).skip(2).any(|bytes| bytes == b"MLSM")
}
