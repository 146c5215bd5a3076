//! What values cost, as the adaptive model stands.

use crate::music::detail::{DetailModel, Foreseen, Place};
use std::ops::RangeInclusive;

/// Gives each magnitude of `magnitudes` (below [`UNARY_MAX`](crate::music::detail::UNARY_MAX)) and the bits that it and
/// its sign take at `place`, from the smallest on.
///
/// The place need not be one that is being coded: [`Surroundings::place`](crate::music::detail::neighbourhood::Surroundings::place)
/// gives that of any coefficient behind any trail.
#[inline]
pub(super) fn price(
    model: &DetailModel,
    place: &Place,
    magnitudes: RangeInclusive<u32>,
    foreseen: &mut Foreseen,
    mut each: impl FnMut(u32, f32),
) {
    // Bits of the decisions "more than this" up to the magnitude at hand.
    let mut passed = 0.0;
    for magnitude in 0..=*magnitudes.end() {
        let mixed = model.predict(place, magnitude);
        foreseen.keep(place, magnitude, mixed);
        let p_more = mixed.probability;
        if magnitude >= *magnitudes.start() {
            let sign = if magnitude > 0 { 1.0 } else { 0.0 };
            each(magnitude, passed + bits(65536 - p_more) + sign);
        }
        passed += bits(p_more);
    }
}

/// Bits of an event with probability `probability` of 65536, to 0.0002 bits: the logarithm of the mantissa is a polynomial
/// through Chebyshev's nodes.
#[inline]
fn bits(probability: u32) -> f32 {
    let float = (probability.max(1) as f32).to_bits();
    let exponent = (float >> 23) as i32 - 127;
    let above_one = f32::from_bits(float & 0x007F_FFFF | 0x3F80_0000) - 1.0;
    let mantissa_log2 = LOG2[1..].iter().rev().fold(0.0, |sum, factor| (sum + factor) * above_one) + LOG2[0];
    16.0 - exponent as f32 - mantissa_log2
}

/// Factors of the powers of `x` in `log2(1 + x)`, for x from 0 to 1.
const LOG2: [f32; 5] = [0.000_100_19, 1.437_302_2, -0.672_934_2, 0.315_467_6, -0.080_010_89];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        container::MusicVersion,
        music::{
            blocks::{BandPlace, ChannelBlock, Envelope},
            detail::{Coefficient, DetailCoder, Quantiser, contexts::Trail},
            model::Model,
        },
    };
    use melisma_bitstream::RangeEncoder;

    const BINS: usize = 256;

    /// Codes given values, and sums their prices by hypothetical trails of its own.
    struct Priced {
        values: Vec<i32>,
        bits: f64,
    }

    impl Quantiser for Priced {
        fn begin(&mut self, block: &ChannelBlock<'_>) -> usize {
            block.bands.len()
        }

        fn choose(
            &mut self,
            model: &DetailModel,
            coefficient: &Coefficient<'_>,
            place: &Place,
            foreseen: &mut Foreseen,
        ) -> i32 {
            let &Coefficient { k, band, surroundings, .. } = coefficient;
            let magnitude = |k: usize| self.values[k].unsigned_abs();
            // The trail as it must be by the values before, whatever the coder made of them.
            let hypothetical = (0..k).fold(Trail::default(), |trail, k| trail.push(magnitude(k)));
            let priced = surroundings.place(hypothetical, k, band);
            assert_eq!(&priced, place, "{k}");
            let wanted = magnitude(k)..=magnitude(k);
            price(model, &priced, wanted, foreseen, |_, bits| self.bits += f64::from(bits));
            self.values[k]
        }
    }

    #[test]
    fn prices_of_hypothetical_trails_add_up_to_the_bytes_coded() {
        MusicVersion::ALL.into_iter().for_each(check);
    }

    fn check(version: MusicVersion) {
        let bands: Vec<BandPlace> = (0..8)
            .map(|band| BandPlace {
                begin: band * BINS / 8,
                end: (band + 1) * BINS / 8,
                base_band: 2 * band,
                scale: 30,
                ratio_units: 40,
                step_units: -300,
                envelope: Envelope::default(),
            })
            .collect();
        let (mut coder, mut model) = (RangeEncoder::default(), Model::embedded(version).detail.clone());
        let mut detail = DetailCoder::new(&mut coder, &mut model, 2);
        let (mut state, mut bits) = (1u32, 0.0);
        for block in 0..40 {
            let values = (0..BINS).map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let magnitude = (state >> 24).leading_zeros() as i32 - 24;
                if state & 1 << 20 == 0 { magnitude } else { -magnitude }
            });
            let mut quantiser = Priced { values: values.collect(), bits: 0.0 };
            let block = ChannelBlock { channel: block % 2, start: 0, splits: 1, bands: &bands };
            let mut coded = vec![0; BINS];
            detail.code_block(&block, &mut quantiser, &mut coded);
            assert_eq!(coded, quantiser.values);
            bits += quantiser.bits;
        }
        let coded_bits = 8.0 * coder.finish().len() as f64;
        // Band counts (a bit or so a block) and the coder's last bytes come on top; nothing else does.
        assert!((0.0..120.0).contains(&(coded_bits - bits)), "{coded_bits} coded, {bits} priced");
    }
}
