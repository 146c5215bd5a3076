//! Batches of random crops, streamed from the cache: the same for the same (manifest, part, config, seed), from any
//! position on.
//!
//! Crop `n` of the endless stream is a function of the seed and `n` alone: `n` gives the epoch and the place in that
//! epoch's order, those give the clip, the start and the augmentation. So a training that stops at batch 1,234 goes on
//! at batch 1,234, bit for bit (on one kind of machine: sines and powers differ in the last bit between systems).

use std::ops::Range;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::DataError;
use crate::augment::{Augment, mix_in};
use crate::cache::{Cache, Clip, ClipFormat, Prepared, SampleFormat};
use crate::manifest::{Entry, Manifest, Split, hex};
use crate::varispeed::{input_samples, margin, resample};
use melisma_signal::Random;

/// How often a clip comes in an epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PerEpoch {
    /// Once, whatever its length: excerpts and clips.
    #[default]
    Clip,
    /// As often as crops fit into it, at least once: whole tracks.
    Length,
}

/// Size of batches, and what is done to their crops.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CropConfig {
    /// Samples per second and channel.
    pub sample_rate_hz: u32,
    /// Number of channels: 1 (the mean of both sides) or 2.
    pub channels: usize,
    /// Samples per channel of a crop. Where a clip is shorter, silence follows it.
    pub crop_samples: usize,
    /// Number of crops of a batch.
    pub batch_size: usize,
    /// How often a clip comes in an epoch.
    pub per_epoch: PerEpoch,
    /// How the cache keeps samples.
    pub cached_as: SampleFormat,
    /// Variations of each crop.
    pub augment: Augment,
}

impl Default for CropConfig {
    /// 1.5 s of stereo at 44.1 kHz, 16 to a batch, no variations.
    fn default() -> Self {
        Self {
            sample_rate_hz: 44_100,
            channels: 2,
            crop_samples: 65_536,
            batch_size: 16,
            per_epoch: PerEpoch::default(),
            cached_as: SampleFormat::default(),
            augment: Augment::default(),
        }
    }
}

/// Most samples of a batch: 4 GiB of floats.
const MAX_BATCH_SAMPLES: usize = 1 << 30;

impl CropConfig {
    /// Refuses what makes no sense.
    ///
    /// # Errors
    /// [`DataError::Invalid`].
    pub fn check(&self) -> Result<(), DataError> {
        let total = self.batch_size.checked_mul(self.crop_samples).and_then(|n| n.checked_mul(self.channels));
        if total.is_none_or(|total| total == 0 || total > MAX_BATCH_SAMPLES) || self.channels > 2 {
            return Err(DataError::Invalid(format!(
                "batches of {} crops of {} channel(s) of {} samples: 1 or 2 channels, and 1 to {MAX_BATCH_SAMPLES} \
                 samples in all",
                self.batch_size, self.channels, self.crop_samples
            )));
        }
        if !(1..=melisma_media::resample::MAX_RATE_HZ).contains(&self.sample_rate_hz) {
            return Err(DataError::Invalid(format!("a rate of {} Hz", self.sample_rate_hz)));
        }
        self.augment.check()
    }
}

impl CropConfig {
    /// How the cache keeps the clips that crops are cut from.
    #[must_use]
    pub fn clip_format(&self) -> ClipFormat {
        ClipFormat { sample_rate_hz: self.sample_rate_hz, channels: self.channels, samples: self.cached_as }
    }
}

/// Where one crop of a batch came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CropOrigin {
    /// Index into [`CropSource::entries`].
    pub clip: usize,
    /// First sample in the clip, at the batch's rate.
    pub start_sample: u64,
    /// Index of the clip that was mixed in.
    pub mixed_with: Option<usize>,
}

/// What a network is fed with.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// `[crop, channel, sample]`, the last axis contiguous.
    pub samples: Vec<f32>,
    /// Number of crops, channels, and samples per channel.
    pub shape: [usize; 3],
    /// Where each crop comes from.
    pub origins: Vec<CropOrigin>,
    /// Number of the batch in the stream, from 0.
    pub number: u64,
    /// Epoch of the batch's first crop, from 0.
    pub epoch: u64,
}

/// Where a stream stands; saved beside weights and optimiser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// [`CropSource::identity`] of the data that it belongs to.
    pub data: String,
    /// Number of the next batch.
    pub next_batch: u64,
}

/// One part of a dataset as an endless, repeatable sequence of batches.
#[derive(Debug)]
pub struct CropSource {
    config: CropConfig,
    seed: u64,
    cache: Cache,
    entries: Vec<Entry>,
    sources: Vec<PathBuf>,
    clips: Vec<Clip>,
    /// Clips of an epoch before they are shuffled.
    epoch_clips: Vec<usize>,
    identity: String,
    /// Places in each batch of the crops that are streamed.
    streamed: Range<usize>,
    /// The orders of the last two epochs that were asked for: a batch may lie across their border.
    orders: Mutex<Vec<(u64, Arc<Vec<usize>>)>>,
}

impl CropSource {
    /// Prepares the cache and opens a part of a manifest. `done` is called after each clip, from any thread.
    ///
    /// # Errors
    /// [`DataError::Nothing`] for a part without files; [`DataError::Invalid`] for the config; those of
    /// [`Cache::prepare`].
    pub fn open(
        manifest: &Manifest,
        split: Split,
        config: &CropConfig,
        cache: &Cache,
        seed: u64,
        done: &(dyn Fn(&Entry) + Sync),
    ) -> Result<(Self, Prepared), DataError> {
        config.check()?;
        let chosen: Vec<&Entry> = manifest.part(split).collect();
        if chosen.is_empty() {
            return Err(DataError::Nothing(format!("the manifest has no usable file for {}", split.name())));
        }
        let prepared = cache.prepare(manifest, &chosen, config.clip_format(), done)?;
        let epoch_clips = prepared
            .clips
            .iter()
            .enumerate()
            .flat_map(|(index, clip)| {
                let times = match config.per_epoch {
                    PerEpoch::Clip => 1,
                    PerEpoch::Length => (clip.samples() / config.crop_samples as u64).max(1) as usize,
                };
                std::iter::repeat_n(index, times)
            })
            .collect();
        let source = Self {
            identity: identity(manifest, split, config, seed)?,
            streamed: 0..config.batch_size,
            config: config.clone(),
            seed,
            cache: cache.clone(),
            sources: chosen.iter().map(|entry| manifest.locate(entry)).collect(),
            entries: chosen.into_iter().cloned().collect(),
            clips: prepared.clips.clone(),
            epoch_clips,
            orders: Mutex::new(Vec::new()),
        };
        Ok((source, prepared))
    }

    /// The same source, of which [`Self::stream`] gives a part of each batch only: for one of several processes that
    /// share batches.
    ///
    /// # Errors
    /// [`DataError::Invalid`] for no crop, or crops beyond the batch.
    pub fn streaming(self, part: Range<usize>) -> Result<Self, DataError> {
        if part.is_empty() || part.end > self.config.batch_size {
            let all = self.config.batch_size;
            return Err(DataError::Invalid(format!("crops {part:?} of a batch of {all}")));
        }
        Ok(Self { streamed: part, ..self })
    }

    /// The files, in the manifest's order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The config that it was opened with.
    #[must_use]
    pub fn config(&self) -> &CropConfig {
        &self.config
    }

    /// Names manifest, part, config and seed: equal for equal streams.
    #[must_use]
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// Number of crops of an epoch.
    #[must_use]
    pub fn crops_per_epoch(&self) -> u64 {
        self.epoch_clips.len() as u64
    }

    /// Number of batches of an epoch; the last may hold crops of the next.
    #[must_use]
    pub fn batches_per_epoch(&self) -> u64 {
        self.crops_per_epoch().div_ceil(self.config.batch_size as u64)
    }

    /// The very beginning of the stream.
    #[must_use]
    pub fn start(&self) -> Position {
        Position { data: self.identity.clone(), next_batch: 0 }
    }

    /// A whole clip, `[channel][sample]`: for validation and listening.
    ///
    /// # Errors
    /// [`DataError::File`], and [`DataError::Invalid`] for an index beyond the last.
    pub fn whole(&self, clip: usize) -> Result<Vec<Vec<f32>>, DataError> {
        let found =
            self.clips.get(clip).ok_or_else(|| DataError::Invalid(format!("there is no clip {clip}")))?;
        self.read(clip, 0, usize::try_from(found.samples()).unwrap_or(usize::MAX))
    }

    /// Any batch of the stream. The same number gives the same samples, whenever and wherever it is asked for.
    ///
    /// # Errors
    /// [`DataError::File`] if the cache cannot be read, nor made again.
    pub fn batch(&self, number: u64) -> Result<Batch, DataError> {
        self.part(number, 0..self.config.batch_size)
    }

    fn part(&self, number: u64, part: Range<usize>) -> Result<Batch, DataError> {
        let config = &self.config;
        let mut samples = Vec::with_capacity(part.len() * config.channels * config.crop_samples);
        let mut origins = Vec::with_capacity(part.len());
        let first = number.saturating_mul(config.batch_size as u64);
        for item in first.saturating_add(part.start as u64)..first.saturating_add(part.end as u64) {
            let (planes, origin) = self.crop(item / self.crops_per_epoch(), item % self.crops_per_epoch())?;
            planes.iter().for_each(|plane| samples.extend_from_slice(plane));
            origins.push(origin);
        }
        let shape = [part.len(), config.channels, config.crop_samples];
        Ok(Batch { samples, shape, origins, number, epoch: first / self.crops_per_epoch() })
    }

    /// Crop `index` of `epoch`, `[channel][sample]`.
    fn crop(&self, epoch: u64, index: u64) -> Result<(Vec<Vec<f32>>, CropOrigin), DataError> {
        let clip = self.order(epoch)[index as usize];
        let plan = self.config.augment.draw(self.seed, epoch, index);
        let length = self.config.crop_samples;
        let mut place = Random::at(self.seed, &[epoch, index]);
        let mut mixed_with = None;
        let (start_sample, mut planes) = if plan.speed == 1.0 {
            let start = self.start_in(clip, length, &mut place);
            (start, self.read(clip, start as i64, length)?)
        } else {
            let covered = (length as f64 * plan.speed).ceil() as usize;
            let start = self.start_in(clip, covered, &mut place);
            let from = start as i64 - margin(plan.speed) as i64;
            let input = self.read(clip, from, input_samples(plan.speed, length))?;
            (start, resample(&input, plan.speed, length))
        };
        if let Some((level, mut chance)) = plan.mix.clone() {
            let other = chance.below(self.clips.len() as u64) as usize;
            let start = self.start_in(other, length, &mut chance);
            mix_in(&mut planes, &self.read(other, start as i64, length)?, level);
            mixed_with = Some(other);
        }
        plan.finish(&mut planes, self.config.sample_rate_hz);
        Ok((planes, CropOrigin { clip, start_sample, mixed_with }))
    }

    /// A start such that `samples` fit, if they do at all.
    fn start_in(&self, clip: usize, samples: usize, chance: &mut Random) -> u64 {
        let room = self.clips[clip].samples().saturating_sub(samples as u64);
        chance.below(room.saturating_add(1))
    }

    /// Reads from the cache; a clip that is gone or cut off is made again once.
    fn read(&self, clip: usize, start: i64, samples: usize) -> Result<Vec<Vec<f32>>, DataError> {
        let found = &self.clips[clip];
        if let Ok(planes) = found.read(start, samples) {
            return Ok(planes);
        }
        let source = &self.sources[clip];
        self.cache.restore(source, found)?;
        found.read(start, samples).map_err(DataError::file("cannot read the decoded copy of", source))
    }

    fn order(&self, epoch: u64) -> Arc<Vec<usize>> {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, order)) = orders.iter().find(|(of, _)| *of == epoch) {
            return Arc::clone(order);
        }
        let mut order = self.epoch_clips.clone();
        Random::at(self.seed, &[epoch]).shuffle(&mut order);
        let order = Arc::new(order);
        if orders.len() >= 2 {
            orders.remove(0);
        }
        orders.push((epoch, Arc::clone(&order)));
        order
    }

    /// Streams from a position on; a thread of its own keeps up to `ahead` batches ready.
    ///
    /// # Errors
    /// [`DataError::Invalid`] for a position of other data.
    pub fn stream(self: &Arc<Self>, position: &Position, ahead: usize) -> Result<CropStream, DataError> {
        if position.data != self.identity {
            return Err(DataError::Invalid(format!(
                "this position belongs to other data ({} instead of {}): manifest, part, config and seed must be the \
                 same to go on",
                position.data, self.identity
            )));
        }
        let (sender, receiver) = sync_channel(ahead.max(1));
        let source = Arc::clone(self);
        let first = position.next_batch;
        let worker = std::thread::Builder::new()
            .name("crops".to_owned())
            .spawn(move || {
                for number in first.. {
                    let batch = source.part(number, source.streamed.clone());
                    let failed = batch.is_err();
                    // The reader has had enough, or must be told.
                    if sender.send(batch).is_err() || failed {
                        return;
                    }
                }
            })
            .map_err(|error| DataError::Invalid(format!("cannot start a thread: {error}")))?;
        Ok(CropStream { position: position.clone(), receiver: Some(receiver), worker: Some(worker) })
    }
}

fn identity(manifest: &Manifest, split: Split, config: &CropConfig, seed: u64) -> Result<String, DataError> {
    let config = serde_json::to_string(config).map_err(|error| DataError::Invalid(error.to_string()))?;
    let text = format!("{} {} {config} {seed}", manifest.hash()?, split.name());
    Ok(hex(&Sha256::digest(text))[..32].to_owned())
}

/// Batches in order, read ahead on a thread.
#[derive(Debug)]
pub struct CropStream {
    position: Position,
    receiver: Option<Receiver<Result<Batch, DataError>>>,
    worker: Option<JoinHandle<()>>,
}

impl CropStream {
    /// Where to go on after the batches that were taken; those read ahead do not count.
    #[must_use]
    pub fn position(&self) -> &Position {
        &self.position
    }

    /// The next batch; waits for it.
    ///
    /// # Errors
    /// As [`CropSource::batch`]; after an error the stream has ended.
    pub fn next_batch(&mut self) -> Result<Batch, DataError> {
        let ended = || DataError::Invalid("the stream of crops has ended with an error before".to_owned());
        let batch = self.receiver.as_ref().and_then(|receiver| receiver.recv().ok()).ok_or_else(ended)??;
        self.position.next_batch = batch.number + 1;
        Ok(batch)
    }
}

impl Drop for CropStream {
    fn drop(&mut self) {
        // Without a receiver the thread ends at its next batch.
        self.receiver = None;
        if let Some(worker) = self.worker.take() {
            let _ = worker.join();
        }
    }
}
