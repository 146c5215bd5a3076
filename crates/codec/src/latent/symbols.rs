//! Latent symbols under mixed context models.
//!
//! A symbol is predicted from the last two of its channel and from the present one of the channel's partner; what is
//! left is coded as binary decisions: zero or not, sign, larger than 1, 2, ... Each decision is predicted from several
//! contexts at once (what was left just before, in the channels beside, in the partner, over the whole latent so far)
//! and [`Mixer`] weighs the predictions. Coding what linear prediction leaves with its fraction as a context follows
//! lossless audio and image coders (Meyer and Tischer, "TMW", 1997, section 4). The same code encodes and decodes.

use super::tables::{ALONE, ClassTable};
use melisma_bitstream::{
    BinaryCoder, Mixer, SymbolCheck,
    exp_golomb::code_exp_golomb,
    level::{FINE_LEVELS, LEVELS, fine_level, level},
};

/// Largest magnitude of a symbol.
pub const MAX_SYMBOL: i32 = 1 << 20;

/// Inputs of the mixer.
pub(super) const INPUTS: usize = 7;
/// Decisions that have counters of their own: zero, sign, above 1, above 2, ... above 9, above anything more.
const DECISIONS: usize = 12;
/// Magnitudes up to this are coded in unary; from here on what is left follows as an Exp-Golomb code.
const UNARY_MAX: u32 = 18;
/// Longest Exp-Golomb prefix: what is left of a symbol stays below 2^23.
const ESCAPE_PREFIX_MAX: usize = 22;
/// Classes of expected magnitudes that escapes have counters of their own for.
const ESCAPE_CLASSES: usize = 8;
/// Counters of escapes: `[class][prefix]`.
pub(super) const ESCAPE_COUNTERS: usize = ESCAPE_CLASSES * ESCAPE_PREFIX_MAX;
/// Count at which counters of escapes stop slowing down.
const ESCAPE_LIMIT: u32 = 100;

/// What is known of the symbols of one sequence when the next is coded.
#[derive(Clone, Debug)]
struct Rows {
    // [channel]: symbols of this latent, the last, and the one before.
    symbols: [Vec<i32>; 3],
    // [channel]: what prediction left of them.
    rests: [Vec<i32>; 3],
    // [channel]: running mean magnitude of what is left, of 256.
    activity: Vec<u32>,
    // Sums of magnitudes left over the channels coded so far, of this latent and of the last.
    sums: [u32; 2],
}

impl Rows {
    fn new(spreads: &[u16]) -> Self {
        let blank = || vec![0; spreads.len()];
        Self {
            symbols: [blank(), blank(), blank()],
            rests: [blank(), blank(), blank()],
            activity: spreads.iter().map(|&spread| u32::from(spread)).collect(),
            sums: [0; 2],
        }
    }

    fn advance(&mut self) {
        self.symbols.rotate_right(1);
        self.rests.rotate_right(1);
        self.sums = [0; 2];
    }

    fn set(&mut self, channel: usize, symbol: i32, rest: i32) {
        self.symbols[0][channel] = symbol;
        self.rests[0][channel] = rest;
        let magnitude = rest.unsigned_abs().min(4095);
        let activity = &mut self.activity[channel];
        *activity = (*activity * 7 + magnitude * 256 + 4) >> 3;
        self.sums[0] = self.sums[0].saturating_add(magnitude);
        self.sums[1] = self.sums[1].saturating_add(self.rests[1][channel].unsigned_abs().min(4095));
    }
}

/// A predicted symbol: a whole number, and which side of it is likelier.
#[derive(Clone, Copy, Debug)]
struct Prediction {
    whole: i32,
    /// -1 where the fraction points down: signs are coded as if it pointed up.
    flip: i32,
    /// Fraction of the prediction, of 16: 0..=8.
    fraction: u32,
}

/// The contexts of one symbol.
struct Place {
    // Offsets of the counters of each input, for magnitudes and for the sign.
    magnitude: [u32; INPUTS],
    sign: [u32; INPUTS],
    selectors: [u32; 2],
    // Class of the expected magnitude.
    escape_class: usize,
}

/// -1, 0, 1 as 0, 1, 2.
fn trit(value: i32) -> u32 {
    (value.signum() + 1) as u32
}

fn predict(rows: &Rows, taps: [i16; 3], channel: usize, partner: Option<usize>) -> Prediction {
    let known = [
        rows.symbols[1][channel],
        rows.symbols[2][channel],
        partner.map_or(0, |partner| rows.symbols[0][partner]),
    ];
    let sum: i64 = known.iter().zip(taps).map(|(&symbol, tap)| i64::from(symbol) * i64::from(tap)).sum();
    let limit = i64::from(MAX_SYMBOL) << 4;
    let sixteenths = ((sum + (1 << 7)) >> 8).clamp(-limit, limit) as i32;
    let whole = (sixteenths + 8) >> 4;
    let fraction = sixteenths - (whole << 4);
    Prediction { whole, flip: if fraction < 0 { -1 } else { 1 }, fraction: fraction.unsigned_abs() }
}

/// Parts that sums are cut into for weight sets.
const COARSE: usize = 7;

/// Weight sets: by decision and surroundings, by decision and the channel's spread.
pub(super) const SELECTORS: usize = 2 * DECISIONS * COARSE;

/// Contexts of each input but the first, which is the channel: the products of how many values the parts of [`place`]'s
/// formulas for magnitudes can take. Those for signs take fewer.
const CONTEXTS: [usize; INPUTS - 1] = [LEVELS * 3, LEVELS * 6, 11 * 7, FINE_LEVELS, FINE_LEVELS * 3, 7 * 9];

/// Counters of the mixer.
pub(super) const fn counters(channels: usize) -> usize {
    let (mut sum, mut input) = (channels, 0);
    while input < INPUTS - 1 {
        sum += CONTEXTS[input];
        input += 1;
    }
    sum * DECISIONS
}

fn place(rows: &Rows, table: &ClassTable, channel: usize, partner: Option<usize>, at: Prediction) -> Place {
    let [now, last, before] = &rows.rests;
    let left = |row: &[i32], distance: usize| channel.checked_sub(distance).map_or(0, |index| row[index]);
    let right = last.get(channel + 1).copied().unwrap_or(0);
    let (beside, second) = (left(now, 1), left(now, 2));
    let other = partner.map_or(0, |partner| now[partner]);
    let size = |value: i32| value.unsigned_abs().min(4095);
    let (e1, e2, n1, n2) = (size(last[channel]), size(before[channel]), size(beside), size(second));
    let activity = rows.activity[channel];
    let total =
        3 * e1 + 2 * e2 + 2 * n1 + n2 + 3 * size(other) + (activity >> 7) + size(right) + size(left(last, 1));
    let coarse = fine_level(total) * (COARSE as u32 - 1) / 25;
    let spread = fine_level(u32::from(table.spreads[channel]) >> 5) * (COARSE as u32 - 1) / 25;
    // How much louder this latent is than the last, in steps of about an octave.
    let loudness = |sum: u32| (sum + 1).ilog2() as i32;
    let rise = (loudness(rows.sums[0]) - loudness(rows.sums[1])).clamp(-3, 3) + 3;
    let fraction = (at.fraction / 3).min(2);
    let magnitude = [
        channel as u32,
        level(2 * e1 + e2, 12) * 3 + fraction,
        level(2 * n1 + n2, 12) * 6 + level(e1, 5),
        level(size(other), 10) * 7 + level(at.whole.unsigned_abs().min(255), 6),
        fine_level(total),
        fine_level(activity >> 5) * 3 + fraction,
        rise as u32 * 9 + (fine_level(activity >> 5) / 3).min(8),
    ];
    let tend = |value: i32| trit(value * at.flip);
    let symbols = &rows.symbols;
    let sign = [
        channel as u32,
        (tend(last[channel]) * 3 + tend(before[channel])) * 3 + fraction,
        (tend(beside) * 3 + tend(second)) * 3 + tend(last[channel]),
        (tend(other) * 3 + tend(at.whole)) * 3 + tend(symbols[1][channel]),
        at.fraction,
        (tend(left(last, 1)) * 3 + tend(right)) * 3 + tend(last[channel]),
        (tend(symbols[1][channel]) * 3 + tend(symbols[2][channel])) * 3
            + tend(partner.map_or(0, |partner| symbols[0][partner])),
    ];
    let mut base = 0;
    let mut widths = [0; INPUTS];
    widths[0] = table.taps.len() as u32;
    for (width, &contexts) in widths[1..].iter_mut().zip(&CONTEXTS) {
        *width = contexts as u32;
    }
    let (mut magnitudes, mut signs) = ([0; INPUTS], [0; INPUTS]);
    for input in 0..INPUTS {
        debug_assert!(magnitude[input] < widths[input] && sign[input] < widths[input], "{input}");
        magnitudes[input] = (base + magnitude[input]) * DECISIONS as u32;
        signs[input] = (base + sign[input]) * DECISIONS as u32;
        base += widths[input];
    }
    Place {
        magnitude: magnitudes,
        sign: signs,
        selectors: [coarse, COARSE as u32 + spread],
        escape_class: (total / 12 + 1).ilog2().min(ESCAPE_CLASSES as u32 - 1) as usize,
    }
}

fn decide<C: BinaryCoder>(
    coder: &mut C,
    mixer: &mut Mixer<INPUTS>,
    contexts: [u32; INPUTS],
    selectors: [u32; 2],
    decision: usize,
    bit: bool,
) -> bool {
    let slots = contexts.map(|context| context + decision as u32);
    mixer.code(coder, slots, selectors.map(|selector| selector * DECISIONS as u32 + decision as u32), bit)
}

/// Codes what prediction leaves of one symbol in either direction, and learns it.
fn code_rest<C: BinaryCoder>(coder: &mut C, table: &mut ClassTable, place: &Place, rest: i32) -> i32 {
    let wanted = rest.unsigned_abs();
    if !decide(coder, &mut table.mixer, place.magnitude, place.selectors, 0, wanted > 0) {
        return 0;
    }
    let negative = decide(coder, &mut table.mixer, place.sign, place.selectors, 1, rest < 0);
    let mut magnitude = 1;
    while magnitude < UNARY_MAX {
        let decision = (magnitude as usize + 1).min(DECISIONS - 1);
        if !decide(coder, &mut table.mixer, place.magnitude, place.selectors, decision, wanted > magnitude) {
            break;
        }
        magnitude += 1;
    }
    if magnitude == UNARY_MAX {
        let prefixes = &mut table.escape[place.escape_class * ESCAPE_PREFIX_MAX..][..ESCAPE_PREFIX_MAX];
        magnitude += code_exp_golomb(coder, prefixes, ESCAPE_LIMIT, wanted.saturating_sub(UNARY_MAX));
    }
    if negative { -(magnitude as i32) } else { magnitude as i32 }
}

/// Codes one sequence of a section in either direction; `table` is its state, at first the model's.
///
/// # Shapes
/// `symbols` `[time * channels + channel]`, each at most [`MAX_SYMBOL`] in magnitude; when decoding, what they were is
/// ignored, and they become what was read.
pub(super) fn code_sequence<C: BinaryCoder>(
    coder: &mut C,
    table: &mut ClassTable,
    partners: &[u16],
    symbols: &mut [i32],
    check: &mut SymbolCheck,
) {
    let mut rows = Rows::new(&table.spreads);
    for latent in symbols.chunks_exact_mut(partners.len()) {
        rows.advance();
        for (channel, symbol) in latent.iter_mut().enumerate() {
            let partner = (partners[channel] != ALONE).then_some(usize::from(partners[channel]));
            let at = predict(&rows, table.taps[channel], channel, partner);
            let place = place(&rows, table, channel, partner, at);
            let rest = at.flip * code_rest(coder, table, &place, at.flip * (*symbol - at.whole));
            *symbol = (at.whole + rest).clamp(-MAX_SYMBOL, MAX_SYMBOL);
            rows.set(channel, *symbol, rest);
            check.add(*symbol);
        }
    }
}

/// What prediction leaves of a sequence: `(channel, rest)` in order. For spreads.
pub(super) fn rests(taps: &[[i16; 3]], partners: &[u16], symbols: &[i32], mut each: impl FnMut(usize, i32)) {
    let mut rows = Rows::new(&vec![0; partners.len()]);
    for latent in symbols.chunks_exact(partners.len()) {
        rows.advance();
        for (channel, &symbol) in latent.iter().enumerate() {
            let partner = (partners[channel] != ALONE).then_some(usize::from(partners[channel]));
            let rest = symbol - predict(&rows, taps[channel], channel, partner).whole;
            rows.set(channel, symbol, rest);
            each(channel, rest);
        }
    }
}
