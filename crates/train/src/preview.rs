//! What a system makes of a few validation crops: sounds and spectrograms, original and reconstruction.

use crate::{Error, Result, autoencoder::tensor_of};
use melisma_data::CropSource;
use melisma_media::{AudioSink, Encoding, Output, SinkOptions};
use melisma_nets::{
    burn::tensor::{Tensor, backend::Backend},
    system::System,
};
use melisma_report::{heat_map_files, section::HeatMap, spectrogram::Spectrogram};
use melisma_signal::Pcm;
use std::path::{Path, PathBuf};

/// Number of crops shown.
const CROPS: usize = 2;
/// Lowest level drawn: a range that shows what is heard.
const FLOOR_DB: f32 = -90.0;

/// Writes them into `folder`; answers the spectrograms.
///
/// # Errors
/// Those of reading crops, writing sound, and drawing.
pub(crate) fn write<B: Backend>(
    system: &System<B>,
    source: &CropSource,
    folder: &Path,
    device: &B::Device,
) -> Result<Vec<PathBuf>> {
    std::fs::create_dir_all(folder).map_err(Error::file("cannot make the folder", folder))?;
    let sound = tensor_of::<B>(&source.batch(0)?, device);
    let [count, samples] = sound.dims();
    let sound = sound.slice([0..count.min(CROPS), 0..samples]);
    let [_, estimate] = system.forward(sound.clone(), None).frames;
    let heard = system.sound(estimate, samples);
    let mut pictures = Vec::new();
    for (what, tensor) in [("original", sound), ("reconstruction", heard)] {
        for (index, samples) in rows(tensor).into_iter().enumerate() {
            let pcm = Pcm { sample_rate_hz: source.config().sample_rate_hz, channels: vec![samples] };
            let name = format!("{}-{what}", index + 1);
            save(&pcm, &folder.join(format!("{name}.wav")))?;
            let picture = folder.join(format!("{name}.png"));
            let map = HeatMap::of_spectrogram(what, &Spectrogram::of(&pcm), FLOOR_DB);
            heat_map_files::write(&map, &picture, true)?;
            pictures.push(picture);
        }
    }
    Ok(pictures)
}

fn rows<B: Backend>(tensor: Tensor<B, 2>) -> Vec<Vec<f32>> {
    let samples = tensor.dims()[1];
    let values: Vec<f32> = tensor.into_data().iter::<f32>().collect();
    values.chunks_exact(samples).map(<[f32]>::to_vec).collect()
}

fn save(pcm: &Pcm, path: &Path) -> Result<()> {
    let options = SinkOptions {
        overwrite: true,
        ..SinkOptions::new(Encoding::WavInt16, pcm.sample_rate_hz, pcm.channel_count())
    };
    let mut sink = AudioSink::create(&Output::Path(path.to_owned()), &options)?;
    sink.write(pcm)?;
    Ok(sink.finish()?)
}
