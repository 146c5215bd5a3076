//! From values to places along an axis, and the round values that are labelled.

use crate::text::number;

/// About as many labels as an axis may have.
const MOST_TICKS: usize = 9;
/// Room beside the outermost values, as a part of the axis.
const MARGIN: f64 = 0.04;

/// Which values are round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spacing {
    /// Multiples of 1, 2 or 5 of a power of ten, at equal distances.
    Linear,
    /// 1, 2 and 5 of each power of ten; the axis is logarithmic.
    Decades,
    /// Powers of two; the axis is logarithmic.
    Octaves,
}

/// An axis between two pixels.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    spacing: Spacing,
    /// Values at the ends.
    low: f64,
    high: f64,
    /// Pixels at the ends.
    from: f64,
    to: f64,
}

impl Scale {
    /// An axis from pixel `from` to pixel `to` that holds all `values` with some room beside them, or from 0 to 1 (1 to 2 if
    /// logarithmic) without any. Values that are not finite, or not above zero on a logarithmic axis, do not count.
    pub fn around(spacing: Spacing, values: impl Iterator<Item = f64>, [from, to]: [f64; 2]) -> Self {
        let own = Self { spacing, low: 0.0, high: 1.0, from, to };
        let (low, high) = values
            .filter(|&value| own.has(value))
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        if low > high {
            let low = if spacing == Spacing::Linear { 0.0 } else { 1.0 };
            return Self { low, high: low + 1.0, ..own };
        }
        let (low, high) = (own.measure(low), own.measure(high));
        // A single value stands in the middle of an axis of its own size.
        let room = if high > low { MARGIN * (high - low) } else { (high.abs() / 2.0).max(0.5) };
        let back = |value: f64| if spacing == Spacing::Linear { value } else { value.exp() };
        Self { low: back(low - room), high: back(high + room), ..own }
    }

    /// An axis from exactly `low` to exactly `high`.
    pub fn between(spacing: Spacing, [low, high]: [f64; 2], [from, to]: [f64; 2]) -> Self {
        Self { spacing, low, high, from, to }
    }

    /// Whether a value has a place on any axis of this kind.
    pub fn has(&self, value: f64) -> bool {
        value.is_finite() && (self.spacing == Spacing::Linear || value > 0.0)
    }

    /// The pixel of a value.
    pub fn place(&self, value: f64) -> f64 {
        let (low, high) = (self.measure(self.low), self.measure(self.high));
        self.from + (self.measure(value) - low) / (high - low) * (self.to - self.from)
    }

    fn measure(&self, value: f64) -> f64 {
        if self.spacing == Spacing::Linear { value } else { value.ln() }
    }

    /// The round values between the ends, from below, and how they are written.
    pub fn ticks(&self) -> Vec<(f64, String)> {
        let mut values = match self.spacing {
            Spacing::Linear => Vec::new(),
            Spacing::Octaves => self.powers_of_two(),
            Spacing::Decades => self.of_decades(),
        };
        // A short logarithmic axis may hold no round value of its kind.
        if values.len() < 2 {
            values = self.multiples();
        }
        values.into_iter().map(|value| (value, label(value))).collect()
    }

    fn holds(&self, value: f64) -> bool {
        let (low, high, value) = (self.measure(self.low), self.measure(self.high), self.measure(value));
        let room = 1e-9 * (high - low);
        value >= low - room && value <= high + room
    }

    fn powers_of_two(&self) -> Vec<f64> {
        let exponents = self.low.log2().floor() as i32..=self.high.log2().ceil() as i32;
        let powers: Vec<(i32, f64)> = exponents
            .map(|exponent| (exponent, 2f64.powi(exponent)))
            .filter(|power| self.holds(power.1))
            .collect();
        let every = powers.len().div_ceil(MOST_TICKS).max(1) as i32;
        powers
            .into_iter()
            .filter(|(exponent, _)| exponent.rem_euclid(every) == 0)
            .map(|power| power.1)
            .collect()
    }

    fn of_decades(&self) -> Vec<f64> {
        let exponents = self.low.log10().floor() as i32..=self.high.log10().ceil() as i32;
        let of = |steps: &[f64], every: i32| -> Vec<f64> {
            let decades = exponents.clone().filter(|exponent| exponent.rem_euclid(every) == 0);
            let values =
                decades.flat_map(|exponent| steps.iter().map(move |step| step * 10f64.powi(exponent)));
            values.filter(|&value| self.holds(value)).collect()
        };
        let fine = of(&[1.0, 2.0, 5.0], 1);
        if fine.len() <= MOST_TICKS {
            return fine;
        }
        let powers = of(&[1.0], 1).len();
        of(&[1.0], powers.div_ceil(MOST_TICKS).max(1) as i32)
    }

    fn multiples(&self) -> Vec<f64> {
        let rough = (self.high - self.low) / 6.0;
        if !(rough > 0.0 && rough.is_finite()) {
            return Vec::new();
        }
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|&s| s >= rough * 0.999);
        let step = step.unwrap_or(10.0 * power);
        let first = (self.low / step).ceil();
        let values = (0..=MOST_TICKS).map(|index| (first + index as f64) * step);
        values.filter(|&value| self.holds(value)).collect()
    }
}

/// `0.002`, `8`, `100`, `1e-7`: no zeros that say nothing.
fn label(value: f64) -> String {
    if value != 0.0 && value.abs() < 1e-5 {
        return format!("{value:.0e}");
    }
    let text = if value.abs() >= 100.0 { format!("{value:.0}") } else { number(value) };
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(spacing: Spacing, ends: [f64; 2]) -> Vec<String> {
        Scale::between(spacing, ends, [0.0, 100.0]).ticks().into_iter().map(|tick| tick.1).collect()
    }

    #[test]
    fn round_values_are_labelled() {
        use Spacing::{Decades, Linear, Octaves};
        for (spacing, ends, expected) in [
            (Octaves, [6.1, 140.0], "8 16 32 64 128"),
            (Octaves, [0.5, 600.0], "1 4 16 64 256"),
            (Octaves, [15.0, 1500.0], "16 32 64 128 256 512 1024"),
            // No two powers of two: as on a linear axis.
            (Octaves, [9.0, 15.0], "9 10 11 12 13 14 15"),
            (Decades, [0.0009, 0.06], "0.001 0.002 0.005 0.01 0.02 0.05"),
            (Decades, [1e-4, 12.0], "0.0001 0.001 0.01 0.1 1 10"),
            (Decades, [1e-12, 1.0], "1e-12 1e-10 1e-8 1e-6 0.0001 0.01 1"),
            (Linear, [0.0, 1.0], "0 0.2 0.4 0.6 0.8 1"),
            (Linear, [-1.4, 4.9], "0 2 4"),
            (Linear, [0.0, 22_050.0], "0 5000 10000 15000 20000"),
        ] {
            assert_eq!(ticks(spacing, ends).join(" "), expected, "{spacing:?} {ends:?}");
        }
    }

    #[test]
    fn places_follow_the_axis() {
        let log = Scale::between(Spacing::Octaves, [8.0, 128.0], [0.0, 400.0]);
        assert!((log.place(32.0) - 200.0).abs() < 1e-9);
        let down = Scale::between(Spacing::Linear, [0.0, 10.0], [100.0, 0.0]);
        assert_eq!((down.place(0.0), down.place(2.5)), (100.0, 75.0));
    }

    #[test]
    fn any_values_make_an_axis() {
        let values: [&[f64]; 4] = [&[], &[0.0, -3.0, f64::NAN], &[5.0], &[1e-9, 1e9]];
        for spacing in [Spacing::Linear, Spacing::Decades, Spacing::Octaves] {
            for values in values {
                let scale = Scale::around(spacing, values.iter().copied(), [10.0, 90.0]);
                let inside = values.iter().filter(|&&value| scale.has(value));
                for place in inside.map(|&value| scale.place(value)) {
                    assert!((10.0..=90.0).contains(&place), "{spacing:?} {values:?}: {place}");
                }
                let ticks = scale.ticks();
                assert!((2..=MOST_TICKS + 1).contains(&ticks.len()), "{spacing:?} {values:?}: {ticks:?}");
            }
        }
    }
}
