//! The two distributions that a listening test's intervals are read from: Student's t and the binomial.
//!
//! Both are the regularised incomplete beta function, here by its continued fraction (Press et al., *Numerical
//! Recipes*, section 6.4); quantiles are found by halving.

/// The 97.5th percentile of Student's t with `degrees` (above 0) of freedom.
#[must_use]
pub fn student_975(degrees: f64) -> f64 {
    // Of |t| above x: I(degrees / (degrees + x²); degrees / 2, 1 / 2); it falls with x.
    let beyond = |x: f64| incomplete_beta(degrees / 2.0, 0.5, degrees / (degrees + x * x));
    let mut high = 1.0;
    while beyond(high) > 0.05 && high < 1e12 {
        high *= 2.0;
    }
    halved(0.0, high, |x| beyond(x) > 0.05)
}

/// Probability of `right` or more of `trials` by guessing between two.
#[must_use]
pub fn guessing(right: usize, trials: usize) -> f64 {
    if right == 0 { 1.0 } else { incomplete_beta(right as f64, (trials - right + 1) as f64, 0.5) }
}

/// The exact 95 % interval of a share of which `right` of `trials` was seen (Clopper and Pearson 1934); `trials` is above 0.
#[must_use]
pub fn share_interval(right: usize, trials: usize) -> [f64; 2] {
    let (hits, misses) = (right as f64, (trials - right) as f64);
    // The ends are quantiles of beta distributions.
    let low =
        if right == 0 { 0.0 } else { halved(0.0, 1.0, |p| incomplete_beta(hits, misses + 1.0, p) < 0.025) };
    let high = if right == trials {
        1.0
    } else {
        halved(0.0, 1.0, |p| incomplete_beta(hits + 1.0, misses, p) < 0.975)
    };
    [low, high]
}

/// Where `below` turns from true to false.
fn halved(mut low: f64, mut high: f64, below: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if below(middle) { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

/// I(x; a, b), the distribution function of the beta distribution.
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return if x <= 0.0 { 0.0 } else { 1.0 };
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (1.0 - x).ln()).exp();
    // The fraction converges fast on this side; the other is its mirror.
    if x < (a + 1.0) / (a + b + 2.0) {
        front * beta_fraction(a, b, x) / a
    } else {
        1.0 - front * beta_fraction(b, a, 1.0 - x) / b
    }
}

/// The continued fraction by Lentz's method.
fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    for m in 1..10_000 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for step in [even, odd] {
            d = 1.0 / away(1.0 + step * d);
            c = away(1.0 + step / c);
            change = c * d;
            value *= change;
        }
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    value
}

/// Logarithm of the gamma function of `x` above 0, by Stirling's series after a shift.
fn ln_gamma(x: f64) -> f64 {
    let mut x = x;
    let mut shift = 0.0;
    while x < 12.0 {
        shift += x.ln();
        x += 1.0;
    }
    let square = 1.0 / (x * x);
    let series = (1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1260.0 - square / 1680.0))) / x;
    (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + series - shift
}

#[cfg(test)]
mod tests {
    use super::*;

    const STUDENT: [(f64, f64); 4] = [
        (1.0, 12.706_204_736_174_694),
        (2.5, 3.574_654_842_003_681_7),
        (19.0, 2.093_024_054_408_308_7),
        (400.0, 1.965_912_343_229_462_7),
    ];
    const BINOMIAL: [(usize, usize, f64, [f64; 2]); 4] = [
        (14, 16, 0.002_090_454_101_562_5, [0.616_523_763_150_743_6, 0.984_486_396_184_584_6]),
        (0, 10, 1.0, [0.0, 0.308_497_107_818_762_94]),
        (10, 10, 0.000_976_562_5, [0.691_502_892_181_237_1, 1.0]),
        (60, 100, 0.028_443_966_820_490_444, [0.497_209_150_422_333_1, 0.696_705_231_297_155_1]),
    ];

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() <= 1e-9 * expected.abs(), "{found} instead of {expected}");
    }

    #[test]
    fn as_scipy_has_them() {
        // scipy.stats.t.ppf(0.975, degrees)
        for (degrees, expected) in STUDENT {
            near(student_975(degrees), expected);
        }
        // scipy.stats.binomtest(right, trials, alternative="greater").pvalue and .proportion_ci(0.95, "exact")
        for (right, trials, guessed, [low, high]) in BINOMIAL {
            near(guessing(right, trials), guessed);
            let found = share_interval(right, trials);
            near(found[0], low);
            near(found[1], high);
        }
    }
}
