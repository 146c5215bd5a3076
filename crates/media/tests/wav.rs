//! WAV and FLAC: every sample format read, every encoding written and read back.

mod common;

use std::sync::{Arc, Mutex};

use common::{open_bytes, options, pcm};
use melisma_media::{
    AtomicFile, AudioSink, AudioSource, Encoding, Input, MediaError, Output, Resampler, SinkOptions, atomic,
};
use melisma_signal::{Metadata, Pcm, Picture};

/// A folder that goes away with the test.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("melisma-media-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn files(&self) -> usize {
        std::fs::read_dir(&self.0).unwrap().count()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A WAV file of one `fmt ` body and raw data.
fn wav(tag: u16, channels: u16, rate: u32, bits: u16, mask: Option<u32>, data: &[u8]) -> Vec<u8> {
    let mut format = Vec::new();
    format.extend(if mask.is_some() { 0xFFFE } else { tag }.to_le_bytes());
    format.extend(channels.to_le_bytes());
    format.extend(rate.to_le_bytes());
    format.extend((rate * u32::from(channels * bits / 8)).to_le_bytes());
    format.extend((channels * bits / 8).to_le_bytes());
    format.extend(bits.to_le_bytes());
    if let Some(mask) = mask {
        format.extend(22u16.to_le_bytes());
        format.extend(bits.to_le_bytes());
        format.extend(mask.to_le_bytes());
        format.extend(tag.to_le_bytes());
        format.extend([0; 14]);
    }
    let mut file = b"RIFF\xff\xff\xff\xffWAVEfmt ".to_vec();
    file.extend((format.len() as u32).to_le_bytes());
    file.extend(format);
    file.extend(b"data");
    file.extend((data.len() as u32).to_le_bytes());
    file.extend(data);
    file
}

#[test]
fn every_sample_format() {
    let values = [0.0f32, 0.5, -0.5, -1.0, 0.25];
    let encode = |to: &dyn Fn(f32) -> Vec<u8>| values.iter().flat_map(|x| to(*x)).collect::<Vec<u8>>();
    let int = |x: f32, bits: u32| (f64::from(x) * f64::from(1u32 << (bits - 1))) as i32;
    for (tag, bits, data) in [
        (1, 8, encode(&|x| vec![(int(x, 8) + 128) as u8])),
        (1, 16, encode(&|x| (int(x, 16) as i16).to_le_bytes().to_vec())),
        (1, 24, encode(&|x| int(x, 24).to_le_bytes()[..3].to_vec())),
        (1, 32, encode(&|x| int(x, 32).to_le_bytes().to_vec())),
        (3, 32, encode(&|x| x.to_le_bytes().to_vec())),
        (3, 64, encode(&|x| f64::from(x).to_le_bytes().to_vec())),
    ] {
        for mask in [None, Some(4)] {
            let mut source = open_bytes(wav(tag, 1, 16_000, bits, mask, &data)).unwrap();
            assert_eq!(source.total_samples(), Some(5));
            assert_eq!(source.read_to_end().unwrap().channels, [values], "{tag} {bits} {mask:?}");
        }
    }
}

/// Beyond full scale is music; what is no number, or could be none of a loudspeaker, is replaced.
/// Chunks may stand in any order; a pipe cannot go back to samples that it gave before their format.
#[test]
fn samples_before_their_format() {
    let data: Vec<u8> = (0..40u8).collect();
    let usual = wav(1, 2, 44_100, 16, None, &data);
    let format = &usual[12..36];
    let turned = [&usual[..12], b"data", &40u32.to_le_bytes(), &data, format].concat();
    let folder = Folder::new("turned");
    let path = folder.0.join("x.wav");
    std::fs::write(&path, &turned).unwrap();
    let mut source = AudioSource::open(&Input::Path(path), &options()).unwrap();
    assert_eq!(source.total_samples(), Some(10));
    assert_eq!(source.read_to_end().unwrap(), open_bytes(usual).unwrap().read_to_end().unwrap());
    assert_eq!((source.warnings(), source.decode_errors()), (vec![], 0));
    match open_bytes(turned) {
        Err(MediaError::Unsupported(text)) => assert!(text.contains("pipe"), "{text}"),
        other => panic!("{:?}", other.map(|_| ())),
    }
}

#[test]
fn floats_beyond_full_scale_pass_and_faults_do_not() {
    let values = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 2.5, -1e30];
    let data: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    let mut source = open_bytes(wav(3, 1, 44_100, 32, None, &data)).unwrap();
    assert_eq!(source.read_to_end().unwrap().channels, [[0.0, 0.0, 0.0, 2.5, -1.0]]);
    assert_eq!((source.warnings().len(), source.decode_errors()), (2, 0));
}

#[test]
fn more_channels_need_the_downmix() {
    let data: Vec<u8> = (0..600u16).flat_map(|_| 16_384i16.to_le_bytes()).collect();
    let file = wav(1, 6, 48_000, 16, Some(0x3f), &data);
    let error = open_bytes(file.clone()).err().unwrap();
    assert!(matches!(&error, MediaError::Unsupported(text) if text.contains("--downmix")), "{error}");
    let reader = Box::new(std::io::Cursor::new(file));
    let mut source = AudioSource::from_reader(reader, None, &options().with_downmix(true)).unwrap();
    assert_eq!((source.channel_count(), source.original_channel_count()), (2, 6));
    let mixed = source.read_to_end().unwrap();
    assert_eq!(mixed.samples(), 100);
    // Equal channels come out at their own level: the coefficients of a side add up to 1.
    assert!(mixed.channels.iter().flatten().all(|x| (x - 0.5).abs() < 1e-6));
}

#[test]
fn high_and_low_rates_are_resampled() {
    for (rate, expected) in [
        (96_000, 48_000),
        (88_200, 44_100),
        (176_400, 44_100),
        (192_000, 48_000),
        (6_000, 8_000),
        (11_025, 11_025),
    ] {
        let samples = 20_011;
        let original = pcm(rate, 1, samples);
        let mut source = open_bytes(common::signal::wav16(rate, &original.channels)).unwrap();
        let changed = (rate != expected).then_some(rate);
        assert_eq!((source.sample_rate_hz(), source.original_sample_rate_hz()), (expected, changed));
        let total = Resampler::output_samples(rate, expected, samples as u64);
        assert_eq!(total, (samples as u64 * u64::from(expected)).div_ceil(u64::from(rate)));
        assert_eq!(source.total_samples(), Some(total));
        let decoded = source.read_to_end().unwrap();
        assert_eq!(decoded.samples() as u64, total, "{rate}");
        assert!(source.warnings().is_empty(), "{:?}", source.warnings());
    }
}

/// A sine keeps its phase and level through any conversion; the error is that of the filter's
/// ripple. Measured away from the ends, where the sine is cut off.
#[test]
fn resampling_has_no_delay() {
    for (from, to) in [
        (96_000, 48_000),
        (88_200, 44_100),
        (44_100, 96_000),
        (48_000, 192_000),
        (192_000, 48_000),
        (48_000, 44_100),
    ] {
        let sine =
            |rate: u32, n: usize| (n as f64 * 1000.0 / f64::from(rate) * std::f64::consts::TAU).sin() as f32;
        let input: Vec<f32> = (0..30_000).map(|n| sine(from, n)).collect();
        for chunk in [1_000, 4_096, 30_000] {
            let mut resampler = Resampler::new(from, to, 1).unwrap();
            let mut output = Vec::new();
            for part in input.chunks(chunk) {
                let block = Pcm { sample_rate_hz: from, channels: vec![part.to_vec()] };
                output.extend(resampler.push(&block).unwrap().channels.remove(0));
            }
            output.extend(resampler.finish().unwrap().channels.remove(0));
            assert_eq!(output.len() as u64, Resampler::output_samples(from, to, 30_000));
            let edge = output.len() / 4;
            let worst =
                (edge..output.len() - edge).map(|n| (output[n] - sine(to, n)).abs()).fold(0.0, f32::max);
            assert!(worst < 1e-4, "{from} -> {to} in {chunk}: {worst}");
        }
    }
}

fn metadata() -> Metadata {
    let tags = [("TITLE", "T\u{e9}st"), ("ARTIST", "Someone"), ("TRACKNUMBER", "3"), ("MOOD", "calm")];
    Metadata {
        tags: tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        picture: Some(Picture { mime: "image/png".into(), data: b"\x89PNG and so on".to_vec() }),
    }
}

/// A stream in memory that outlives the sink.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Shared {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(buffer);
        Ok(buffer.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn written_files_read_back() {
    let folder = Folder::new("roundtrip");
    for (encoding, steps) in [
        (Encoding::WavInt16, 32_768.0),
        (Encoding::WavInt24, 8_388_608.0),
        (Encoding::WavFloat32, f32::INFINITY),
        (Encoding::FlacInt16, 32_768.0),
        (Encoding::FlacInt24, 8_388_608.0),
    ] {
        // One sample into a second frame, one short of it, nothing, and two lone samples.
        for (samples, channels, rate) in [
            (9_001, 2, 44_100),
            (4_097, 1, 48_000),
            (4_095, 2, 8_000),
            (0, 2, 44_100),
            (1, 1, 96_000),
            (2, 2, 37_800),
            (8_193, 2, 192_000),
            (4_099, 1, 384_000),
            (33, 2, 655_350),
            (4_200, 1, 100_001),
        ] {
            for (stated, piped) in [(false, false), (true, false), (false, true), (true, true)] {
                let label = format!("{encoding:?} {samples}x{channels} stated {stated} piped {piped}");
                let original = pcm(rate, channels, samples);
                let mut sink_options = SinkOptions::new(encoding, rate, channels);
                sink_options.metadata = metadata();
                sink_options.total_samples = stated.then_some(samples as u64);
                let path = folder.0.join("out");
                let stream = Shared::default();
                let mut sink = if piped {
                    AudioSink::to_writer(Box::new(stream.clone()), &sink_options).unwrap()
                } else {
                    AudioSink::create(&Output::Path(path.clone()), &sink_options).unwrap()
                };
                for start in (0..samples).step_by(1_000) {
                    let end = (start + 1_000).min(samples);
                    let part = |channel: &Vec<f32>| channel[start..end].to_vec();
                    let block =
                        Pcm { sample_rate_hz: rate, channels: original.channels.iter().map(part).collect() };
                    sink.write(&block).unwrap();
                }
                sink.finish().unwrap();
                let any_rate = options().with_any_rate(true);
                let flac = matches!(encoding, Encoding::FlacInt16 | Encoding::FlacInt24);
                let opened = if piped {
                    let bytes = stream.0.lock().unwrap().clone();
                    AudioSource::from_reader(Box::new(std::io::Cursor::new(bytes)), None, &any_rate)
                } else {
                    AudioSource::open(&Input::Path(path.clone()), &any_rate)
                };
                if flac && samples == 0 {
                    // No frame, no format: the reader cannot know.
                    let _ = std::fs::remove_file(&path);
                    continue;
                }
                let mut source = opened.unwrap_or_else(|error| panic!("{label}: {error}"));
                let tags = &source.metadata().tags;
                let found = tags.iter().filter(|tag| metadata().tags.contains(tag)).count();
                assert_eq!(found, metadata().tags.len(), "{label} {tags:?}");
                assert_eq!(source.metadata().picture, metadata().picture, "{label}");
                let decoded = source.read_to_end().unwrap();
                assert_eq!(decoded.samples(), samples, "{label} {:?}", source.warnings());
                for (x, y) in decoded.channels.iter().flatten().zip(original.channels.iter().flatten()) {
                    // Half a step of rounding.
                    assert!((x - y).abs() <= 0.5 / steps + f32::EPSILON, "{label}: {x} {y}");
                }
                if !piped {
                    std::fs::remove_file(&path).unwrap();
                }
            }
        }
    }
}

#[test]
fn files_appear_whole_or_not_at_all() {
    let folder = Folder::new("atomic");
    let path = folder.0.join("file.wav");
    let mut sink_options = SinkOptions::new(Encoding::WavInt16, 44_100, 1);
    let output = Output::Path(path.clone());
    let mut sink = AudioSink::create(&output, &sink_options).unwrap();
    sink.write(&pcm(44_100, 1, 100)).unwrap();
    assert!(!path.exists());
    drop(sink);
    assert_eq!(folder.files(), 0);

    let sink = AudioSink::create(&output, &sink_options).unwrap();
    sink.finish().unwrap();
    assert_eq!(folder.files(), 1);
    assert!(matches!(AudioSink::create(&output, &sink_options), Err(MediaError::Exists(_))));
    sink_options.overwrite = true;
    let mut sink = AudioSink::create(&output, &sink_options).unwrap();
    sink.write(&pcm(44_100, 1, 100)).unwrap();
    sink.finish().unwrap();
    assert_eq!(folder.files(), 1);
    assert!(std::fs::metadata(&path).unwrap().len() > 200);

    // Came into being meanwhile.
    let other = folder.0.join("other");
    let file = AtomicFile::create(&other, false).unwrap();
    std::fs::write(&other, b"mine").unwrap();
    assert!(matches!(file.commit(), Err(MediaError::Exists(_))));
    assert_eq!(std::fs::read(&other).unwrap(), b"mine");
    assert_eq!(folder.files(), 2);

    // An interrupt.
    let pending = AtomicFile::create(&folder.0.join("third"), false).unwrap();
    assert_eq!(folder.files(), 3);
    assert!(atomic::remove_pending_files() >= 1);
    assert_eq!(folder.files(), 2);
    assert!(pending.commit().is_err());

    // A wrong shape is refused.
    let mut sink = AudioSink::create(&output, &sink_options).unwrap();
    assert!(matches!(sink.write(&pcm(44_100, 2, 10)), Err(MediaError::Invalid(_))));
    assert!(matches!(sink.write(&pcm(48_000, 1, 10)), Err(MediaError::Invalid(_))));
}
