//! A tensor on the processor as plain numbers.

use burn::tensor::{Bytes, DType, Shape};
use burn_flex::{FlexTensor, Layout};

/// f32 values without gaps, last axis fastest. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Array(FlexTensor);

impl Array {
    /// Nothing where the tensor holds other numbers than f32.
    pub fn of(tensor: &FlexTensor) -> Option<Self> {
        (tensor.dtype() == DType::F32).then(|| Self(tensor.to_contiguous()))
    }

    pub fn new(values: Vec<f32>, shape: &[usize]) -> Self {
        debug_assert_eq!(values.len(), shape.iter().product::<usize>());
        let layout = Layout::contiguous(Shape::from(shape.to_vec()));
        Self(FlexTensor::new(Bytes::from_elems(values), layout, DType::F32))
    }

    pub fn into_tensor(self) -> FlexTensor {
        self.0
    }

    pub fn values(&self) -> &[f32] {
        self.0.storage()
    }

    pub fn shape(&self) -> &[usize] {
        self.0.layout().shape()
    }

    /// The size of the last axis.
    pub fn width(&self) -> usize {
        self.shape().last().copied().unwrap_or(1)
    }

    /// Its shape with another last axis.
    pub fn shape_with_width(&self, width: usize) -> Vec<usize> {
        let mut shape = self.shape().to_vec();
        if let Some(last) = shape.last_mut() {
            *last = width;
        }
        shape
    }
}
