//! What a codec reaches at a rate that none of its points has: a curve in, a figure at a real rate out.
//!
//! A codec's curve is (median real kbit/s, median metric) of each of its points ([`crate::points::curve`]). Between two
//! points it is interpolated over the logarithm of the rate: the logarithm of a distance, or a figure in dB or MOS
//! itself. Outside of its points nothing is guessed: the nearest point by ratio is given, with its rate.

use crate::metrics::{Direction, Metric};

/// A figure at a rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AtRate {
    /// The figure, interpolated between the points on both sides, or of a point at just this rate.
    Bracketed(f64),
    /// The nearest point, where there are none on both sides.
    Nearest {
        /// Real rate of that point, kbit/s.
        kbps: f64,
        /// The metric's value there.
        value: f64,
    },
}

/// A point counts as being at a rate if the natural logarithm of their ratio is below this.
const SAME_RATE: f64 = 0.01;

/// Reads a curve at `kbps`; `None` if it has no point.
#[must_use]
pub fn at_rate(curve: &[(f64, f64)], kbps: f64, metric: Metric) -> Option<AtRate> {
    let far = |point: &&(f64, f64)| (point.0 / kbps).ln().abs();
    let nearest = *curve.iter().min_by(|a, b| far(a).total_cmp(&far(b)))?;
    if far(&&nearest) < SAME_RATE {
        return Some(AtRate::Bracketed(nearest.1));
    }
    let above = curve.partition_point(|point| point.0 < kbps);
    if above == 0 || above == curve.len() {
        return Some(AtRate::Nearest { kbps: nearest.0, value: nearest.1 });
    }
    let ((x0, y0), (x1, y1)) = (curve[above - 1], curve[above]);
    let t = (kbps / x0).ln() / (x1 / x0).ln();
    let is_distance = metric.direction() == Direction::Lower && metric.unit().is_empty();
    Some(AtRate::Bracketed(if is_distance && y0 > 0.0 && y1 > 0.0 {
        (y0.ln() + t * (y1 / y0).ln()).exp()
    } else {
        y0 + t * (y1 - y0)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Row;
    use crate::points::curves;

    #[test]
    fn between_points_and_beside_them() {
        let mut rows = Vec::new();
        for (label, kbps, value) in [("a", 8.0, 0.4), ("b", 32.0, 0.1)] {
            for clip in 0..3 {
                let mut row = Row::empty("study", &clip.to_string(), "mp3", label);
                row.kbps = kbps * (0.9 + 0.1 * f64::from(clip));
                row.metrics.insert(Metric::StudyComplex8k, Some(value));
                row.metrics.insert(Metric::SiSdr, Some(10.0 * kbps.log2()));
                rows.push(row);
            }
        }
        let read = |metric, kbps| at_rate(&curves(&rows, metric)["mp3"], kbps, metric);
        let close = |found: Option<AtRate>, expected: f64| match found {
            // Medians are the middle clip's: exact but for rounding.
            Some(AtRate::Bracketed(value)) => assert!((value - expected).abs() < 1e-9, "{value}"),
            other => panic!("{other:?}"),
        };
        close(read(Metric::StudyComplex8k, 16.0), 0.2);
        close(read(Metric::SiSdr, 16.0), 40.0);
        close(read(Metric::StudyComplex8k, 8.05), 0.4);
        assert_eq!(read(Metric::StudyComplex8k, 126.0), Some(AtRate::Nearest { kbps: 32.0, value: 0.1 }));
        assert_eq!(at_rate(&[], 16.0, Metric::SiSdr), None);
    }
}
