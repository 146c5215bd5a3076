//! Points of a space with many dimensions, in one piece of memory.

/// Rows of numbers: points, all of the same number of dimensions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Points {
    dimensions: usize,
    /// # Shapes
    /// `[point * dimensions + dimension]`
    values: Vec<f32>,
}

impl Points {
    /// Takes points as they lie in memory, `[point * dimensions + dimension]`; none if `values` is no whole number of
    /// points.
    #[must_use]
    pub fn new(dimensions: usize, values: Vec<f32>) -> Option<Self> {
        let whole = dimensions > 0 && values.len().is_multiple_of(dimensions);
        whole.then_some(Self { dimensions, values })
    }

    /// Number of points.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len().checked_div(self.dimensions).unwrap_or(0)
    }

    /// Whether there is no point.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Numbers of each point.
    #[must_use]
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// All numbers, `[point * dimensions + dimension]`.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// One point: `[dimension]`.
    ///
    /// # Panics
    /// If there is no such point.
    #[must_use]
    pub fn point(&self, index: usize) -> &[f32] {
        &self.values[index * self.dimensions..(index + 1) * self.dimensions]
    }

    /// The points in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.dimensions.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::Points;

    #[test]
    fn rows_are_points() {
        let points = Points::new(2, vec![1.0, 2.0, 3.0, 4.0]).unwrap();
        assert_eq!((points.len(), points.dimensions()), (2, 2));
        assert_eq!(points.point(1), [3.0, 4.0]);
        assert_eq!(points.iter().count(), 2);
        assert_eq!(Points::new(3, vec![1.0; 4]), None);
        assert_eq!(Points::new(0, vec![]), None);
    }
}
