//! Inputs in which a plane is a curved border: similarities to landmarks, as the method of Nystrom makes them (Williams and
//! Seeger, "Using the Nystrom method to speed up kernel machines", NIPS 2000) with the kernel `exp(-width * d^2 / inputs)`.
//!
//! ```text
//! landmarks L, kernel K(L, L) = C C^T (Cholesky) -> mapped x = C^-1 K(L, x), so that mapped x . mapped y = K(x, y)
//! ```

/// Landmarks and the root of their kernel.
#[derive(Clone, Debug, PartialEq)]
pub struct Kernel {
    pub width: f32,
    /// `[landmark][input]`
    pub landmarks: Vec<Vec<f32>>,
    /// `[row][column <= row]` of the Cholesky root.
    root: Vec<Vec<f64>>,
}

/// Added to the diagonal, so that equal landmarks have a root.
const RIDGE: f64 = 1e-3;

impl Kernel {
    pub fn new(landmarks: Vec<Vec<f32>>, width: f32) -> Self {
        let mut root: Vec<Vec<f64>> = Vec::with_capacity(landmarks.len());
        for (row, landmark) in landmarks.iter().enumerate() {
            let mut values = Vec::with_capacity(row + 1);
            for (column, other) in landmarks[..=row].iter().enumerate() {
                let before: &[f64] = if column == row { &values } else { &root[column] };
                let sum: f64 = values.iter().zip(before).take(column).map(|(a, b)| a * b).sum();
                if column == row {
                    values.push((1.0 + RIDGE - sum).max(RIDGE / 2.0).sqrt());
                } else {
                    values.push((similarity(landmark, other, width) - sum) / root[column][column]);
                }
            }
            root.push(values);
        }
        Self { width, landmarks, root }
    }

    /// `[landmark]`
    pub fn map(&self, input: &[f32]) -> Vec<f32> {
        let mut out: Vec<f64> = Vec::with_capacity(self.landmarks.len());
        for (landmark, row) in self.landmarks.iter().zip(&self.root) {
            let sum: f64 = row.iter().zip(&out).map(|(a, b)| a * b).sum();
            out.push((similarity(landmark, input, self.width) - sum) / row[out.len()]);
        }
        out.into_iter().map(|value| value as f32).collect()
    }
}

fn similarity(a: &[f32], b: &[f32], width: f32) -> f64 {
    let distance: f32 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
    f64::from(-width * distance / a.len().max(1) as f32).exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use melisma_signal::Random;

    #[test]
    fn products_of_mapped_landmarks_are_their_similarities() {
        let mut random = Random::at(1, &[]);
        let landmarks: Vec<Vec<f32>> = (0..30).map(|_| (0..5).map(|_| random.normal()).collect()).collect();
        let kernel = Kernel::new(landmarks.clone(), 1.0);
        for a in &landmarks {
            for b in &landmarks {
                let product: f32 = kernel.map(a).iter().zip(kernel.map(b)).map(|(a, b)| a * b).sum();
                // The ridge takes a thousandth of what is alike.
                assert!((f64::from(product) - similarity(a, b, 1.0)).abs() < 5e-3);
            }
        }
    }
}
