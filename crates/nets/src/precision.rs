//! Mixed precision: matrix products in bfloat16, all else in f32.
//!
//! Micikevicius et al., "Mixed precision training" (2018), with the number format of Kalamkar et al., "A study of BFLOAT16
//! for deep learning training" (2019): its exponent is as wide as that of f32, so that losses need no scaling. For
//! graphics cards; on the processor it works, and is slower.

use burn::{
    module::{Module, ModuleMapper, Param},
    tensor::{DType, Tensor, backend::Backend},
};
use serde::{Deserialize, Serialize};

/// How exactly matrix products are computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// In f32.
    #[default]
    Full,
    /// In bfloat16, of weights that are kept in f32.
    Mixed,
}

impl Precision {
    /// The network as a step has to see it. Gradients of its loss are those of the weights of `module`.
    pub fn of<B: Backend, M: Module<B>>(self, module: &M) -> M {
        match self {
            Self::Full => module.clone(),
            Self::Mixed => module.clone().map(&mut Rounder { containers: Vec::new() }),
        }
    }
}

/// Rounds the matrices of layers that take them rounded.
struct Rounder {
    containers: Vec<String>,
}

/// Those whose product goes with the type of its matrix.
const LAYERS: [&str; 3] = ["Struct:Linear", "Struct:Overlapped", "Struct:Column"];

impl<B: Backend> ModuleMapper<B> for Rounder {
    fn enter_module(&mut self, _name: &str, container: &str) {
        self.containers.push(container.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.containers.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<B, D>>) -> Param<Tensor<B, D>> {
        let layer = self.containers.last().is_some_and(|layer| LAYERS.contains(&layer.as_str()));
        if D != 2 || !layer {
            return param;
        }
        let (id, value, mapper) = param.consume();
        Param::from_mapped_value(id, value.cast(DType::BF16), mapper)
    }
}
