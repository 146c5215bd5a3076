//! What lies between linear maps.

use burn::tensor::{
    Tensor,
    activation::{gelu, relu},
    backend::Backend,
};
use serde::{Deserialize, Serialize};

/// A function of single values. Layers apply it to their input, in the same pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// Leaves values as they are.
    Identity,
    /// Hyperbolic tangent.
    #[default]
    Tanh,
    /// The positive part.
    Relu,
    /// The value times the normal distribution's share below it (Hendrycks and Gimpel 2016).
    Gelu,
}

impl Activation {
    /// Applies it to every value.
    pub fn apply<B: Backend, const D: usize>(self, x: Tensor<B, D>) -> Tensor<B, D> {
        match self {
            Self::Identity => x,
            Self::Tanh => x.tanh(),
            Self::Relu => relu(x),
            Self::Gelu => gelu(x),
        }
    }
}
