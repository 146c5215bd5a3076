//! The outline of a sound: samples in, smallest and largest value of each column out.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use melisma_signal::Pcm;
use serde::Serialize;

/// Largest number of columns of an outline.
pub const COLUMNS: usize = 800;

/// An outline as the page's data holds it.
#[derive(Clone, Debug, Serialize)]
pub struct Waveform {
    /// Number of columns.
    pub columns: usize,
    /// Base64 of `[column][smallest, largest]`, signed bytes, 127 is full scale.
    pub data: String,
}

impl Waveform {
    /// The outline of a sound, over all its channels.
    #[must_use]
    pub fn of(pcm: &Pcm) -> Self {
        let extremes = extremes(pcm, COLUMNS);
        let byte = |x: f32| ((x * 127.0).round().clamp(-127.0, 127.0) as i8).cast_unsigned();
        let bytes: Vec<u8> = extremes.iter().flatten().map(|&x| byte(x)).collect();
        Self { columns: extremes.len(), data: STANDARD.encode(bytes) }
    }
}

/// Smallest and largest value over all channels in each of at most `columns` equal parts.
#[must_use]
pub fn extremes(pcm: &Pcm, columns: usize) -> Vec<[f32; 2]> {
    let samples = pcm.samples();
    let columns = columns.min(samples);
    let mut extremes = Vec::with_capacity(columns);
    for column in 0..columns {
        let part = column * samples / columns..(column + 1) * samples / columns;
        let mut extreme = [f32::INFINITY, f32::NEG_INFINITY];
        for &x in pcm.channels.iter().flat_map(|c| &c[part.clone()]) {
            extreme = [extreme[0].min(x), extreme[1].max(x)];
        }
        extremes.push(extreme);
    }
    extremes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_of_each_part_over_all_channels() {
        let pcm = Pcm {
            sample_rate_hz: 8000,
            channels: vec![vec![0.1, 0.5, -0.2, 0.0, 0.3], vec![0.0, -1.0, 0.0, 0.9, 0.0]],
        };
        assert_eq!(extremes(&pcm, 2), [[-1.0, 0.5], [-0.2, 0.9]]);
        assert_eq!(extremes(&pcm, 9).len(), 5);
        assert!(extremes(&Pcm::empty(8000, 2), 9).is_empty());
        let packed = STANDARD.decode(Waveform::of(&pcm).data).expect("base64");
        let values: Vec<i8> = packed.iter().map(|&b| b.cast_signed()).collect();
        // 0.1 and 0.0 of the first sample, 0.5 and -1.0 of the second, times 127.
        assert_eq!(values[..4], [0, 13, -127, 64]);
    }
}
