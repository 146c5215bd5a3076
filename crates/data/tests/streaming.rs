//! From a folder to batches: the cache and its refusals, and streams that repeat, resume and survive damage.

use melisma_data::augment::{Eq, Gain, Mix, Pitch, Swap};
use melisma_data::cache::{Cache, ClipFormat, SampleFormat};
use melisma_data::crops::{CropConfig, CropSource, PerEpoch, Position};
use melisma_data::scan::{Limits, ReadOptions, judge, list, read_files};
use melisma_data::{Augment, DataError, Entry, Manifest, Split};
use melisma_media::{AudioSink, Encoding, Output, SinkOptions};
use melisma_signal::Pcm;
use melisma_synth::signals;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A folder with music, its manifest, and a cache.
struct Desk {
    folder: tempfile::TempDir,
}

const RATE_HZ: u32 = 16_000;
const CLIPS: usize = 7;

impl Desk {
    /// Seven stereo clips of 2.0 to 2.6 s, all for training.
    fn new() -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        for clip in 0..CLIPS {
            desk.write(clip, 1.0);
        }
        desk
    }

    fn music(&self, clip: usize) -> PathBuf {
        self.folder.path().join(format!("music/{clip}.wav"))
    }

    fn write(&self, clip: usize, level: f32) {
        let path = self.music(clip);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let seconds = 2.0 + 0.1 * clip as f64;
        let pitch_hz = 200.0 + 50.0 * clip as f64;
        let mut pcm = signals::stereo(
            signals::sweep(RATE_HZ, seconds, pitch_hz, 2.0 * pitch_hz),
            signals::sweep(RATE_HZ, seconds, 3.0 * pitch_hz, 2.0 * pitch_hz),
        );
        pcm.channels.iter_mut().flatten().for_each(|x| *x *= level);
        let mut options = SinkOptions::new(Encoding::WavFloat32, RATE_HZ, 2);
        options.overwrite = true;
        let mut sink = AudioSink::create(&Output::Path(path), &options).unwrap();
        sink.write(&pcm).unwrap();
        sink.finish().unwrap();
    }

    fn manifest(&self) -> Manifest {
        let root = self.folder.path().join("music");
        let files = list(&root).unwrap().files;
        let mut entries = read_files(&root, &files, &ReadOptions::default(), &|_, _| ());
        judge(&mut entries, &Limits::default());
        entries.iter_mut().for_each(|entry| entry.split = Some(Split::Train));
        Manifest { root, split: None, entries }
    }

    fn cache_folder(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    fn cache(&self) -> Cache {
        Cache::new(self.cache_folder(), 1 << 30).with_ffmpeg(None)
    }

    fn cached(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(self.cache_folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }

    fn source(&self, config: &CropConfig, seed: u64) -> Arc<CropSource> {
        let opened = CropSource::open(&self.manifest(), Split::Train, config, &self.cache(), seed, &|_| ());
        Arc::new(opened.unwrap().0)
    }
}

const FORMAT: ClipFormat = ClipFormat { sample_rate_hz: 8_000, channels: 1, samples: SampleFormat::I16 };

fn prepare(
    cache: &Cache,
    manifest: &Manifest,
    format: ClipFormat,
) -> Result<melisma_data::cache::Prepared, DataError> {
    let entries: Vec<&Entry> = manifest.part(Split::Train).collect();
    cache.prepare(manifest, &entries, format, &|_| ())
}

fn config() -> CropConfig {
    CropConfig {
        sample_rate_hz: 8_000,
        channels: 2,
        crop_samples: 4_000,
        batch_size: 3,
        ..CropConfig::default()
    }
}

fn all_kinds() -> Augment {
    Augment {
        gain: Gain { probability: 0.5, ..Gain::default() },
        mix: Mix { probability: 0.5, ..Mix::default() },
        eq: Eq { probability: 0.5, ..Eq::default() },
        pitch: Pitch { probability: 0.5, ..Pitch::default() },
        swap: Swap { probability: 0.5 },
    }
}

#[test]
fn clips_are_what_decoding_gives() {
    let desk = Desk::new();
    let manifest = desk.manifest();
    for (format, tolerance) in [
        (ClipFormat { sample_rate_hz: RATE_HZ, channels: 2, samples: SampleFormat::F32 }, 0.0),
        // Rounding to 16 bits: half a step.
        (
            ClipFormat { sample_rate_hz: RATE_HZ, channels: 2, samples: SampleFormat::I16 },
            0.500_01 / 32_768.0,
        ),
    ] {
        let prepared = prepare(&desk.cache(), &manifest, format).unwrap();
        assert_eq!(prepared.decoded, CLIPS);
        for (clip, entry) in prepared.clips.iter().zip(&manifest.entries) {
            let whole = load(&manifest.locate(entry));
            assert_eq!(clip.samples(), whole.samples() as u64);
            // Beyond either end there is silence.
            let read = clip.read(-10, whole.samples() + 25).unwrap();
            for (found, expected) in read.iter().zip(&whole.channels) {
                assert!(found[..10].iter().chain(&found[expected.len() + 10..]).all(|x| *x == 0.0));
                for (x, y) in found[10..].iter().zip(expected) {
                    assert!((x - y.clamp(-1.0, 1.0)).abs() <= tolerance, "{x} {y}");
                }
            }
        }
    }
    // Mono is the mean, and the length follows the rate.
    let prepared = prepare(&desk.cache(), &manifest, FORMAT).unwrap();
    assert_eq!(prepared.clips[0].samples(), 16_000);
    assert_eq!(prepared.clips[0].read(0, 5).unwrap().len(), 1);
}

fn load(path: &Path) -> Pcm {
    let options = melisma_media::OpenOptions::default().with_any_rate(true);
    let input = melisma_media::Input::Path(path.to_path_buf());
    melisma_media::AudioSource::open(&input, &options).unwrap().read_to_end().unwrap()
}

#[test]
fn a_cache_is_used_again_and_made_again_when_it_must() {
    let desk = Desk::new();
    let (cache, manifest) = (desk.cache(), desk.manifest());
    let decoded = || prepare(&cache, &manifest, FORMAT).unwrap().decoded;
    assert_eq!((decoded(), decoded()), (CLIPS, 0));
    let whole = std::fs::read(&desk.cached()[0]).unwrap();
    let damage = |bytes: &[u8]| {
        std::fs::write(&desk.cached()[0], bytes).unwrap();
        let again = decoded();
        assert_eq!(std::fs::read(&desk.cached()[0]).unwrap().len(), whole.len());
        again
    };
    // Cut off, emptied, a bit turned in the header, another version, gone.
    assert_eq!(damage(&whole[..whole.len() - 1]), 1);
    assert_eq!(damage(&[]), 1);
    let mut turned = whole.clone();
    turned[25] ^= 1;
    assert_eq!(damage(&turned), 1);
    assert_eq!(damage(b"something else entirely"), 1);
    std::fs::remove_file(&desk.cached()[3]).unwrap();
    assert_eq!(decoded(), 1);
    // Touched, but the same: recognised by its hash.
    let bytes = std::fs::read(desk.music(0)).unwrap();
    std::fs::write(desk.music(0), bytes).unwrap();
    assert_eq!(decoded(), 0);
    // Changed: made again, and told.
    desk.write(0, 0.5);
    let prepared = prepare(&cache, &manifest, FORMAT).unwrap();
    assert_eq!((prepared.decoded, &prepared.changed[..]), (1, &["0.wav".to_owned()][..]));
    let prepared = prepare(&cache, &manifest, FORMAT).unwrap();
    assert_eq!((prepared.decoded, prepared.changed.len()), (0, 1));
    // Changed to something that is no music: named.
    let good = std::fs::read(desk.music(1)).unwrap();
    std::fs::write(desk.music(1), b"no music any more").unwrap();
    let error = prepare(&cache, &manifest, FORMAT).unwrap_err().to_string();
    assert!(error.contains("1.wav") && error.contains("scan again"), "{error}");
    std::fs::write(desk.music(1), good).unwrap();
    // Gone: what was decoded serves.
    std::fs::remove_dir_all(desk.folder.path().join("music")).unwrap();
    assert_eq!(decoded(), 0);
}

#[test]
fn a_cache_is_bounded() {
    let desk = Desk::new();
    let manifest = desk.manifest();
    prepare(&desk.cache(), &manifest, FORMAT).unwrap();
    let bytes: u64 = desk.cached().iter().map(|path| path.metadata().unwrap().len()).sum();
    // Too small for the dataset: refused with both numbers, and nothing changes.
    let before = desk.cached();
    let error = prepare(&Cache::new(desk.cache_folder(), bytes - 1), &manifest, FORMAT).unwrap_err();
    assert!(
        matches!(error, DataError::CacheLimit { needed_bytes, limit_bytes } if needed_bytes == bytes && limit_bytes == bytes - 1)
    );
    assert_eq!(desk.cached(), before);
    // Room for one dataset: another rate drives the first out, file by file.
    let other = ClipFormat { sample_rate_hz: 4_000, ..FORMAT };
    let prepared = prepare(&Cache::new(desk.cache_folder(), bytes), &manifest, other).unwrap();
    assert!((1..CLIPS).contains(&prepared.evicted), "{}", prepared.evicted);
    let left: u64 = desk.cached().iter().map(|path| path.metadata().unwrap().len()).sum();
    assert!(left <= bytes, "{left} of {bytes}");
}

#[test]
fn streams_repeat_and_resume_exactly() {
    let desk = Desk::new();
    let config = CropConfig { augment: all_kinds(), ..config() };
    let source = desk.source(&config, 5);
    let mut stream = source.stream(&source.start(), 2).unwrap();
    let whole: Vec<_> = (0..12).map(|_| stream.next_batch().unwrap()).collect();
    assert_eq!(whole[0].shape, [3, 2, 4_000]);
    assert_eq!(whole[0].samples.len(), 24_000);
    assert!(whole.iter().flat_map(|batch| &batch.samples).all(|x| x.is_finite()));
    // 7 clips, 3 to a batch: batch 2 ends in the second epoch.
    assert_eq!((whole[2].epoch, whole[3].epoch, source.batches_per_epoch()), (0, 1, 3));
    let mut clips: Vec<usize> =
        whole.iter().flat_map(|batch| &batch.origins).map(|origin| origin.clip).take(7).collect();
    clips.sort_unstable();
    assert_eq!(clips, (0..7).collect::<Vec<_>>());

    // Stopped anywhere, saved as text, and gone on with in another source, and on a machine with another cache.
    for stop in [0, 1, 4, 11] {
        let mut first = source.stream(&source.start(), 3).unwrap();
        (0..stop).for_each(|_| drop(first.next_batch().unwrap()));
        let saved = serde_json::to_string(first.position()).unwrap();
        drop(first);
        let position: Position = serde_json::from_str(&saved).unwrap();
        let again = desk.source(&config, 5);
        let mut rest = again.stream(&position, 1).unwrap();
        for expected in &whole[stop..] {
            assert_eq!(&rest.next_batch().unwrap(), expected, "after {stop}");
        }
    }
    // Any batch, in any order, on any thread.
    std::thread::scope(|scope| {
        for number in [11usize, 3, 7] {
            let (source, expected) = (&source, &whole[number]);
            scope.spawn(move || assert_eq!(&source.batch(number as u64).unwrap(), expected));
        }
    });
    assert_ne!(desk.source(&config, 6).batch(0).unwrap().samples, whole[0].samples);
}

/// Processes that share batches stream parts that together are the batches of one process.
#[test]
fn parts_of_batches_are_the_batches() {
    let desk = Desk::new();
    let config = CropConfig { augment: all_kinds(), ..config() };
    let whole = desk.source(&config, 3);
    let source = || Arc::into_inner(desk.source(&config, 3)).unwrap();
    let size = config.batch_size;
    let mut parts: Vec<_> = [0..1, 1..size]
        .into_iter()
        .map(|part| {
            let source = Arc::new(source().streaming(part).unwrap());
            source.stream(&source.start(), 1).unwrap()
        })
        .collect();
    for number in 0..6 {
        let expected = whole.batch(number).unwrap();
        let found: Vec<_> = parts.iter_mut().map(|stream| stream.next_batch().unwrap()).collect();
        let samples: Vec<f32> = found.iter().flat_map(|batch| batch.samples.clone()).collect();
        assert_eq!(samples, expected.samples);
        let origins: Vec<_> = found.iter().flat_map(|batch| batch.origins.clone()).collect();
        assert_eq!(origins, expected.origins);
        assert!(found.iter().all(|batch| (batch.number, batch.epoch) == (number, expected.epoch)));
    }
    for part in [0..0, 0..size + 1] {
        assert!(source().streaming(part).is_err());
    }
}

#[test]
fn a_position_of_other_data_is_refused() {
    let desk = Desk::new();
    let source = desk.source(&config(), 1);
    for other in [
        desk.source(&config(), 2),
        desk.source(&CropConfig { crop_samples: 4_001, ..config() }, 1),
        desk.source(&CropConfig { augment: all_kinds(), ..config() }, 1),
    ] {
        let error = source.stream(&other.start(), 1).unwrap_err().to_string();
        assert!(error.contains("other data"), "{error}");
    }
}

#[test]
fn short_clips_long_tracks_and_whole_ones() {
    let desk = Desk::new();
    // Longer than any clip: silence follows.
    let source = desk.source(&CropConfig { crop_samples: 30_000, ..config() }, 1);
    let batch = source.batch(0).unwrap();
    let clip = batch.origins[0].clip;
    let samples = source.whole(clip).unwrap()[0].len();
    assert_eq!(batch.origins[0].start_sample, 0);
    assert!(batch.samples[samples..30_000].iter().all(|x| *x == 0.0));
    assert_eq!(batch.samples[..samples], source.whole(clip).unwrap()[0]);
    assert!(source.whole(99).is_err());
    // By length: 2.0 to 2.6 s hold four or five crops of half a second.
    let source = desk.source(&CropConfig { per_epoch: PerEpoch::Length, ..config() }, 1);
    assert_eq!(source.crops_per_epoch(), 4 * 5 + 5 * 2);
}

#[test]
fn clips_lost_on_the_way_are_made_again() {
    let desk = Desk::new();
    let source = desk.source(&config(), 1);
    let expected = source.batch(0).unwrap();
    for path in desk.cached() {
        std::fs::remove_file(path).unwrap();
    }
    assert_eq!(source.batch(0).unwrap(), expected);
    // Without cache and music there is an error that names the file, and the stream ends with it.
    std::fs::remove_dir_all(desk.cache_folder()).unwrap();
    std::fs::remove_dir_all(desk.folder.path().join("music")).unwrap();
    let mut stream = source.stream(&source.start(), 1).unwrap();
    let error = stream.next_batch().unwrap_err().to_string();
    assert!(error.contains(".wav"), "{error}");
    assert!(stream.next_batch().is_err());
}

#[test]
fn garbage_costs_only_itself() {
    let desk = Desk::new();
    // One file in eight when it is scanned, one more that decays before it is cached.
    std::fs::write(desk.folder.path().join("music/2b.mp3"), b"no music, whatever its name says".repeat(99))
        .unwrap();
    let scanned = desk.manifest();
    assert_eq!((scanned.entries.len(), scanned.part(Split::Train).count()), (CLIPS + 1, CLIPS));
    let source = desk.source(&config(), 1);
    let batch = source.batch(0).unwrap();
    assert!(batch.samples.iter().all(|x| x.is_finite()) && batch.samples.iter().any(|x| *x != 0.0));
    std::fs::write(desk.music(3), b"decayed".repeat(999)).unwrap();
    let error = prepare(&desk.cache(), &scanned, FORMAT).unwrap_err().to_string();
    assert!(error.contains("3.wav") && error.contains("scan again"), "{error}");
    // Scanned again, the rest is as it was: no clip of it is decoded twice.
    let already = |path: &PathBuf| path.to_string_lossy().contains("-8000-1-");
    let kept = desk.cached().iter().filter(|path| already(path)).count();
    let prepared = prepare(&desk.cache(), &desk.manifest(), FORMAT).unwrap();
    assert_eq!((prepared.clips.len(), prepared.decoded), (CLIPS - 1, CLIPS - 1 - kept));
}

#[test]
fn senseless_configs_are_refused() {
    let desk = Desk::new();
    let manifest = desk.manifest();
    let open = |split, config: &CropConfig| {
        CropSource::open(&manifest, split, config, &desk.cache(), 0, &|_| ())
            .map(|_| ())
            .unwrap_err()
            .to_string()
    };
    assert!(open(Split::Val, &config()).contains("no usable file for val"));
    for broken in [
        CropConfig { batch_size: 0, ..config() },
        CropConfig { channels: 3, ..config() },
        CropConfig { crop_samples: usize::MAX, ..config() },
        CropConfig { sample_rate_hz: 0, ..config() },
    ] {
        assert!(!open(Split::Train, &broken).is_empty());
    }
    assert!(toml::from_str::<CropConfig>("crop_sample = 3").is_err());
    let read: CropConfig = toml::from_str("channels = 1\n[augment.swap]\nprobability = 1").unwrap();
    assert_eq!((read.channels, read.augment.swap.probability), (1, 1.0));
}

/// What [`a_full_disk_is_named_and_leaves_no_clip`] runs under a limit on file sizes.
#[test]
#[ignore = "only under the limit that the next test sets"]
fn under_a_limit() {
    let desk = Desk { folder: tempfile::tempdir_in(std::env::var_os("MELISMA_TEST_DESK").unwrap()).unwrap() };
    let root = PathBuf::from(std::env::var_os("MELISMA_TEST_DESK").unwrap()).join("music");
    let manifest = Manifest { root, ..Manifest::read(&desk.folder.path().join("../m.jsonl")).unwrap() };
    let error = prepare(&desk.cache(), &manifest, FORMAT).unwrap_err().to_string();
    assert!(error.contains("cannot write") && error.contains("File too large"), "{error}");
    assert_eq!(desk.cached(), Vec::<PathBuf>::new());
}

/// A limit on file sizes stands in for a full disk: the write fails alike.
#[cfg(unix)]
#[test]
fn a_full_disk_is_named_and_leaves_no_clip() {
    let desk = Desk::new();
    desk.manifest().write(&desk.folder.path().join("m.jsonl"), false).unwrap();
    // The shell ignores the signal that comes with the limit, and so does what it starts.
    let ended = std::process::Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" --exact under_a_limit --ignored"])
        .arg(std::env::current_exe().unwrap())
        .env("MELISMA_TEST_DESK", desk.folder.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success() && told.contains("1 passed"), "{told}");
}
