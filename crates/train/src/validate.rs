//! What a system does on clips that it does not learn from.

use crate::{Named, Result, Validated, run::tensor_of};
use melisma_data::CropSource;
use melisma_nets::{burn::tensor::backend::Backend, loss::Loss, system::System};

/// Measures over the first `batches` of `source`, with latents rounded.
///
/// # Errors
/// Those of [`CropSource::batch`].
pub(crate) fn validate<B: Backend>(
    system: &System<B>,
    loss: &Loss<B>,
    source: &CropSource,
    batches: u64,
    step: u64,
    device: &B::Device,
) -> Result<Validated> {
    let mut terms: Vec<Named> = Vec::new();
    let (mut total, mut signal, mut error) = (0.0, 0.0, 0.0);
    for number in 0..batches {
        let sound = tensor_of::<B>(&source.batch(number)?, device);
        let output = system.forward(sound.clone(), None);
        let found = loss.terms(&output.frames, || system.compared(&output.frames, &sound));
        let distances = found.into_iter().map(|(term, value)| (term.kind.name(), term.weight, value));
        let penalties =
            output.penalties.into_iter().map(|penalty| (penalty.name, penalty.weight, penalty.value));
        for (index, (name, weight, value)) in distances.chain(penalties).enumerate() {
            let value = value.into_data().iter::<f32>().sum::<f32>() / batches as f32;
            total += weight * value;
            match terms.get_mut(index) {
                Some(term) => term.value += value,
                None => terms.push(Named { name: name.to_owned(), value }),
            }
        }
        let [_, estimate] = output.frames;
        let samples = sound.dims()[1];
        let heard = system.sound(estimate, samples);
        let sum = |x: melisma_nets::burn::tensor::Tensor<B, 2>| {
            f64::from(x.square().sum().into_data().iter::<f32>().sum::<f32>())
        };
        signal += sum(sound.clone());
        error += sum(heard - sound);
    }
    // Silence reproduced is no infinite success.
    let snr_db = if signal > 0.0 && error > 0.0 { 10.0 * (signal / error).log10() } else { 0.0 };
    Ok(Validated { step, loss: total, terms, snr_db })
}
