//! The least of a smooth convex function, by its gradient: L-BFGS (Nocedal and Wright, *Numerical Optimization*, 2006,
//! algorithms 7.4 and 3.1). Deterministic; one thread.

/// Steps whose curvature is remembered.
const MEMORY: usize = 12;

/// Changes the parameters until the gradient is `tolerance` of what it was or so many steps are done. `evaluate` gives the
/// value, and writes the gradient.
pub fn minimise(
    parameters: &mut Vec<f64>,
    steps: usize,
    tolerance: f64,
    mut evaluate: impl FnMut(&[f64], &mut [f64]) -> f64,
) {
    let mut gradient = vec![0.0; parameters.len()];
    let mut value = evaluate(parameters, &mut gradient);
    let enough = tolerance * norm(&gradient);
    // (step, change of the gradient, 1 / their product), the oldest first.
    let mut memory: Vec<(Vec<f64>, Vec<f64>, f64)> = Vec::new();
    for _ in 0..steps {
        if norm(&gradient) <= enough {
            return;
        }
        let mut direction = descent(&gradient, &memory);
        let mut slope = dot(&direction, &gradient);
        if slope >= 0.0 {
            memory.clear();
            direction = gradient.iter().map(|g| -g).collect();
            slope = -dot(&gradient, &gradient);
        }
        let mut length = if memory.is_empty() { 1.0 / norm(&gradient).max(1.0) } else { 1.0 };
        let mut next_gradient = vec![0.0; parameters.len()];
        let mut halvings = 0;
        let (next, next_value) = loop {
            let next: Vec<f64> = parameters.iter().zip(&direction).map(|(p, d)| p + length * d).collect();
            let next_value = evaluate(&next, &mut next_gradient);
            // Armijo: at least a ten-thousandth of what the slope promises.
            if next_value <= value + 1e-4 * length * slope {
                break (next, next_value);
            }
            halvings += 1;
            if halvings > 40 {
                return;
            }
            length /= 2.0;
        };
        let moved: Vec<f64> = next.iter().zip(parameters.iter()).map(|(a, b)| a - b).collect();
        let turned: Vec<f64> = next_gradient.iter().zip(&gradient).map(|(a, b)| a - b).collect();
        let product = dot(&moved, &turned);
        if product > 1e-12 * norm(&moved) * norm(&turned) {
            if memory.len() == MEMORY {
                memory.remove(0);
            }
            memory.push((moved, turned, 1.0 / product));
        }
        (*parameters, value, gradient) = (next, next_value, next_gradient);
    }
}

/// The direction of a quasi-Newton step: the two loops of algorithm 7.4.
fn descent(gradient: &[f64], memory: &[(Vec<f64>, Vec<f64>, f64)]) -> Vec<f64> {
    let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut shares = Vec::new();
    for (moved, turned, inverse) in memory.iter().rev() {
        let share = inverse * dot(moved, &direction);
        add(&mut direction, -share, turned);
        shares.push(share);
    }
    if let Some((_, turned, inverse)) = memory.last() {
        let scale = 1.0 / (inverse * dot(turned, turned));
        direction.iter_mut().for_each(|d| *d *= scale);
    }
    for ((moved, turned, inverse), share) in memory.iter().zip(shares.into_iter().rev()) {
        let back = inverse * dot(turned, &direction);
        add(&mut direction, share - back, moved);
    }
    direction
}

fn add(to: &mut [f64], factor: f64, what: &[f64]) {
    to.iter_mut().zip(what).for_each(|(a, b)| *a += factor * b);
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bottom_of_a_narrow_valley_is_found() {
        // Convex, with curvatures from 1 to 1000 and its least at 1, 2, 3, ...
        let mut found = vec![0.0; 20];
        minimise(&mut found, 500, 1e-9, |at, gradient| {
            let mut value = 0.0;
            for (n, (x, g)) in at.iter().zip(gradient).enumerate() {
                let curvature = 1000f64.powf(n as f64 / 19.0);
                let off = x - (n + 1) as f64;
                value += curvature * off * off / 2.0 + off.powi(4);
                *g = curvature * off + 4.0 * off.powi(3);
            }
            value
        });
        for (n, x) in found.iter().enumerate() {
            assert!((x - (n + 1) as f64).abs() < 1e-3, "{n}: {x}");
        }
    }
}
