//! Adam on every weight of a module, with a running average of the weights beside it.
//!
//! Kingma and Ba, "Adam" (2015), algorithm 1; Loshchilov and Hutter, "Decoupled weight decay regularization" (2019),
//! algorithm 2; running average of weights: Polyak and Juditsky (1992). The state is kept by the weights' names, so
//! that it travels in files like the weights do.

use crate::{
    Ranks,
    config::{Decay, OptimiserConfig},
};
use melisma_nets::{
    Error, Result,
    burn::{
        module::{Module, ModuleMapper, ModuleVisitor, Param},
        tensor::{
            Tensor, TensorData,
            backend::{AutodiffBackend, Backend},
        },
    },
    parameters::NamedTensor,
};
use std::collections::BTreeMap;

/// The optimiser of one module.
#[derive(Clone, Debug)]
pub struct Optimiser<B: AutodiffBackend> {
    config: OptimiserConfig,
    steps: u64,
    states: BTreeMap<String, State<B::InnerBackend>>,
}

/// What is remembered of one weight, all of its numbers in a row.
#[derive(Clone, Debug)]
struct State<I: Backend> {
    /// Steps of the optimiser before the weight's first: it may have been frozen.
    before: u64,
    mean: Tensor<I, 1>,
    square: Tensor<I, 1>,
    /// Running average of the weight; absent where none is kept.
    average: Option<Tensor<I, 1>>,
}

/// First part of the names of a state's tensors in files.
const MEAN: &str = "mean";
const SQUARE: &str = "square";
const AVERAGE: &str = "average";
/// Of a weight that did not learn from the first step on alone.
const BEFORE: &str = "before";
/// First part of the names of a system's quantiser weights.
const BOTTLENECK: &str = "bottleneck.";

impl<B: AutodiffBackend> Optimiser<B> {
    /// An optimiser before its first step.
    #[must_use]
    pub fn new(config: &OptimiserConfig) -> Self {
        Self { config: config.clone(), steps: 0, states: BTreeMap::new() }
    }

    /// Moves the weights along their gradients, the means of all `ranks`; answers the length of these together, before
    /// clipping. Where that is no finite number, nothing is changed.
    pub fn step<M: Module<B>>(
        &mut self,
        module: M,
        gradients: &B::Gradients,
        rate: f64,
        ranks: &Ranks,
    ) -> (M, f32) {
        let mut found =
            Gradients::<B> { gradients, path: Vec::new(), flat: BTreeMap::new(), squares: Vec::new() };
        module.visit(&mut found);
        if found.squares.is_empty() {
            return (module, 0.0);
        }
        if ranks.count() > 1 {
            found.average(ranks);
        }
        let norm: f32 = Tensor::cat(found.squares, 0).sum().into_data().iter::<f32>().sum::<f32>().sqrt();
        if !norm.is_finite() {
            return (module, norm);
        }
        self.steps += 1;
        let limit = self.config.clip_norm as f32;
        let scale = if limit > 0.0 && norm > limit { limit / norm } else { 1.0 };
        let mut mover = Mover { optimiser: self, gradients: found.flat, scale, rate, path: Vec::new() };
        let module = module.map(&mut mover);
        (module, norm)
    }

    /// The averaged weights, or `None` where no average is kept, or nothing was learned.
    ///
    /// # Shapes
    /// Flat; who knows the weights by name knows their shapes.
    #[must_use]
    pub fn averages(&self) -> Option<BTreeMap<String, Vec<f32>>> {
        let averages: Option<BTreeMap<_, _>> = self
            .states
            .iter()
            .map(|(name, state)| Some((name.clone(), numbers(state.average.as_ref()?))))
            .collect();
        averages.filter(|averages| !averages.is_empty())
    }

    /// Everything that is remembered, and the number of steps.
    #[must_use]
    pub fn save(&self) -> (Vec<NamedTensor>, u64) {
        let mut saved = Vec::new();
        for (name, state) in &self.states {
            let mut push = |what: &str, tensor: &Tensor<B::InnerBackend, 1>| {
                let values = numbers(tensor);
                saved.push(NamedTensor { name: format!("{what}/{name}"), shape: vec![values.len()], values });
            };
            push(MEAN, &state.mean);
            push(SQUARE, &state.square);
            if let Some(average) = &state.average {
                push(AVERAGE, average);
            }
            if state.before > 0 {
                let values = vec![state.before as f32];
                saved.push(NamedTensor { name: format!("{BEFORE}/{name}"), shape: vec![1], values });
            }
        }
        (saved, self.steps)
    }

    /// An optimiser that goes on from what [`Self::save`] gave.
    ///
    /// # Errors
    /// [`Error::MissingTensor`], [`Error::SurplusTensors`] where that is incomplete, or another config's.
    pub fn restore(
        config: &OptimiserConfig,
        saved: Vec<NamedTensor>,
        steps: u64,
        device: &B::Device,
    ) -> Result<Self> {
        let available = saved.len();
        let mut by_name: BTreeMap<String, NamedTensor> =
            saved.into_iter().map(|tensor| (tensor.name.clone(), tensor)).collect();
        let prefix = format!("{MEAN}/");
        let names: Vec<String> =
            by_name.keys().filter_map(|name| name.strip_prefix(&prefix)).map(str::to_owned).collect();
        let mut befores: BTreeMap<String, u64> = BTreeMap::new();
        for name in &names {
            let before = by_name.remove(&format!("{BEFORE}/{name}"));
            let before = before.and_then(|tensor| tensor.values.first().copied());
            befores.insert(name.clone(), before.map_or(0, |before| before as u64));
        }
        let mut take = |what: &str, name: &str| -> Result<Tensor<B::InnerBackend, 1>> {
            let name = format!("{what}/{name}");
            let tensor = by_name.remove(&name).ok_or(Error::MissingTensor { name, available })?;
            Ok(Tensor::from_data(TensorData::new(tensor.values, tensor.shape), device))
        };
        let mut states = BTreeMap::new();
        for name in names {
            let average = if config.average_decay > 0.0 { Some(take(AVERAGE, &name)?) } else { None };
            states.insert(
                name.clone(),
                State {
                    before: befores.get(&name).copied().unwrap_or_default(),
                    mean: take(MEAN, &name)?,
                    square: take(SQUARE, &name)?,
                    average,
                },
            );
        }
        match by_name.into_keys().next() {
            Some(first) => Err(Error::SurplusTensors { count: 1, first }),
            None => Ok(Self { config: config.clone(), steps, states }),
        }
    }

    fn moved(
        &mut self,
        name: &str,
        is_vector: bool,
        weight: Tensor<B::InnerBackend, 1>,
        mut gradient: Tensor<B::InnerBackend, 1>,
        rate: f64,
    ) -> Tensor<B::InnerBackend, 1> {
        let OptimiserConfig { betas, epsilon, weight_decay, decay, average_decay, .. } = self.config;
        if weight_decay > 0.0 && decay == Decay::Gradient {
            gradient = gradient + weight.clone() * weight_decay;
        }
        let (before, mean, square, average) = match self.states.remove(name) {
            Some(state) => (
                state.before,
                state.mean * betas[0] + gradient.clone() * (1.0 - betas[0]),
                state.square * betas[1] + gradient.square() * (1.0 - betas[1]),
                state.average,
            ),
            None => {
                let mean = gradient.clone() * (1.0 - betas[0]);
                (self.steps - 1, mean, gradient.square() * (1.0 - betas[1]), None)
            }
        };
        // Both means start at 0; divided by what they lack, they are unbiased. The divisors are folded into the rate and
        // the epsilon, so that no tensor is touched for them.
        let steps = self.steps.saturating_sub(before);
        let lacking = betas.map(|beta| 1.0 - beta.powi(steps.min(1 << 30) as i32));
        let root = lacking[1].sqrt();
        let direction = mean.clone() / (square.clone().sqrt() + epsilon * root);
        let mut moved = weight.clone() - direction * (rate * root / lacking[0]);
        if weight_decay > 0.0 && decay == Decay::Decoupled && !is_vector {
            moved = moved - weight * (rate * weight_decay);
        }
        let average = (average_decay > 0.0).then(|| match average {
            // Short at first, so that the random start is forgotten.
            Some(average) => {
                let keep = average_decay.min((1.0 + steps as f64) / (10.0 + steps as f64));
                average * keep + moved.clone() * (1.0 - keep)
            }
            None => moved.clone(),
        });
        self.states.insert(name.to_owned(), State { before, mean, square, average });
        moved
    }
}

fn numbers<I: Backend>(tensor: &Tensor<I, 1>) -> Vec<f32> {
    tensor.to_data().iter::<f32>().collect()
}

/// Collects gradients by the names of their weights.
struct Gradients<'a, B: AutodiffBackend> {
    gradients: &'a B::Gradients,
    path: Vec<String>,
    flat: BTreeMap<String, Tensor<B::InnerBackend, 1>>,
    squares: Vec<Tensor<B::InnerBackend, 1>>,
}

impl<B: AutodiffBackend> Gradients<'_, B> {
    /// Replaces them by their means over all processes, which have the same weights in the same order.
    fn average(&mut self, ranks: &Ranks) {
        // In one message, so that processes wait for each other once.
        let mine = self.flat.values().flat_map(numbers).collect();
        let mut means = ranks.mean(mine).into_iter();
        self.squares.clear();
        for gradient in self.flat.values_mut() {
            let values: Vec<f32> = means.by_ref().take(gradient.dims()[0]).collect();
            let shape = [values.len()];
            *gradient = Tensor::from_data(TensorData::new(values, shape), &gradient.device());
            self.squares.push(gradient.clone().square().sum());
        }
    }
}

impl<B: AutodiffBackend> ModuleVisitor<B> for Gradients<'_, B> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
        if let Some(gradient) = param.val().grad(self.gradients) {
            let count = gradient.shape().num_elements();
            let flat = gradient.reshape([count]);
            self.squares.push(flat.clone().square().sum());
            self.flat.insert(self.path.join("."), flat);
        }
    }
}

/// Gives every weight its new value.
struct Mover<'a, B: AutodiffBackend> {
    optimiser: &'a mut Optimiser<B>,
    gradients: BTreeMap<String, Tensor<B::InnerBackend, 1>>,
    scale: f32,
    rate: f64,
    path: Vec<String>,
}

impl<B: AutodiffBackend> ModuleMapper<B> for Mover<'_, B> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<B, D>>) -> Param<Tensor<B, D>> {
        let name = self.path.join(".");
        let (id, value, mapper) = param.consume();
        let Some(mut gradient) = self.gradients.remove(&name) else {
            return Param::from_mapped_value(id, value, mapper);
        };
        if self.scale != 1.0 {
            gradient = gradient * self.scale;
        }
        let shape = value.shape();
        let faster = if name.starts_with(BOTTLENECK) { self.optimiser.config.bottleneck_rate } else { 1.0 };
        let weight = value.inner().reshape([shape.num_elements()]);
        let moved = self.optimiser.moved(&name, D < 2, weight, gradient, self.rate * faster);
        let moved = Tensor::from_inner(moved.reshape(shape)).require_grad();
        Param::from_mapped_value(id, moved, mapper)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use melisma_nets::{
        device::{Autodiff, Cpu},
        layers::LinearConfig,
        noise::Noise,
        parameters,
    };

    type B = Autodiff<Cpu>;

    /// One weight `w` of a linear map, the loss `(w - 3)^2`; what PyTorch's recipe gives, written out on one number.
    fn by_hand(config: &OptimiserConfig, mut weight: f64, steps: i32) -> (f64, f64) {
        let (mut mean, mut square, mut average) = (0.0, 0.0, 0.0);
        for step in 1..=steps {
            let start = weight;
            let mut gradient = 2.0 * (weight - 3.0);
            if config.clip_norm > 0.0 {
                gradient *= (config.clip_norm / gradient.abs()).min(1.0);
            }
            if config.decay == Decay::Gradient {
                gradient += config.weight_decay * weight;
            }
            let [first, second] = config.betas;
            mean = first * mean + (1.0 - first) * gradient;
            square = second * square + (1.0 - second) * gradient * gradient;
            let unbiased = mean / (1.0 - first.powi(step));
            let scale = (square / (1.0 - second.powi(step))).sqrt() + config.epsilon;
            weight -= config.learning_rate * unbiased / scale;
            if config.decay == Decay::Decoupled {
                weight -= config.learning_rate * config.weight_decay * start;
            }
            let keep = config.average_decay.min((1.0 + f64::from(step)) / (10.0 + f64::from(step)));
            average = if step == 1 { weight } else { keep * average + (1.0 - keep) * weight };
        }
        (weight, average)
    }

    #[test]
    fn adam_on_one_number() {
        let device = Default::default();
        let plain = OptimiserConfig { learning_rate: 0.1, weight_decay: 0.0, ..OptimiserConfig::default() };
        let cases = [
            plain.clone(),
            OptimiserConfig { weight_decay: 0.1, ..plain.clone() },
            OptimiserConfig { weight_decay: 0.1, decay: Decay::Gradient, ..plain.clone() },
            OptimiserConfig { clip_norm: 0.5, average_decay: 0.9, epsilon: 0.1, ..plain },
        ];
        for config in cases {
            let mut module =
                LinearConfig { inputs: 1, outputs: 1 }.init::<B>(&mut Noise::at(1, &[]), &device);
            let start = parameters::read(&module).into_iter().find(|t| t.name == "weight").unwrap().values[0];
            let mut optimiser = Optimiser::new(&config);
            for step in 0..20 {
                if step == 10 {
                    // Through a file and back.
                    let (saved, steps) = optimiser.save();
                    optimiser = Optimiser::restore(&config, saved, steps, &device).unwrap();
                }
                // Without an input the bias alone would answer; its gradient is cut off.
                let one = Tensor::<B, 3>::ones([1, 1, 1], &device);
                let zero = Tensor::<B, 3>::zeros([1, 1, 1], &device);
                let weight = module.forward(one) - module.forward(zero);
                let gradients = (weight - 3.0).square().sum().backward();
                (module, _) = optimiser.step(module, &gradients, config.learning_rate, Ranks::alone());
            }
            let (expected, average) = by_hand(&config, f64::from(start), 20);
            let found = parameters::read(&module).into_iter().find(|t| t.name == "weight").unwrap().values[0];
            // 20 steps of numbers near 1, each rounded a dozen times.
            assert!(
                (f64::from(found) - expected).abs() < 20.0 * 12.0 * 1e-7 * 3.0,
                "{config:?}: {found} {expected}"
            );
            if config.average_decay > 0.0 {
                let kept = f64::from(optimiser.averages().unwrap()["weight"][0]);
                assert!((kept - average).abs() < 1e-4, "{kept} {average}");
            } else {
                assert!(optimiser.averages().is_none());
            }
        }
    }

    #[test]
    fn a_weight_that_was_frozen_begins_anew() {
        let device = Default::default();
        let config = OptimiserConfig { learning_rate: 0.1, weight_decay: 0.0, ..OptimiserConfig::default() };
        let one = LinearConfig { inputs: 1, outputs: 1 };
        let mut pair: Vec<_> = (0..2).map(|seed| one.init::<B>(&mut Noise::at(seed, &[]), &device)).collect();
        let weight = |pair: &Vec<_>| {
            f64::from(parameters::read(pair).into_iter().find(|t| t.name == "0.weight").unwrap().values[0])
        };
        let start = weight(&pair);
        let mut optimiser = Optimiser::new(&config);
        for step in 0..12 {
            if step == 7 {
                let (saved, steps) = optimiser.save();
                optimiser = Optimiser::restore(&config, saved, steps, &device).unwrap();
            }
            // Four steps of the second alone.
            let learning = &pair[usize::from(step < 4)];
            let of = |x: f32| learning.forward(Tensor::<B, 3>::full([1, 1, 1], x, &device));
            let gradients = (of(1.0) - of(0.0) - 3.0).square().sum().backward();
            (pair, _) = optimiser.step(pair, &gradients, config.learning_rate, Ranks::alone());
            assert!(step >= 4 || weight(&pair) == start, "step {step}");
        }
        let (expected, _) = by_hand(&config, start, 8);
        let found = weight(&pair);
        // As in `adam_on_one_number`, of eight steps.
        assert!((found - expected).abs() < 8.0 * 12.0 * 1e-7 * 3.0, "{found} {expected}");
    }

    #[test]
    fn what_is_not_finite_moves_nothing() {
        let device = Default::default();
        let module = LinearConfig { inputs: 1, outputs: 1 }.init::<B>(&mut Noise::at(1, &[]), &device);
        let before = parameters::read(&module);
        let bad = module.forward(Tensor::ones([1, 1, 1], &device)) * f32::NAN;
        let mut optimiser = Optimiser::new(&OptimiserConfig::default());
        let (module, norm) = optimiser.step(module, &bad.sum().backward(), 0.1, Ranks::alone());
        assert!(norm.is_nan());
        assert_eq!(parameters::read(&module), before);
    }
}
