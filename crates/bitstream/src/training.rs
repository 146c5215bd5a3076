//! What training keeps of coded bits: how often each of a mixer's counters saw a zero and a one, section by section,
//! and what initial state follows from that.
//!
//! Counts per counter and section give two numbers: the mean probability, and, from how much sections differ beyond
//! chance, how far that mean is to be trusted (the beta-binomial's strength by the method of moments; Kleinman 1973,
//! "Proportions with extraneous variance: single and independent samples"). This is the one file of the crate with
//! floats in it: it runs while tables are made, never while a file is coded.
//!
//! ```text
//! section -model over TallyingCoder-> tally -MixerMoments::gather-> moments -MixerMoments::settle-> counters
//! ```

use crate::{BinaryCoder, Counter, Mixed, Mixer, table::TRUST};

/// How many zeros and ones one counter predicted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Bits that were zero.
    pub zeros: u32,
    /// Bits that were one.
    pub ones: u32,
}

/// A coder that counts what the counters of one mixer predicted, and leaves the coding to another.
#[derive(Clone, Debug)]
pub struct TallyingCoder<C> {
    /// The coder that does the work.
    pub coder: C,
    /// `[counter]` of the mixer whose bits pass through.
    pub tally: Vec<Tally>,
}

impl<C: BinaryCoder> TallyingCoder<C> {
    /// Counts for a mixer of so many counters. Only bits of that one mixer may be coded.
    #[must_use]
    pub fn new(coder: C, counters: usize) -> Self {
        Self { coder, tally: vec![Tally::default(); counters] }
    }
}

impl<C: BinaryCoder> BinaryCoder for TallyingCoder<C> {
    fn code(&mut self, bit: bool, probability: u32) -> bool {
        self.coder.code(bit, probability)
    }

    fn code_mixed<const N: usize>(&mut self, bit: bool, mixed: &Mixed<N>) -> bool {
        let bit = self.coder.code_mixed(bit, mixed);
        for slot in mixed.slots() {
            let tally = &mut self.tally[*slot as usize];
            *(if bit { &mut tally.ones } else { &mut tally.zeros }) += 1;
        }
        bit
    }
}

/// Sums over sections of one counter's ones `k` and bits `n`.
#[derive(Clone, Copy, Debug, Default)]
struct Moments {
    n: f64,
    k: f64,
    nn: f64,
    nk: f64,
    kk: f64,
}

impl Moments {
    fn add(&mut self, other: &Self) {
        self.n += other.n;
        self.k += other.k;
        self.nn += other.nn;
        self.nk += other.nk;
        self.kk += other.kk;
    }

    /// The counter that suits a section from its first bit on.
    fn counter(&self) -> Counter {
        // Half a bit of either kind is added, about: no probability is certain.
        let p = (self.k + 0.4) / (self.n + 0.8);
        // X = sum (k - n p)^2 / (p (1 - p)) has the mean sum n (1 + (n - 1) rho), rho = 1 / (strength + 1).
        let x = (self.kk - 2.0 * p * self.nk + p * p * self.nn) / (p * (1.0 - p));
        let rho = (x - self.n) / (self.nn - self.n).max(1e-9);
        let strength = if self.n < 4.0 { 0.0 } else { (1.0 / rho.clamp(0.003, 1.0) - 1.0).min(self.n) };
        let count = TRUST.iter().copied().min_by_key(|&count| (f64::from(count) - strength).abs() as u32);
        Counter::new((p * 4096.0) as u16, count.unwrap_or(0))
    }
}

/// What sections have taught about all counters of a mixer.
#[derive(Clone, Debug)]
pub struct MixerMoments(Vec<Moments>);

impl MixerMoments {
    /// Nothing yet, about a mixer of so many counters.
    #[must_use]
    pub fn new(counters: usize) -> Self {
        Self(vec![Moments::default(); counters])
    }

    /// Takes in one section's tally, `[counter]`.
    pub fn gather(&mut self, tally: &[Tally]) {
        for (moments, tally) in self.0.iter_mut().zip(tally) {
            let (k, n) = (f64::from(tally.ones), f64::from(tally.zeros + tally.ones));
            if n > 0.0 {
                moments.add(&Moments { n, k, nn: n * n, nk: n * k, kk: k * k });
            }
        }
    }

    /// Adds what other sections have taught.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            mine.add(theirs);
        }
    }

    /// Sets the counters of `mixer` to what a section should start from.
    pub fn settle<const N: usize>(&self, mixer: &mut Mixer<N>) {
        for (counter, moments) in mixer.counters.iter_mut().zip(&self.0) {
            *counter = moments.counter();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RangeEncoder;

    /// Sections whose counter sees `ones(section)` ones in 100 bits.
    fn learned(ones: impl Fn(u32) -> u32) -> Counter {
        let mut moments = MixerMoments::new(1);
        for section in 0..200 {
            moments.gather(&[Tally { zeros: 100 - ones(section), ones: ones(section) }]);
        }
        let mut mixer = Mixer::<1>::blank(1, 1, 0);
        moments.settle(&mut mixer);
        mixer.counters[0]
    }

    #[test]
    fn the_mean_is_kept_and_trusted_the_less_the_more_sections_differ() {
        let (alike, apart) = (learned(|_| 25), learned(|section| if section % 4 == 0 { 100 } else { 0 }));
        for counter in [alike, apart] {
            assert!(counter.probability_12bit().abs_diff(1024) <= 1, "{counter:?}");
        }
        assert_eq!((alike.count(), apart.count()), (224, 0));
    }

    #[test]
    fn tallies_are_those_of_the_slots_and_the_bytes_stay_the_same() {
        let mut plain = (RangeEncoder::default(), Mixer::<2>::blank(4, 2, 20_000));
        let mut counted = (TallyingCoder::new(RangeEncoder::default(), 4), Mixer::<2>::blank(4, 2, 20_000));
        for i in 0..300u32 {
            let (slots, bit) = ([i % 2, 2 + i / 3 % 2], i % 5 == 0);
            plain.1.code(&mut plain.0, slots, [0, 1], bit);
            counted.1.code(&mut counted.0, slots, [0, 1], bit);
        }
        assert_eq!(counted.0.coder.finish(), plain.0.finish());
        let totals: Vec<u32> = counted.0.tally.iter().map(|tally| tally.zeros + tally.ones).collect();
        assert_eq!(totals, [150, 150, 150, 150]);
        assert_eq!(counted.0.tally.iter().map(|tally| tally.ones).sum::<u32>(), 2 * 60);
    }
}
