//! Sketches against the sound they belong to, from whole files, prefixes, damaged files and after a seek.

mod common;

use common::{config, music, plucks};
use melisma_bitstream::{
    FormatError,
    chunk::{Kind, write_chunk},
};
use melisma_codec::{
    BandPicture, CodecHeader, DecodeError, EncoderConfig, Model, Models, MusicVersion, RateTarget,
    SILENCE_DB, ScaleGrid, Sketch, SketchDecoder, SketchReader, Tune, Tuning, container::Reader, decode,
    encode, inspect, read_sketch,
};
use melisma_signal::{Metadata, Pcm, lapped::LappedTransform};
use std::io::Cursor;

/// Both ways of sending scales, without smoothing, so that scales are those of the sound.
fn settings() -> [EncoderConfig; 2] {
    [ScaleGrid::PerBlock, ScaleGrid::PerSuperframes(2)].map(|grid| {
        let mut config = config(Tune::Music, RateTarget::Quality(8.0));
        let mut tuning = Tuning::new(Tune::Music);
        (tuning.grid, tuning.scale_lambda) = (grid, 0.0);
        (config.tuning, config.section_seconds) = (Some(tuning), 0.7);
        config
    })
}

fn sketch_of(pcm: &Pcm, config: &EncoderConfig) -> (Vec<u8>, Sketch) {
    let metadata = Metadata { tags: vec![("TITLE".into(), "Sketch".into())], picture: None };
    let file = encode(pcm, config, &metadata).expect("valid");
    let sketch = read_sketch(&file, &Models::default()).expect("valid");
    assert_eq!(sketch.damage, []);
    assert_eq!(sketch.header.metadata, metadata);
    assert_eq!(sketch.picture.frames() as u64, sketch.grid.frames(pcm.samples() as u64));
    (file, sketch)
}

/// Noise of changing colour, differently on each channel and partly the same: no two bands and no two seconds alike.
fn noise(sample_rate_hz: u32, channel_count: usize, samples: usize) -> Pcm {
    let mut state = 7u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    let (mut low, mut channels) = ([0f32; 2], vec![Vec::new(); channel_count]);
    for n in 0..samples {
        let together = next();
        let colour = 0.5 + 0.4 * (n as f32 / samples as f32 * 6.0).sin();
        for (number, (channel, low)) in channels.iter_mut().zip(&mut low).enumerate() {
            let white = 0.6 * together + 0.3 * (1 + number) as f32 * next();
            *low += colour * (white - *low);
            channel.push(0.3 * *low);
        }
    }
    Pcm { sample_rate_hz, channels }
}

/// Mid and side, or the one channel.
fn mid_side(pcm: &Pcm) -> Vec<Vec<f32>> {
    let [left, right] = pcm.channels.as_slice() else { return pcm.channels.clone() };
    let both = |sign: f32| left.iter().zip(right).map(|(l, r)| (l + sign * r) / 2.0).collect();
    vec![both(1.0), both(-1.0)]
}

/// Power of each band over the whole sound in dB, by transforms of one size: nothing of the codec's own choices is in it.
fn powers_db(sound: &[f32], sample_rate_hz: u32, edges_hz: &[u32]) -> Vec<f32> {
    const LOG2: u32 = 11;
    // The sound with half a block of silence on either side of it.
    let mut around = vec![0.0; 1 << LOG2];
    around.extend(sound);
    let blocks = sound.len().div_ceil(1 << LOG2);
    around.resize((blocks + 2) << LOG2, 0.0);
    let mut lapped = LappedTransform::new(LOG2, LOG2);
    let mut spectra = vec![0.0; blocks << LOG2];
    for (block, spectrum) in spectra.chunks_exact_mut(1 << LOG2).enumerate() {
        lapped.block(&around, (block + 1) << LOG2, LOG2, (Some(LOG2), Some(LOG2)), spectrum);
    }
    edges_hz
        .windows(2)
        .map(|edges| {
            let bin = |hz: u32| ((u64::from(hz) << (LOG2 + 1)) / u64::from(sample_rate_hz)) as usize;
            let bins = bin(edges[0])..bin(edges[1]).min(1 << LOG2);
            let energy: f32 =
                spectra.chunks(1 << LOG2).flat_map(|block| &block[bins.clone()]).map(|c| c * c).sum();
            10.0 * (energy / sound.len() as f32).log10()
        })
        .collect()
}

/// Mean power of each band of a picture in dB.
fn mean_db(picture: &BandPicture, channel: usize) -> Vec<f32> {
    let bands = picture.frame(channel, 0).len();
    let mean = |band: usize| {
        let power = |frame: usize| 10f32.powf(picture.frame(channel, frame)[band] / 10.0);
        (0..picture.frames()).map(power).sum::<f32>() / picture.frames() as f32
    };
    (0..bands).map(|band| 10.0 * mean(band).log10()).collect()
}

#[test]
fn levels_are_those_of_the_decoded_sound() {
    for (rate, channels, seconds) in [(8_000, 1, 12), (22_050, 2, 8), (44_100, 1, 6), (44_100, 2, 6)] {
        let pcm = noise(rate, channels, seconds * rate as usize);
        for config in settings() {
            let (file, sketch) = sketch_of(&pcm, &config);
            let sound = decode(&file).expect("valid").pcm;
            for (channel, sound) in mid_side(&sound).iter().enumerate() {
                let measured = powers_db(sound, rate, &sketch.grid.band_edges_hz);
                for (band, (found, measured)) in
                    mean_db(&sketch.picture, channel).iter().zip(measured).enumerate()
                {
                    // A scale is within 1 dB of what it stands for, and over hundreds of frames that averages out; but
                    // a band of 4 bins ends half a bin early or late at each side, 1.3 dB at most, and the window of the
                    // other transform leaks a little of one band into the next.
                    let off = (found - measured).abs();
                    assert!(
                        off < 1.5,
                        "{rate} Hz, channel {channel}, band {band}: {found} for {measured} dB"
                    );
                }
            }
        }
    }
}

#[test]
fn all_bands_together_are_the_mean_square_frame_by_frame() {
    let pcm = music(44_100, 2, 20 * 44_100);
    // A scale for every block: where one holds for longer, a stroke in between is louder than it says.
    let [config, _] = settings();
    let (file, sketch) = sketch_of(&pcm, &config);
    let sound = decode(&file).expect("valid").pcm;
    for (channel, sound) in mid_side(&sound).iter().enumerate() {
        // Over half seconds, of which blocks reach over the borders by a tenth at most.
        let frames = 22_050 / sketch.grid.hop_samples as usize;
        let span = frames * sketch.grid.hop_samples as usize;
        let mut checked = 0;
        for (number, sound) in sound.chunks_exact(span).enumerate() {
            let here = number * frames..(number + 1) * frames;
            let powers = here.flat_map(|frame| sketch.picture.frame(channel, frame));
            let found = powers.map(|level| 10f32.powf(level / 10.0)).sum::<f32>() / frames as f32;
            let measured = sound.iter().map(|s| s * s).sum::<f32>() / span as f32;
            let off = 10.0 * (found / measured).log10();
            // Scales are rounded by 1 dB at most, and noise in place of small coefficients is weaker than they were;
            // checked where there is any sound to speak of.
            if measured > 1e-6 {
                checked += 1;
                assert!((-1.0..1.5).contains(&off), "channel {channel}, half second {number}: {off} dB");
            }
        }
        assert!(checked > 10, "channel {channel}: {checked}");
    }
}

#[test]
fn silence_is_silent_and_two_equal_channels_are_one() {
    for mut config in settings() {
        // Short blocks share levels between bands, and one channel and two may be cut into blocks differently.
        config.block_switching = false;
        let silent = Pcm { sample_rate_hz: 16_000, channels: vec![vec![0.0; 30_000]; 2] };
        let (_, sketch) = sketch_of(&silent, &config);
        assert_eq!(sketch.picture.levels_db.len(), 2);
        assert!(sketch.picture.levels_db.iter().flatten().all(|&level| level == SILENCE_DB));

        let one = plucks(16_000, 1, 30_000);
        let two = Pcm { channels: vec![one.channels[0].clone(); 2], ..one.clone() };
        let (mono, stereo) = (sketch_of(&one, &config).1, sketch_of(&two, &config).1);
        assert!(stereo.picture.levels_db[1].iter().all(|&level| level == SILENCE_DB));
        let both = mean_db(&mono.picture, 0).into_iter().zip(mean_db(&stereo.picture, 0));
        for (a, b) in both {
            // Scales are rounded to 2 dB, by 1 dB at most.
            assert!((a - b).abs() < 1.0 || a.max(b) < -100.0, "{a} dB, {b} dB");
        }
    }
    let nothing = Pcm { sample_rate_hz: 8_000, channels: vec![vec![]] };
    assert_eq!(sketch_of(&nothing, &settings()[0]).1.picture.frames(), 0);
}

#[test]
fn a_prefix_of_a_section_gives_its_picture() {
    let (file, whole) = sketch_of(&plucks(22_050, 2, 60_000), &settings()[0]);
    let mut reader = Reader::new(file.as_slice()).expect("valid");
    let decoder = SketchDecoder::new(reader.header(), &Models::default()).expect("valid");
    let structure = inspect(file.as_slice()).expect("valid");
    let mut frames = 0;
    while let Some(section) = reader.next_section().expect("in memory") {
        let detail_bytes = structure.sections[section.number as usize].detail_bytes as usize;
        let enough = section.payload.len() - detail_bytes;
        assert!(detail_bytes > enough, "the detail is most of a section");
        let picture = decoder.picture(&section.payload, section.payload_offset).expect("valid");
        assert_eq!(picture.first_frame, frames);
        for channel in 0..2 {
            assert_eq!(picture.frame(channel, 0), whole.picture.frame(channel, frames as usize));
        }
        frames += picture.frames() as u64;
        for length in [0, 1, enough / 2, enough - 1, enough, enough + 1, section.payload.len() - 1] {
            match decoder.picture(&section.payload[..length], section.payload_offset) {
                Ok(found) => assert!(length >= enough && found == picture),
                Err(error) => {
                    assert!(length < enough && matches!(error, FormatError::Truncated { .. }), "{error}");
                }
            }
        }
    }
    assert_eq!(frames, whole.picture.frames() as u64);
}

#[test]
fn a_seek_begins_at_the_frame_of_its_sample() {
    let (file, whole) = sketch_of(&plucks(8_000, 1, 40_000), &settings()[0]);
    let end_of_sections =
        inspect(file.as_slice()).expect("valid").sections.last().map(|s| s.byte_offset + s.bytes);
    let cut = &file[..end_of_sections.expect("sections") as usize];
    for sample in [0u64, 1, 127, 128, 5_000, 5_120, 20_000, 39_999] {
        // By the seek table, and without it.
        for bytes in [file.as_slice(), cut] {
            let mut reader = SketchReader::new(Cursor::new(bytes), &Models::default()).expect("valid");
            reader.next_picture().expect("in memory");
            reader.seek(sample).expect("in memory");
            let picture = reader.next_picture().expect("in memory").expect("inside");
            let first = sample / u64::from(reader.grid().hop_samples);
            assert_eq!(picture.first_frame, first, "{sample}");
            assert_eq!(picture.frame(0, 0), whole.picture.frame(0, first as usize), "{sample}");
        }
    }
}

#[test]
fn damage_is_a_gap_of_silence() {
    let (file, whole) = sketch_of(&plucks(8_000, 1, 40_000), &settings()[0]);
    let structure = inspect(file.as_slice()).expect("valid");
    let lost = &structure.sections[2];
    let mut damaged = file.clone();
    damaged[(lost.byte_offset + lost.bytes / 2) as usize] ^= 1;
    let sketch = read_sketch(&damaged, &Models::default()).expect("readable");
    assert_eq!((sketch.damage.len(), sketch.damage[0].section), (1, Some(2)));
    assert_eq!(sketch.picture.frames(), whole.picture.frames());
    let hop = u64::from(sketch.grid.hop_samples);
    let gap = lost.first_sample / hop..(lost.first_sample + lost.samples) / hop;
    for frame in 0..whole.picture.frames() {
        if gap.contains(&(frame as u64)) {
            assert!(sketch.picture.frame(0, frame).iter().all(|&level| level == SILENCE_DB));
        } else {
            assert_eq!(sketch.picture.frame(0, frame), whole.picture.frame(0, frame));
        }
    }
    // Without its beginning, and cut off in the middle.
    let mut beheaded = file.clone();
    beheaded[..20].fill(0);
    assert_eq!(read_sketch(&beheaded, &Models::default()).expect("by its end").picture, whole.picture);
    let half = read_sketch(&file[..file.len() / 2], &Models::default()).expect("as far as it goes");
    assert!(half.picture.frames() > 0 && half.picture.frames() < whole.picture.frames());
    assert_eq!(half.damage.len(), 1);
}

#[test]
fn other_models_are_looked_up_by_their_id() {
    let version = MusicVersion::default();
    let mut table = Model::embedded(version).to_table();
    // Another probability in the first counter is another model.
    table[4] ^= 0x10;
    let other = std::sync::Arc::new(Model::from_table(version, &table).expect("of the same size"));
    let mut config = settings()[0].clone();
    config.model = Some(other.clone());
    let file = encode(&plucks(8_000, 1, 9_000), &config, &Metadata::default()).expect("valid");
    let refused = read_sketch(&file, &Models::default());
    assert!(matches!(refused, Err(DecodeError::UnknownModel { found, .. }) if found == other.id));
    let models = Models::default().with(other);
    assert_eq!(read_sketch(&file, &models).expect("its model is there").damage, []);
}

#[test]
fn each_version_is_read_with_tables_of_its_own_and_no_other() {
    let sound = plucks(44_100, 2, 60_000);
    for version in MusicVersion::ALL {
        let mut config = EncoderConfig::default();
        config.model = Some(Model::embedded(version));
        let file = encode(&sound, &config, &Metadata::default()).expect("valid");
        let decoded = decode(&file).expect("a model of either version is there");
        assert_eq!((decoded.header.version(), decoded.damage.len()), (version.number(), 0));
        // The same file under another version's number, with a fitting checksum.
        let mut header = decoded.header.clone();
        let CodecHeader::Music(music) = &mut header.codec else { panic!("not music") };
        music.version = MusicVersion::ALL.into_iter().find(|other| *other != version).expect("two versions");
        let mut renamed = Vec::new();
        write_chunk(&mut renamed, Kind::Header, &header.payload());
        renamed.extend_from_slice(&file[renamed.len()..]);
        let refused = decode(&renamed).map(|decoded| decoded.damage);
        assert!(matches!(refused, Err(DecodeError::Header(_))), "{version:?}: {refused:?}");
    }
}
