//! Functions of tensors whose values and gradients are computed here, where the framework's own are slow.
//!
//! On the processor (Burn's `Flex`, with gradients or without) a [`Kernel`] replaces a chain of the framework's
//! operations, each of which reads and writes whole tensors and keeps them for the gradient. Every function here has the
//! same function as such a chain beside it: other backends run that one, and tests compare the two.
//!
//! Sums go over pieces whose number depends on sizes alone, in order: results do not depend on the number of threads.

mod array;
mod conv2d;
mod depthwise;
mod elementwise;
mod linear;
mod norm;
mod overlap;
mod product;
mod spectrum;
mod squares;

pub(crate) use conv2d::{Window, conv2d_down, conv2d_up};
pub(crate) use depthwise::depthwise;
pub(crate) use linear::linear;
pub(crate) use norm::norm;
pub(crate) use overlap::{beside, overlap};
pub(crate) use spectrum::{sound, spectrum};
pub(crate) use squares::mean_square;

use array::Array;
use burn::{
    backend::{
        Autodiff,
        autodiff::{
            checkpoint::{base::Checkpointer, strategy::NoCheckpointing},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind},
        },
    },
    tensor::{Tensor, TensorPrimitive, backend::Backend, ops::FloatTensor},
};
use burn_flex::{Flex, FlexTensor};
use std::{any::Any, fmt::Debug, hint::black_box, sync::Once};

/// A function of `N` tensors with a gradient.
trait Kernel<const N: usize>: Clone + Debug + Send + 'static {
    /// Its value.
    fn forward(&self, inputs: &[Array; N]) -> Array;

    /// Gradients of the inputs from the value's; at least of those wanted.
    fn backward(&self, inputs: &[Array; N], gradient: Array, wanted: [bool; N]) -> [Option<Array>; N];
}

/// The processor's backend with gradients, and its tensors.
type Tracking = Autodiff<Flex>;
type Tracked = FloatTensor<Tracking>;

/// The value of a kernel, or nothing where the backend or the type of the numbers is another.
///
/// Found out at run time: a trait of our own for backends with kernels would have to be named by every function from
/// here to the program.
fn run<B: Backend, const N: usize, const D: usize>(
    kernel: impl Kernel<N>,
    inputs: &[B::FloatTensorPrimitive; N],
) -> Option<Tensor<B, D>> {
    keep_memory();
    let inputs: &dyn Any = inputs;
    let value: Box<dyn Any> = if let Some(inputs) = inputs.downcast_ref::<[FlexTensor; N]>() {
        Box::new(kernel.forward(&arrays(inputs.each_ref())?).into_tensor())
    } else if let Some(inputs) = inputs.downcast_ref::<[Tracked; N]>() {
        Box::new(tracked(kernel, inputs)?)
    } else {
        return None;
    };
    let value = value.downcast::<B::FloatTensorPrimitive>().ok()?;
    Some(Tensor::from_primitive(TensorPrimitive::Float(*value)))
}

/// Keeps the C library from returning memory to the system at the end of every step, and clearing it anew in the next.
///
/// glibc returns free memory beyond twice the size of the largest block that was ever freed (`mallopt(3)`,
/// `M_MMAP_THRESHOLD`), up to blocks of 32 MiB. One such block, never written to, costs nothing.
fn keep_memory() {
    const LARGEST: usize = (32 << 20) - (1 << 16);
    static ONCE: Once = Once::new();
    ONCE.call_once(|| drop(black_box(vec![0u8; LARGEST])));
}

/// What [`run`] takes.
fn primitive<B: Backend, const D: usize>(tensor: &Tensor<B, D>) -> B::FloatTensorPrimitive {
    tensor.clone().into_primitive().tensor()
}

fn arrays<const N: usize>(tensors: [&FlexTensor; N]) -> Option<[Array; N]> {
    let arrays: Vec<Array> = tensors.into_iter().map_while(Array::of).collect();
    arrays.try_into().ok()
}

fn tracked<const N: usize>(kernel: impl Kernel<N>, inputs: &[Tracked; N]) -> Option<Tracked> {
    let values = arrays(inputs.each_ref().map(|input| &input.primitive))?;
    let value = kernel.forward(&values).into_tensor();
    let nodes = inputs.each_ref().map(|input| input.node.clone());
    Some(match Step(kernel).prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(step) => step.finish(values.to_vec(), value),
        OpsKind::UnTracked(step) => step.finish(value),
    })
}

/// A kernel in the graph of gradients.
#[derive(Debug)]
struct Step<K>(K);

impl<K: Kernel<N>, const N: usize> Backward<Flex, N> for Step<K> {
    type State = Vec<Array>;

    fn backward(self, ops: Ops<Vec<Array>, N>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<Flex>(&ops.node);
        let wanted = ops.parents.each_ref().map(Option::is_some);
        let (Ok(inputs), Some(gradient)) = (<[Array; N]>::try_from(ops.state), Array::of(&gradient)) else {
            unreachable!("as many inputs as there were, and a gradient of the value's type");
        };
        let found = self.0.backward(&inputs, gradient, wanted);
        for (parent, gradient) in ops.parents.into_iter().zip(found) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                gradients.register::<Flex>(parent.id, gradient.into_tensor());
            }
        }
    }
}

#[cfg(test)]
mod tests;
