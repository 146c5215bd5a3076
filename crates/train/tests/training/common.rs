//! A few seconds of music on disk, and trainings on it.

use melisma_data::{
    Cache, CropConfig, Entry, Manifest, Split,
    scan::{Limits, ReadOptions, judge, list, read_files},
};
use melisma_media::{AudioSink, Encoding, Output, SinkOptions};
use melisma_nets::{
    loss::{LossConfig, LossKind, LossTerm},
    stft::StftConfig,
    system::SystemConfig,
};
use melisma_synth::signals;
use melisma_train::{
    Finished, Result, TrainConfig, TrainEvent, TrainOptions,
    config::{OptimiserConfig, RunConfig, ScheduleConfig},
    train_on_cpu,
};
use std::{path::Path, sync::atomic::AtomicBool};

const RATE_HZ: u32 = 8000;
const CLIPS: usize = 8;
/// The last ones validate.
const VALIDATION_CLIPS: usize = 2;

/// A folder with music and its manifest.
pub struct Studio {
    pub folder: tempfile::TempDir,
    pub manifest: Manifest,
}

impl Studio {
    /// Eight mono clips of a second: two sweeps each.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("music");
        std::fs::create_dir_all(&root).unwrap();
        for clip in 0..CLIPS {
            let low_hz = 150.0 + 40.0 * clip as f64;
            let mut sound = signals::sweep(RATE_HZ, 1.0, low_hz, 2.0 * low_hz);
            let high = signals::sweep(RATE_HZ, 1.0, 5.0 * low_hz, 3.0 * low_hz);
            for (channel, other) in sound.channels.iter_mut().zip(&high.channels) {
                channel.iter_mut().zip(other).for_each(|(x, y)| *x = 0.5 * *x + 0.1 * y);
            }
            sound.channels.truncate(1);
            let options = SinkOptions::new(Encoding::WavFloat32, RATE_HZ, 1);
            let path = root.join(format!("{clip}.wav"));
            let mut sink = AudioSink::create(&Output::Path(path), &options).unwrap();
            sink.write(&sound).unwrap();
            sink.finish().unwrap();
        }
        let files = list(&root).unwrap().files;
        let mut entries: Vec<Entry> = read_files(&root, &files, &ReadOptions::default(), &|_, _| ());
        judge(&mut entries, &Limits { min_seconds: 0.1, ..Limits::default() });
        for (index, entry) in entries.iter_mut().enumerate() {
            assert!(entry.is_ok(), "{entry:?}");
            entry.split = Some(if index < CLIPS - VALIDATION_CLIPS { Split::Train } else { Split::Val });
        }
        Self { folder, manifest: Manifest { root, split: None, entries } }
    }

    /// A folder for a run.
    pub fn run_folder(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// Trains in `folder`.
    pub fn train(
        &self,
        config: &TrainConfig,
        folder: &Path,
        stop: &AtomicBool,
        observer: &mut (dyn FnMut(TrainEvent) + Send),
    ) -> Result<Finished> {
        let cache = Cache::new(self.folder.path().join("cache"), 1 << 30).with_ffmpeg(None);
        let options =
            TrainOptions { manifest: &self.manifest, cache: &cache, folder, stop, max_seconds: None };
        train_on_cpu(&config.clone().into(), &options, observer)
    }
}

/// A short training of a system on what it models.
pub fn config(name: &str, system: SystemConfig, steps: u64) -> TrainConfig {
    TrainConfig {
        name: name.to_owned(),
        description: "a test's".to_owned(),
        seed: 1,
        run: RunConfig {
            steps: Some(steps),
            statistics_batches: 4,
            validate_every: 5,
            validation_batches: 1,
            checkpoint_every: 4,
            fitted_clips: 2,
            ..RunConfig::default()
        },
        optimiser: OptimiserConfig { learning_rate: 3e-3, ..OptimiserConfig::default() },
        schedule: ScheduleConfig::default(),
        data: CropConfig {
            sample_rate_hz: RATE_HZ,
            channels: 1,
            crop_samples: 512,
            batch_size: 4,
            ..CropConfig::default()
        },
        system,
        loss: LossConfig {
            terms: vec![LossTerm { kind: LossKind::FramesMse, weight: 1.0 }],
            stft: StftConfig { fft_samples: 64, hop_samples: 16 },
            ..LossConfig::default()
        },
        expected: None,
    }
}

/// The losses of a log's steps.
pub fn losses(events: &[TrainEvent]) -> Vec<f32> {
    let loss = |event: &TrainEvent| match event {
        TrainEvent::Step { loss, .. } => Some(*loss),
        _ => None,
    };
    events.iter().filter_map(loss).collect()
}
