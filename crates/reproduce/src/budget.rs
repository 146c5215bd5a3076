//! How the time for training is divided: weights and wishes of the trainings in, seconds for each out.

/// What a training asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wish {
    /// How much of the time it is given beside the others: time is divided by weight. Above 0.
    pub weight: f64,
    /// Seconds that it needs for all of its steps.
    pub seconds: f64,
}

/// Seconds for each training, on `jobs` processors within `budget_s` on the clock: by weight, never more than wished nor
/// than the clock allows one job. What one does not need goes to the others.
#[must_use]
pub fn divide(budget_s: f64, jobs: usize, wishes: &[Wish]) -> Vec<f64> {
    let most: Vec<f64> = wishes.iter().map(|wish| wish.seconds.clamp(0.0, budget_s)).collect();
    let mut given = vec![0.0; wishes.len()];
    let mut open: Vec<usize> = (0..wishes.len()).collect();
    let mut left = budget_s * jobs as f64;
    while !open.is_empty() && left > 0.0 {
        let weights: f64 = open.iter().map(|&index| wishes[index].weight).sum();
        let part = |index: usize| left * wishes[index].weight / weights;
        let (full, hungry): (Vec<usize>, Vec<usize>) =
            open.iter().partition(|&&index| part(index) >= most[index]);
        if full.is_empty() {
            for index in hungry {
                given[index] = part(index);
            }
            break;
        }
        for index in full {
            given[index] = most[index];
            left -= most[index];
        }
        open = hungry;
    }
    given
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(budget_s: f64, jobs: usize, wishes: &[(f64, f64)], expected: &[f64]) {
        let wishes: Vec<Wish> = wishes.iter().map(|&(weight, seconds)| Wish { weight, seconds }).collect();
        let found = divide(budget_s, jobs, &wishes);
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-9, "{found} for {expected}");
        }
    }

    #[test]
    fn by_weight_within_wishes_and_the_clock() {
        check(60.0, 1, &[], &[]);
        check(60.0, 1, &[(1.0, 100.0), (2.0, 100.0)], &[20.0, 40.0]);
        // What the first does not need goes to the others, by their weights.
        check(60.0, 1, &[(1.0, 6.0), (1.0, 100.0), (2.0, 100.0)], &[6.0, 18.0, 36.0]);
        check(60.0, 2, &[(1.0, 100.0), (3.0, 100.0), (2.0, 10.0)], &[50.0, 60.0, 10.0]);
        // One job has no more than the clock gives it.
        check(60.0, 4, &[(1.0, 1000.0)], &[60.0]);
        check(60.0, 2, &[(1.0, 5.0), (1.0, 7.0)], &[5.0, 7.0]);
        check(0.0, 2, &[(1.0, 5.0)], &[0.0]);
    }
}
