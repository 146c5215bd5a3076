//! Levels of bands over time, on the grid that all files share.

use crate::{
    file::MelismaFile,
    guard::{Failure, guard},
    pointers,
};
use melisma_codec::{Models, SketchReader};
use melisma_understanding::{
    TrackSketch,
    sketch::{BANDS, HOP_SECONDS},
};

/// Bands of each frame of a sketch.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_sketch_bands() -> usize {
    BANDS
}

/// Seconds from one frame of a sketch to the next.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_sketch_hop_seconds() -> f64 {
    HOP_SECONDS
}

/// Reads how loud each band is when, without decoding the sound: how many frames there are, or -1. Up to `frames` of them
/// are written, frame after frame, each of melisma_sketch_bands() powers in dB, 0 dB being a mean square of 1 and -120 dB
/// silence: of half the sum of left and right into `mid`, of half the difference into `side`. Either may be NULL, and with
/// `frames` 0 it only counts. The place in the sound stays. What lies behind half an hour is not looked at.
///
/// # Safety
/// `file` is NULL or open; `mid` and `side` are NULL or have room for `frames` times the bands.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn melisma_sketch(
    file: *const MelismaFile,
    mid: *mut f32,
    side: *mut f32,
    frames: usize,
) -> i64 {
    guard(
        |_| -1,
        || {
            // SAFETY: the caller's promise.
            let file = unsafe { pointers::shared(file, "file") }?;
            let sketch = read(file)?;
            for (out, levels, name) in [(mid, &sketch.mid_db, "mid"), (side, &sketch.side_db, "side")] {
                let values = levels.len().min(frames.saturating_mul(BANDS));
                if !out.is_null() {
                    // SAFETY: the caller's promise: there is room for `frames` frames, and these are no more.
                    unsafe { pointers::room(out, values, name) }?.copy_from_slice(&levels[..values]);
                }
            }
            Ok(sketch.frames() as i64)
        },
    )
}

fn read(file: &MelismaFile) -> Result<TrackSketch, Failure> {
    Ok(TrackSketch::of_reader(SketchReader::over(file.reader()?, &Models::default())?)?)
}
