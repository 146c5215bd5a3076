//! A network's weights by name, out and in.

use crate::{Error, Result};
use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    tensor::{Tensor, TensorData, backend::Backend},
};
use std::collections::BTreeMap;

/// A tensor on its way to or from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTensor {
    /// Path of the weight through the network, joined by dots.
    pub name: String,
    /// Length of each axis, outermost first.
    pub shape: Vec<usize>,
    /// All values, the last axis fastest.
    pub values: Vec<f32>,
}

/// All weights, in the order in which every visit meets them.
pub fn read<B: Backend, M: Module<B>>(module: &M) -> Vec<NamedTensor> {
    let mut reader = Reader { path: Vec::new(), found: Vec::new() };
    module.visit(&mut reader);
    reader.found
}

/// The module with all its weights replaced.
///
/// # Errors
/// Where a tensor is missing, has another shape, or is left over.
pub fn write<B: Backend, M: Module<B>>(module: M, tensors: Vec<NamedTensor>) -> Result<M> {
    let available = tensors.len();
    let tensors = tensors.into_iter().map(|tensor| (tensor.name.clone(), tensor)).collect();
    let mut writer = Writer { path: Vec::new(), tensors, available, failed: None };
    let module = module.map(&mut writer);
    if let Some(error) = writer.failed {
        return Err(error);
    }
    match writer.tensors.first_key_value() {
        Some((first, _)) => Err(Error::SurplusTensors { count: writer.tensors.len(), first: first.clone() }),
        None => Ok(module),
    }
}

struct Reader {
    path: Vec<String>,
    found: Vec<NamedTensor>,
}

impl<B: Backend> ModuleVisitor<B> for Reader {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
        let shape = param.dims().to_vec();
        let values = param.val().into_data().convert::<f32>().into_vec().unwrap_or_default();
        self.found.push(NamedTensor { name: self.path.join("."), shape, values });
    }
}

struct Writer {
    path: Vec<String>,
    tensors: BTreeMap<String, NamedTensor>,
    available: usize,
    failed: Option<Error>,
}

impl<B: Backend> ModuleMapper<B> for Writer {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<B, D>>) -> Param<Tensor<B, D>> {
        let name = self.path.join(".");
        let (id, value, mapper) = param.consume();
        let expected = value.dims();
        let replaced = match self.tensors.remove(&name) {
            None => Err(Error::MissingTensor { name, available: self.available }),
            Some(tensor) if tensor.shape != expected => {
                Err(Error::Shape { name, found: tensor.shape, expected: expected.to_vec() })
            }
            Some(tensor) => Ok(Tensor::from_data(TensorData::new(tensor.values, expected), &value.device())),
        };
        let value = match replaced {
            Ok(replaced) => replaced.require_grad(),
            Err(error) => {
                self.failed.get_or_insert(error);
                value
            }
        };
        Param::from_mapped_value(id, value, mapper)
    }
}
