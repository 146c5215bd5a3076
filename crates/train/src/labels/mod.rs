//! The task of a classifier: which of several labels does a clip have?
//!
//! ```text
//! manifest with genres -data-> crops, labels -Classifier-> probabilities -> loss
//!   in the end: segments of the test part -> told.csv
//! ```
//!
//! | question | file |
//! |---|---|
//! | what decides the outcome? | `config` |
//! | how is it learned? | here |
//! | whose encoder does it hear with, if any? | `encoder` |
//! | what does it say of tracks that it does not know? | `told` |
//!
//! The training part is learned from, the validation part watches, the test part is told in the end. Who wants another
//! division, such as folds, gives another manifest.

mod config;
mod encoder;
mod told;

pub use config::{LabelsConfig, LabelsRunConfig};
pub use told::SEGMENTS;

use crate::{
    Error, Named, Notes, Result, Task, TrainOptions, Validated,
    autoencoder::tensor_of,
    crops::{Crops, tell_preparing},
    training_loop::Observer,
};
use encoder::Encoder;
use melisma_data::{Batch, CropSource, Entry, Manifest, Split, cache::Clip};
use melisma_media::AtomicFile;
use melisma_nets::{
    burn::tensor::{
        Tensor, TensorData,
        activation::{log_softmax, softmax},
        backend::AutodiffBackend,
    },
    classifiers::{Classifier, Purpose, Training},
    loss::Summand,
    noise::Noise,
    parameters,
    safetensors::TensorFile,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    io::Write,
    path::{Path, PathBuf},
};
use told::{Told, most};

/// Places of random numbers: first weights, and those of a step.
const WEIGHTS_NOISE: u64 = 0;
const STEP_NOISE: u64 = 1;

/// Least probability whose logarithm is taken.
const LEAST_PROBABILITY: f32 = 1e-6;

/// Files of a result: weights, and what is said of the tracks of the test part.
const WEIGHTS: &str = "weights.safetensors";
const TOLD: &str = "told.csv";

/// A classifier, the clips that it learns from, and those that it is judged by.
pub(crate) struct Labelling<'a, B: AutodiffBackend> {
    config: &'a LabelsConfig,
    device: &'a B::Device,
    labels: Vec<String>,
    /// What the network hears with, where that was learned before.
    encoder: Option<Encoder>,
    crops: Crops,
    /// Of each clip that is learned from.
    label_of: Vec<usize>,
    validation: Vec<LabelledClip>,
    test: Vec<LabelledClip>,
}

struct LabelledClip {
    entry: Entry,
    clip: Clip,
    label: usize,
}

impl<'a, B: AutodiffBackend> Labelling<'a, B> {
    /// Decodes the clips that have a label.
    pub(crate) fn open(
        config: &'a LabelsConfig,
        options: &TrainOptions<'_>,
        device: &'a B::Device,
        observer: Observer<'_>,
    ) -> Result<Self> {
        // Before any clip is decoded.
        let encoder =
            config.classifier.encoder().map(|choice| Encoder::read(choice, &config.data)).transpose()?;
        let mut manifest = options.manifest.clone();
        manifest.entries.retain(|entry| entry.is_ok() && entry.split.is_some() && entry.genre.is_some());
        let genre = |entry: &Entry| entry.genre.clone().unwrap_or_default();
        let learned: BTreeSet<String> = manifest.part(Split::Train).map(genre).collect();
        if learned.len() < 2 {
            return Err(Error::Config(format!(
                "the training part of the manifest has {} different genre(s), a classifier needs two: make it with \
                 `melisma data fma`, of a table, or of files whose tags name a genre",
                learned.len()
            )));
        }
        let labels: Vec<String> = learned.into_iter().collect();
        let place: HashMap<&str, usize> =
            labels.iter().enumerate().map(|(place, label)| (label.as_str(), place)).collect();
        // A label that nothing is learned of cannot be told either.
        manifest.entries.retain(|entry| place.contains_key(genre(entry).as_str()));
        let total = manifest.entries.len();
        let tell = tell_preparing(observer, total);
        let (source, _) =
            CropSource::open(&manifest, Split::Train, &config.data, options.cache, config.seed, &tell)?;
        let clips = |split| clips(&manifest, split, config, options, &place, &tell);
        Ok(Self {
            config,
            device,
            label_of: source.entries().iter().map(|entry| place[genre(entry).as_str()]).collect(),
            crops: Crops::new(source),
            validation: clips(Split::Val)?,
            test: clips(Split::Test)?,
            labels,
            encoder,
        })
    }

    /// Number of crops of an epoch.
    pub(crate) fn crops_per_epoch(&self) -> u64 {
        self.crops.source.crops_per_epoch()
    }

    /// What the network says of clips.
    fn told<'c>(
        &self,
        network: &Classifier<B::InnerBackend>,
        clips: &'c [LabelledClip],
    ) -> Result<Vec<Told<'c>>> {
        clips.iter().map(|clip| self.of_clip(network, clip)).collect()
    }

    fn of_clip<'c>(&self, network: &Classifier<B::InnerBackend>, clip: &'c LabelledClip) -> Result<Told<'c>> {
        let samples = self.config.data.crop_samples;
        let room = clip.clip.samples().saturating_sub(samples as u64);
        let mut sound = Vec::with_capacity(SEGMENTS * samples);
        for segment in 0..SEGMENTS as u64 {
            let start = (room * segment / (SEGMENTS as u64 - 1)) as i64;
            let planes = clip
                .clip
                .read(start, samples)
                .map_err(Error::file("cannot read", Path::new(&clip.entry.path)))?;
            sound.extend_from_slice(&planes[0]);
        }
        let sound = Tensor::from_data(TensorData::new(sound, [SEGMENTS, samples]), self.device);
        let values: Vec<f32> = softmax(network.forward(sound, None), 1).into_data().iter::<f32>().collect();
        let segments = values.chunks_exact(self.labels.len()).map(<[f32]>::to_vec).collect();
        Ok(Told { entry: &clip.entry, label: clip.label, segments })
    }
}

/// The clips of a part, decoded.
fn clips(
    manifest: &Manifest,
    split: Split,
    config: &LabelsConfig,
    options: &TrainOptions<'_>,
    place: &HashMap<&str, usize>,
    tell: &(dyn Fn(&Entry) + Sync),
) -> Result<Vec<LabelledClip>> {
    let entries: Vec<&Entry> = manifest.part(split).collect();
    let prepared = options.cache.prepare(manifest, &entries, config.data.clip_format(), tell)?;
    let labelled = |(entry, clip): (&Entry, Clip)| LabelledClip {
        label: place[entry.genre.as_deref().unwrap_or_default()],
        entry: entry.clone(),
        clip,
    };
    Ok(entries.into_iter().zip(prepared.clips).map(labelled).collect())
}

impl<B: AutodiffBackend> Task<B> for Labelling<'_, B> {
    type Network = Classifier<B>;
    type Batch = Batch;

    fn examples(&self) -> [usize; 2] {
        [self.label_of.len(), self.validation.len()]
    }

    fn network(&mut self, notes: Option<&Notes>) -> Result<Classifier<B>> {
        if let Some(notes) = notes {
            if let Some(encoder) = &self.encoder {
                encoder.resume(notes)?;
            }
            self.crops.resume(notes)?;
        }
        let LabelsConfig { seed, data, classifier, .. } = self.config;
        let encoder = self.encoder.as_ref().map(|encoder| encoder.system(*seed, self.device)).transpose()?;
        let purpose = Purpose {
            labels: self.labels.len(),
            sample_rate_hz: data.sample_rate_hz,
            samples: data.crop_samples,
        };
        let mut noise = Noise::at(*seed, &[WEIGHTS_NOISE]);
        Ok(classifier.init(purpose, encoder, &mut noise, self.device)?)
    }

    fn notes(&self, steps: u64) -> Result<Notes> {
        let encoder = self.encoder.as_ref().map(Encoder::note);
        Ok([self.crops.note(steps)?].into_iter().chain(encoder).collect())
    }

    fn batch(&mut self, step: u64) -> Result<Batch> {
        self.crops.batch(step)
    }

    fn epoch(&self, batch: &Batch) -> u64 {
        batch.epoch
    }

    fn describe(&self, batch: &Batch) -> String {
        self.crops.describe(batch)
    }

    fn loss(&self, network: &Classifier<B>, batch: &Batch, step: u64) -> Result<Vec<Summand<B>>> {
        let (labels, smoothing) = (self.labels.len(), self.config.run.smoothing);
        let mut wanted = vec![smoothing / labels as f32; batch.origins.len() * labels];
        for (origin, wanted) in batch.origins.iter().zip(wanted.chunks_exact_mut(labels)) {
            wanted[self.label_of[origin.clip]] += 1.0 - smoothing;
        }
        let wanted = Tensor::from_data(TensorData::new(wanted, [batch.origins.len(), labels]), self.device);
        let mut noise = Noise::at(self.config.seed, &[STEP_NOISE, step]);
        let training = Training { noise: &mut noise, epoch: batch.epoch };
        let told = log_softmax(network.forward(tensor_of(batch, self.device), Some(training)), 1);
        let value = -(told * wanted).sum_dim(1).mean();
        Ok(vec![Summand { name: "cross-entropy", weight: 1.0, value }])
    }

    /// Over all validation clips: the mean of their segments.
    fn validate(&self, network: &Classifier<B::InnerBackend>, step: u64) -> Result<Option<Validated>> {
        if self.validation.is_empty() {
            return Ok(None);
        }
        let told = self.told(network, &self.validation)?;
        let count = told.len() as f64;
        let loss = |track: &Told<'_>| -f64::from(track.mean()[track.label].max(LEAST_PROBABILITY).ln());
        let loss = (told.iter().map(loss).sum::<f64>() / count) as f32;
        let right = told.iter().filter(|track| most(&track.mean()) == track.label).count();
        let terms = vec![Named { name: "cross-entropy".to_owned(), value: loss }];
        let measures = BTreeMap::from([("accuracy".to_owned(), right as f64 / count)]);
        Ok(Some(Validated { step, loss, terms, measures }))
    }

    /// What is said of the validation part.
    fn preview(&self, network: &Classifier<B::InnerBackend>, folder: &Path) -> Result<Vec<PathBuf>> {
        let path = folder.join(TOLD);
        let failed = |action| Error::file(action, &path);
        std::fs::create_dir_all(folder).map_err(failed("cannot make the folder of"))?;
        let table = told::table(&self.labels, &self.told(network, &self.validation)?);
        let mut file = AtomicFile::create(&path, true)?;
        table.and_then(|table| file.write_all(&table)).map_err(failed("cannot write"))?;
        file.commit()?;
        Ok(Vec::new())
    }

    fn finish(&mut self, network: &Classifier<B::InnerBackend>, model: &Path) -> Result<()> {
        self.crops.end();
        let labels = serde_json::to_string(&self.labels).unwrap_or_default();
        let strings =
            HashMap::from([("name".to_owned(), self.config.name.clone()), ("labels".to_owned(), labels)]);
        let weights = TensorFile { tensors: parameters::read(network), strings }.to_bytes()?;
        let table = told::table(&self.labels, &self.told(network, &self.test)?)
            .map_err(Error::file("cannot write", &model.join(TOLD)))?;
        Ok(melisma_neural::write_folder(model, &[(WEIGHTS, weights), (TOLD, table)])?)
    }
}
