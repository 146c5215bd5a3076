//! The detail: quantised MDCT coefficients under mixed context models.
//!
//! A magnitude is coded in unary; every unary decision is predicted from several contexts at once: the
//! coefficients just below in frequency, the same region in the last two blocks, the other channel, the
//! sketch's scale against the step, the place in the spectrum. [`Mixer`] weighs the predictions. Context
//! formation follows the neighbourhood modelling of lossless image coders (Wu 1997, ECECOW) and the mixing
//! of PAQ (Mahoney 2005). The same code encodes and decodes; only who chooses a value differs.

use melisma_bitstream::{BinaryCoder, Counter, Mixed, Mixer, SymbolCheck};

/// Inputs of the mixer.
pub const INPUTS: usize = 8;
/// Decisions that have counters of their own: zero or not, above 1, above 2, ... above 6, above anything more.
pub const DECISIONS: usize = 8;
/// Contexts of each input.
pub const CONTEXTS: [usize; INPUTS] =
    [13 * 13 * 2, 26 * 2 * 3, 4 * 3 * 4 * 4 * 3, 26 * 7 * 2, 24 * 10 * 2, 9 * 13 * 2, 12 * 12, 7 * 7 * 3 * 2];
/// Weight sets: by decision and neighbourhood, by decision, channel and block size.
pub const SELECTORS: usize = DECISIONS * 7 + DECISIONS * 2 * 5;
/// Counters of the mixer.
pub const COUNTERS: usize = {
    let (mut sum, mut input) = (0, 0);
    while input < INPUTS {
        sum += CONTEXTS[input];
        input += 1;
    }
    sum * DECISIONS
};
/// Magnitudes above this are coded as it plus an Exp-Golomb escape.
pub const UNARY_MAX: u32 = 15;
/// Longest Exp-Golomb prefix: magnitudes stay below 2^24.
const ESCAPE_PREFIX_MAX: u32 = 23;
/// Plain counters: escape prefixes by expected size, then the number of coded bands.
pub const PLAIN_COUNTERS: usize = 8 * 24 + BAND_COUNT_COUNTERS;
const BAND_COUNTS: usize = 8 * 24;
const BAND_COUNT_COUNTERS: usize = 2 * 3 + 2 + 2 * 32;
const PLAIN_LIMIT: u32 = 100;

/// Magnitudes are clamped to this where they serve as context.
const MAGNITUDE_MAX: i32 = 255;
/// Zeros kept on either side of a magnitude row, so that neighbours need no bounds.
const PAD: usize = 8;

/// Adaptive probabilities of the detail sub-stream.
#[derive(Clone, Debug)]
pub struct DetailModel {
    /// Magnitude decisions.
    pub magnitudes: Mixer<INPUTS>,
    /// Escapes and band counts.
    pub plain: Vec<Counter>,
}

/// What a block of one channel looks like to its successors.
#[derive(Clone, Debug, Default)]
struct History {
    /// Magnitudes of the last block and of the one before, at their own resolution.
    last: Vec<u8>,
    before: Vec<u8>,
    /// Coded bands of the last block, as base bands.
    base_bands: usize,
}

/// The neighbourhood of one section's coefficients.
#[derive(Clone, Debug)]
pub struct Neighbourhood {
    histories: Vec<History>,
    /// Padded rows, `[k + PAD]`.
    current: Vec<Vec<u8>>,
    last: Vec<u8>,
    before: Vec<u8>,
    /// `[k]` of what does not depend on the row being coded.
    rows: Vec<Surroundings>,
}

/// Sums over rows that are already known when a coefficient is coded.
#[derive(Clone, Copy, Debug, Default)]
struct Surroundings {
    /// 2 * last[k] + its two neighbours.
    near: u16,
    /// The same of the block before.
    far: u16,
    /// The same of the other channel's current block.
    other: u16,
    /// Nine coefficients of the last block.
    wide: u16,
}

/// The contexts of one coefficient.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    contexts: [u32; INPUTS],
    selectors: [u32; 2],
    /// Expected magnitude, for the escape.
    escape: usize,
}

/// One band of a block, as the coder needs it.
#[derive(Clone, Copy, Debug)]
pub struct BandPlace {
    /// First bin and the one after the last.
    pub begin: usize,
    /// The bin after the last.
    pub end: usize,
    /// First base band.
    pub base_band: usize,
    /// Scale over step, in 1/48 octave.
    pub ratio_units: i32,
    /// Step, in 1/48 octave.
    pub step_units: i32,
}

/// A logarithmic quantiser of neighbourhood sums: fine where differences matter.
static LEVELS: [u8; 256] = levels();

const fn levels() -> [u8; 256] {
    let mut table = [0u8; 256];
    let mut value = 0;
    while value < 256 {
        table[value] = match value {
            0..=4 => value as u8,
            5..=6 => 5,
            7..=8 => 6,
            9..=11 => 7,
            12..=16 => 8,
            17..=24 => 9,
            25..=40 => 10,
            41..=80 => 11,
            _ => 12,
        };
        value += 1;
    }
    table
}

pub(crate) fn level(sum: u32, max: u32) -> u32 {
    u32::from(LEVELS[sum.min(255) as usize]).min(max)
}

/// A finer quantiser, 26 levels over 0..~1000.
pub(crate) fn fine_level(sum: u32) -> u32 {
    if sum < 8 {
        return sum;
    }
    let log2 = sum.ilog2();
    (8 + (log2 - 3) * 4 + (sum >> (log2 - 2) & 3)).min(25)
}

impl Neighbourhood {
    /// Empty surroundings for `channel_count` channels.
    #[must_use]
    pub fn new(channel_count: usize) -> Self {
        Self {
            histories: vec![History::default(); channel_count],
            current: vec![Vec::new(); channel_count],
            last: Vec::new(),
            before: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Prepares a block of `bins` coefficients; channel 0 must come first.
    fn begin(&mut self, channel: usize, bins: usize) {
        resample(&self.histories[channel].last, bins, &mut self.last);
        resample(&self.histories[channel].before, bins, &mut self.before);
        self.current[channel].clear();
        self.current[channel].resize(bins + 2 * PAD, 0);
        self.rows.clear();
        self.rows.resize(bins, Surroundings::default());
        let (last, before) = (&self.last, &self.before);
        let mut wide: u16 = last[PAD - 4..PAD + 4].iter().map(|&m| u16::from(m)).sum();
        let triple =
            |row: &[u8], at: usize| 2 * u16::from(row[at]) + u16::from(row[at - 1]) + u16::from(row[at + 1]);
        for (k, row) in self.rows.iter_mut().enumerate() {
            let at = k + PAD;
            wide = wide + u16::from(last[at + 4]) - if k > 0 { u16::from(last[at - 5]) } else { 0 };
            row.near = triple(last, at);
            row.far = triple(before, at);
            row.wide = wide;
        }
        if channel == 1 {
            let other = &self.current[0];
            for (k, row) in self.rows.iter_mut().enumerate() {
                row.other = triple(other, k + PAD);
            }
        }
    }

    fn end(&mut self, channel: usize, base_bands: usize) {
        let history = &mut self.histories[channel];
        std::mem::swap(&mut history.before, &mut history.last);
        let row = &self.current[channel];
        history.last.clear();
        history.last.extend_from_slice(&row[PAD..row.len() - PAD]);
        history.base_bands = base_bands;
    }

    #[inline]
    fn place(&self, channel: usize, k: usize, band: &BandPlace, splits: usize) -> Place {
        let row = &self.current[channel];
        let at = k + PAD;
        let (a, b, c) = (u32::from(row[at - 1]), u32::from(row[at - 2]), u32::from(row[at - 3]));
        let run = c + u32::from(row[at - 4]) + u32::from(row[at - 5]) + u32::from(row[at - 6]);
        let Surroundings { near, far, other, wide } = self.rows[k];
        let (near, far, other, wide) = (u32::from(near), u32::from(far), u32::from(other), u32::from(wide));
        let same = u32::from(self.last[at]);
        let beside = u32::from(self.last[at - 1]) + u32::from(self.last[at + 1]);
        let same_before = u32::from(self.before[at]);
        let same_other = if channel == 1 { u32::from(self.current[0][at]) } else { 0 };
        let channel = channel as u32;
        let length_class = [0, 0, 1, 2, 2][splits];
        // Weights: the nearest in frequency and in time count most.
        let across = if channel == 1 { 2 * other } else { 0 };
        let total = (6 * a + 4 * b + run + 3 * near + far + across).div_ceil(2);
        let total_level = level(total / 2, 12);
        let ratio = ((band.ratio_units + 12 * 12).clamp(0, 287) / 12) as u32;
        let coarse = total_level.min(11) / 2;
        let contexts = [
            (level(2 * a + b, 12) * 13 + level(near, 12)) * 2 + channel,
            (fine_level(total) * 2 + channel) * 3 + length_class,
            (((a.min(3) * 3 + b.min(2)) * 4 + same.min(3)) * 4 + beside.min(3)) * 3 + same_other.min(2),
            (band.base_band as u32 * 7 + coarse) * 2 + channel,
            (ratio * 10 + level(a + b + near / 2, 9)) * 2 + channel,
            (level(if channel == 1 { other } else { far }, 8) * 13 + total_level) * 2 + channel,
            level(a + b + run, 11) * 12 + level(wide, 11),
            ((same.min(6) * 7 + same_before.min(6)) * 3 + a.min(2)) * 2 + channel,
        ];
        let selectors =
            [coarse.min(6), (DECISIONS * 7) as u32 + (channel * 5 + splits as u32) * DECISIONS as u32];
        Place { contexts, selectors, escape: (total / 6 + 1).ilog2().min(7) as usize }
    }

    #[inline]
    fn set(&mut self, channel: usize, k: usize, magnitude: u32) {
        self.current[channel][k + PAD] = magnitude.min(MAGNITUDE_MAX as u32) as u8;
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

impl DetailModel {
    /// Prediction of one unary decision.
    #[inline]
    #[must_use]
    pub fn predict(&self, place: &Place, decision: u32) -> Mixed<INPUTS> {
        let decision = decision.min(DECISIONS as u32 - 1);
        let mut slots = [0u32; INPUTS];
        let mut base = 0;
        for input in 0..INPUTS {
            slots[input] = (base + place.contexts[input]) * DECISIONS as u32 + decision;
            base += CONTEXTS[input] as u32;
        }
        self.magnitudes
            .predict(slots, [place.selectors[0] * DECISIONS as u32 + decision, place.selectors[1] + decision])
    }

    #[inline]
    fn code_value<C: BinaryCoder>(&mut self, coder: &mut C, place: &Place, value: i32) -> i32 {
        let wanted = value.unsigned_abs();
        let mut magnitude = 0;
        while magnitude < UNARY_MAX {
            let mixed = self.predict(place, magnitude);
            let more = coder.code(wanted > magnitude, mixed.probability);
            self.magnitudes.update(&mixed, more);
            if !more {
                break;
            }
            magnitude += 1;
        }
        if magnitude == 0 {
            return 0;
        }
        if magnitude == UNARY_MAX {
            magnitude += self.code_escape(coder, place.escape, wanted.saturating_sub(UNARY_MAX));
        }
        if coder.code(value < 0, 1 << 15) { -(magnitude as i32) } else { magnitude as i32 }
    }

    /// Exp-Golomb with an adaptive prefix: `rest + 1` has `prefix + 1` bits.
    fn code_escape<C: BinaryCoder>(&mut self, coder: &mut C, expected: usize, rest: u32) -> u32 {
        let wanted = (rest + 1).ilog2();
        let mut prefix = 0;
        while prefix < ESCAPE_PREFIX_MAX {
            if !self.code_plain(coder, expected * 24 + prefix as usize, wanted > prefix) {
                break;
            }
            prefix += 1;
        }
        let low = coder.code_raw((rest + 1) & ((1 << prefix) - 1), prefix);
        (1 << prefix | low) - 1
    }

    fn code_plain<C: BinaryCoder>(&mut self, coder: &mut C, index: usize, bit: bool) -> bool {
        let counter = &mut self.plain[index];
        let bit = coder.code(bit, (counter.probability_12bit() * 16 + 8).clamp(64, 65536 - 64));
        counter.update(bit, PLAIN_LIMIT);
        bit
    }

    /// How many of a block's `bands` are coded, predicted from the last block.
    fn code_band_count<C: BinaryCoder>(
        &mut self,
        coder: &mut C,
        channel: usize,
        bands: usize,
        predicted: usize,
        wanted: usize,
    ) -> usize {
        let base = BAND_COUNTS + channel * 3;
        if !self.code_plain(coder, base, wanted != predicted) {
            return predicted;
        }
        let up = self.code_plain(coder, base + 1, wanted > predicted);
        let (room, distance) = if up {
            (bands.saturating_sub(predicted), wanted.saturating_sub(predicted))
        } else {
            (predicted, predicted.saturating_sub(wanted))
        };
        let mut steps = 1;
        while steps < room {
            if !self.code_plain(
                coder,
                BAND_COUNTS + 8 + usize::from(up) * 32 + steps.min(31),
                distance > steps,
            ) {
                break;
            }
            steps += 1;
        }
        if up { (predicted + steps).min(bands) } else { predicted.saturating_sub(steps) }
    }

    /// Codes one channel of one block.
    ///
    /// `wanted_bands` of `bands` are coded, the rest is zero; `choose` gives each value (and is ignored when decoding).
    /// `values` are the coded ones, `[k]`.
    #[allow(clippy::too_many_arguments)]
    pub fn code_block<C: BinaryCoder>(
        &mut self,
        coder: &mut C,
        neighbourhood: &mut Neighbourhood,
        channel: usize,
        splits: usize,
        bands: &[BandPlace],
        wanted_bands: usize,
        mut choose: impl FnMut(&Self, &Place, usize) -> i32,
        values: &mut [i32],
        check: &mut SymbolCheck,
    ) {
        neighbourhood.begin(channel, values.len());
        let last_bases = neighbourhood.histories[channel].base_bands;
        let predicted = bands.iter().take_while(|band| band.base_band < last_bases).count();
        let coded = self.code_band_count(coder, channel, bands.len(), predicted, wanted_bands);
        values.fill(0);
        for band in bands.iter().take(coded).filter(|band| band.ratio_units > SKIP_UNITS) {
            for (k, out) in values.iter_mut().enumerate().take(band.end).skip(band.begin) {
                let place = neighbourhood.place(channel, k, band, splits);
                let wanted = choose(self, &place, k);
                let value = self.code_value(coder, &place, wanted);
                if value != 0 {
                    neighbourhood.set(channel, k, value.unsigned_abs());
                    check.add(value ^ (k as i32) << 8);
                    *out = value;
                }
            }
        }
        let bases = bands.get(coded).map_or(usize::MAX, |next| next.base_band);
        neighbourhood.end(channel, bases);
    }
}

/// Bands whose scale lies this far below the step (1/48 octave) are not coded: nothing in them would be.
pub const SKIP_UNITS: i32 = -200;
