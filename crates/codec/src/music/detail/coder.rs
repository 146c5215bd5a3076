//! The order in which the values of a section are coded: block by block, channel by channel, from low to high.

use super::{
    contexts::{Place, Trail},
    model::{DetailModel, Foreseen},
    neighbourhood::{Neighbourhood, Surroundings},
};
use crate::music::blocks::{BandPlace, ChannelBlock};
use melisma_bitstream::{BinaryCoder, SymbolCheck};

/// Bands whose scale lies this far below the step (in 1/48 octave) are not coded: nothing in them would be.
pub const SKIP_UNITS: i32 = -200;

/// A coefficient whose turn it is.
#[derive(Clone, Copy, Debug)]
pub struct Coefficient<'a> {
    /// Its bin in the block.
    pub k: usize,
    /// Number of the band it lies in.
    pub number: usize,
    /// The band it lies in.
    pub band: &'a BandPlace,
    /// What is known around the block.
    pub surroundings: &'a Surroundings<'a>,
    /// What was coded below it.
    pub trail: Trail,
}

impl Coefficient<'_> {
    /// The contexts that follow.
    #[inline]
    #[must_use]
    pub fn place(&self) -> Place {
        self.surroundings.place(self.trail, self.k, self.band)
    }
}

/// Decides the values while they are coded.
pub trait Quantiser {
    /// Called when a block begins: how many of its bands are worth coding, counted from the lowest.
    fn begin(&mut self, block: &ChannelBlock<'_>) -> usize;
    /// The value of one coefficient of that block, which will be coded at `place`, its own; `model` is as adapted as it
    /// will be then. Predictions that it makes of that place are put into `foreseen`, so that none is made twice.
    fn choose(
        &mut self,
        model: &DetailModel,
        coefficient: &Coefficient<'_>,
        place: &Place,
        foreseen: &mut Foreseen,
    ) -> i32;
}

/// Codes the detail of one section in either direction.
pub struct DetailCoder<'a, C> {
    coder: &'a mut C,
    model: &'a mut DetailModel,
    neighbourhood: Neighbourhood,
    foreseen: Foreseen,
    /// Over all values so far.
    pub check: SymbolCheck,
}

impl<'a, C: BinaryCoder> DetailCoder<'a, C> {
    /// Begins a section; `model` is in its initial state, and learns.
    #[must_use]
    pub fn new(coder: &'a mut C, model: &'a mut DetailModel, channel_count: usize) -> Self {
        let (neighbourhood, foreseen) =
            (Neighbourhood::new(model.version, channel_count), Foreseen::default());
        Self { coder, model, neighbourhood, foreseen, check: SymbolCheck::default() }
    }

    /// Codes one block of one channel; of each block, channel 0 must come first.
    ///
    /// What `quantiser` says is ignored when decoding.
    ///
    /// # Shapes
    /// `values`: `[bin]`, all zero; the values coded are put there.
    pub fn code_block<Q: Quantiser>(
        &mut self,
        block: &ChannelBlock<'_>,
        quantiser: &mut Q,
        values: &mut [i32],
    ) {
        let Self { coder, model, neighbourhood, foreseen, check } = self;
        let &ChannelBlock { channel, splits, bands, .. } = block;
        let wanted = quantiser.begin(block);
        let last_bases = neighbourhood.last_base_bands(channel);
        let predicted = bands.iter().take_while(|band| band.base_band < last_bases).count();
        let coded = model.code_band_count(*coder, channel, bands.len(), predicted, wanted);
        let (surroundings, mut row) = neighbourhood.begin(channel, splits, values.len());
        let (mut trail, mut end) = (Trail::default(), 0);
        let sounding = |(_, band): &(usize, &BandPlace)| band.ratio_units > SKIP_UNITS;
        for (number, band) in bands.iter().enumerate().take(coded).filter(sounding) {
            trail = trail.push_zeros(band.begin - end);
            end = band.end;
            for (k, out) in values.iter_mut().enumerate().take(band.end).skip(band.begin) {
                let coefficient = Coefficient { k, number, band, surroundings: &surroundings, trail };
                let place = coefficient.place();
                foreseen.clear();
                let wanted = quantiser.choose(model, &coefficient, &place, foreseen);
                let value = model.code_value(*coder, &place, wanted, foreseen);
                trail = trail.push(value.unsigned_abs());
                if value != 0 {
                    row.set(k, value.unsigned_abs());
                    check.add(value ^ (k as i32) << 8);
                    *out = value;
                }
            }
        }
        let bases = bands.get(coded).map_or(usize::MAX, |next| next.base_band);
        neighbourhood.end(channel, bases);
    }
}
