//! What is known around a block before its first coefficient is coded: the last two blocks of its channel, whatever
//! their size, and the same block of the other channel.

use super::contexts::{Around, Place, Trail};
use crate::{container::MusicVersion, music::blocks::BandPlace};

/// Zeros kept on either side of a magnitude row, so that neighbours need no bounds.
const PAD: usize = 8;

/// What a block of one channel looks like to its successors.
#[derive(Clone, Debug, Default)]
struct History {
    /// `[bin]`: magnitudes of the last block, at its own resolution.
    last: Vec<u8>,
    /// The same of the block before that.
    before_last: Vec<u8>,
    /// Coded bands of the last block, as base bands.
    base_bands: usize,
}

/// Magnitudes of one section's blocks, as far as the next block needs them.
#[derive(Clone, Debug)]
pub(super) struct Neighbourhood {
    version: MusicVersion,
    histories: Vec<History>,
    /// `[channel][bin + PAD]`: the block being coded.
    current: Vec<Vec<u8>>,
    /// `[bin + PAD]`: the channel's last block and the one before, at the resolution of the block being coded.
    last: Vec<u8>,
    before_last: Vec<u8>,
    /// `[bin]`
    sums: Vec<Sums>,
}

/// Sums over magnitudes that are known when a block begins.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    /// The coefficient of the last block twice, and its two neighbours.
    near: u16,
    /// The same of the block before that.
    far: u16,
    /// The same of the other channel's block.
    other: u16,
    /// Nine coefficients of the last block.
    wide: u16,
}

/// What is known around the coefficients of one block of one channel when it begins.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    version: MusicVersion,
    channel: usize,
    splits: usize,
    last: &'a [u8],
    before_last: &'a [u8],
    /// Of the first channel, where this is the second.
    other: Option<&'a [u8]>,
    sums: &'a [Sums],
}

/// The magnitudes of the block being coded, for the blocks after it.
pub(super) struct CurrentRow<'a>(&'a mut [u8]);

impl CurrentRow<'_> {
    #[inline]
    pub(super) fn set(&mut self, k: usize, magnitude: u32) {
        self.0[k + PAD] = magnitude.min(u32::from(u8::MAX)) as u8;
    }
}

impl Neighbourhood {
    /// Nothing before the first block, for `channel_count` channels of a file of `version`.
    pub(super) fn new(version: MusicVersion, channel_count: usize) -> Self {
        Self {
            version,
            histories: vec![History::default(); channel_count],
            current: vec![Vec::new(); channel_count],
            last: Vec::new(),
            before_last: Vec::new(),
            sums: Vec::new(),
        }
    }

    /// How many base bands were coded in the channel's last block.
    pub(super) fn last_base_bands(&self, channel: usize) -> usize {
        self.histories[channel].base_bands
    }

    /// Begins a block of `bins` coefficients, made by `splits` halvings; channel 0 must come first.
    pub(super) fn begin(
        &mut self,
        channel: usize,
        splits: usize,
        bins: usize,
    ) -> (Surroundings<'_>, CurrentRow<'_>) {
        resample(&self.histories[channel].last, bins, &mut self.last);
        resample(&self.histories[channel].before_last, bins, &mut self.before_last);
        let (others, current) = self.current.split_at_mut(channel);
        let (other, current) = (others.first().map(Vec::as_slice), &mut current[0]);
        current.clear();
        current.resize(bins + 2 * PAD, 0);
        self.sums.clear();
        self.sums.resize(bins, Sums::default());
        let (last, before_last) = (&self.last, &self.before_last);
        let mut wide: u16 = last[PAD - 4..PAD + 4].iter().map(|&m| u16::from(m)).sum();
        let triple =
            |row: &[u8], at: usize| 2 * u16::from(row[at]) + u16::from(row[at - 1]) + u16::from(row[at + 1]);
        for (k, sums) in self.sums.iter_mut().enumerate() {
            let at = k + PAD;
            wide = wide + u16::from(last[at + 4]) - if k > 0 { u16::from(last[at - 5]) } else { 0 };
            sums.near = triple(last, at);
            sums.far = triple(before_last, at);
            sums.wide = wide;
        }
        if let Some(other) = other {
            for (k, sums) in self.sums.iter_mut().enumerate() {
                sums.other = triple(other, k + PAD);
            }
        }
        (
            Surroundings {
                version: self.version,
                channel,
                splits,
                last,
                before_last,
                other,
                sums: &self.sums,
            },
            CurrentRow(current),
        )
    }

    /// Ends the block that was begun; `base_bands` of it were coded.
    pub(super) fn end(&mut self, channel: usize, base_bands: usize) {
        let history = &mut self.histories[channel];
        std::mem::swap(&mut history.before_last, &mut history.last);
        let row = &self.current[channel];
        history.last.clear();
        history.last.extend_from_slice(&row[PAD..row.len() - PAD]);
        history.base_bands = base_bands;
    }
}

impl Surroundings<'_> {
    /// The contexts of coefficient `k`, which lies in `band`, behind `trail`: what was coded below it, or what might be.
    #[inline]
    #[must_use]
    pub fn place(&self, trail: Trail, k: usize, band: &BandPlace) -> Place {
        let at = k + PAD;
        let Sums { near, far, other, wide } = self.sums[k];
        let around = Around {
            near: u32::from(near),
            far: u32::from(far),
            other: u32::from(other),
            wide: u32::from(wide),
            same: u32::from(self.last[at]),
            beside: u32::from(self.last[at - 1]) + u32::from(self.last[at + 1]),
            same_before: u32::from(self.before_last[at]),
            same_other: self.other.map_or(0, |other| u32::from(other[at])),
        };
        Place::new(self.version, &around, trail, k, band, self.channel, self.splits)
    }
}

/// Brings a row to another number of bins (a power of two apart), with [`PAD`] zeros on both sides.
fn resample(row: &[u8], bins: usize, out: &mut Vec<u8>) {
    out.clear();
    out.resize(bins + 2 * PAD, 0);
    let body = &mut out[PAD..PAD + bins];
    if row.is_empty() {
        return;
    }
    if row.len() >= bins {
        let ratio = row.len() / bins;
        for (value, group) in body.iter_mut().zip(row.chunks_exact(ratio)) {
            let sum: usize = group.iter().map(|&m| usize::from(m)).sum();
            *value = sum.div_ceil(ratio) as u8;
        }
    } else {
        let ratio = bins / row.len();
        for (group, &value) in body.chunks_exact_mut(ratio).zip(row) {
            group.fill(value);
        }
    }
}
