//! What is broken costs itself: sections of a file, parts of a model's folder.

use crate::common::{codec, config, model_of, named, stereo};
use melisma_codec::latent::{Header, encode_section, write_file};
use melisma_neural::{Error, File, NeuralModel, Target, folder_id};
use melisma_signal::Metadata;
use std::fs;

#[test]
fn a_lost_section_is_silent_and_its_neighbours_are_not() {
    for (name, config) in named() {
        let codec = codec(name);
        let pcm = stereo(15_000);
        let bytes = codec.encode(&codec.analyse(&pcm).unwrap(), Target::Step(0.25)).unwrap();
        let whole = codec.decode(&bytes).unwrap();
        let file = File::read(&bytes).unwrap();
        let section = file.header.section_samples() as usize;
        assert_eq!(file.sections.len(), 15_000usize.div_ceil(section), "{name}");
        let mut damaged = bytes.clone();
        damaged[(file.sections[1].byte_offset + file.sections[1].bytes / 2) as usize] ^= 4;
        let found = codec.decode(&damaged).unwrap();
        assert_eq!(found.pcm.samples(), 15_000, "{name}");
        let [damage] = found.damage.as_slice() else { panic!("{name}: {:?}", found.damage) };
        let lost = (damage.section, damage.first_sample, damage.samples);
        assert_eq!(lost, (Some(1), section as u64, section as u64), "{name}");
        let (found, whole) = (&found.pcm.channels[0], &whole.pcm.channels[0]);
        assert!(found[section..2 * section].iter().all(|&sample| sample == 0.0), "{name}");
        assert!(found[2 * section..].iter().any(|&sample| sample != 0.0), "{name}");
        if !crate::common::made_up_phases(&config) {
            // As far as a network sees, it may see the gap. Beyond, matrix products of other sizes may round otherwise.
            let [back, ahead] = config.receptive_field().decode_margin;
            let reach = (back + ahead) * config.receptive_field().latent_samples;
            let loudness = crate::common::rms(whole.iter().copied());
            for range in [0..section.saturating_sub(reach), (2 * section + reach).min(15_000)..15_000] {
                let both = found[range.clone()].iter().zip(&whole[range]);
                let off = both.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(f64::from(off) < 1e-4 * loudness, "{name}: {off}");
            }
        }
    }
}

#[test]
fn cut_off_anywhere_it_is_as_long_and_never_a_panic() {
    for name in ["freq-ae", "time-ae-plus", "shallow"] {
        let codec = codec(name);
        let bytes = codec.encode(&codec.analyse(&stereo(9000)).unwrap(), Target::Step(8.0)).unwrap();
        let head = File::read(&bytes).unwrap().sections[0].byte_offset as usize;
        for length in (0..bytes.len()).step_by(bytes.len() / 24 + 1) {
            match codec.decode(&bytes[..length]) {
                Ok(decoded) => assert_eq!(decoded.pcm.samples(), 9000, "{name}, {length}"),
                Err(error) => {
                    assert!(length < head && matches!(error, Error::Decode(_)), "{name}, {length}: {error}")
                }
            }
        }
        let mut beheaded = bytes.clone();
        beheaded[..head].fill(0);
        let decoded = codec.decode(&beheaded).unwrap();
        assert_eq!(decoded.pcm, codec.decode(&bytes).unwrap().pcm, "{name}");
        assert_eq!(decoded.damage.len(), 2, "{name}: {:?}", decoded.damage);
    }
}

#[test]
fn lone_sections_of_one_latent_are_sound_too() {
    // A header of another program may cut finer than ours: every second section missing.
    for (name, _) in named() {
        let codec = codec(name);
        let bytes = codec.encode(&codec.analyse(&stereo(700)).unwrap(), Target::Step(1.0)).unwrap();
        let header = Header { section_latents: 1, ..File::read(&bytes).unwrap().header };
        let symbols = vec![0; header.latent_channels];
        let section = |index| encode_section(codec.model().tables(), index, 512, &[&symbols, &symbols]);
        let sections: Vec<_> = (0..header.total_latents).step_by(2).map(section).collect();
        // Lost sections are believed as far as the file could hold them.
        let ballast = Metadata { tags: vec![("COMMENT".to_owned(), "x".repeat(1000))], picture: None };
        let file = write_file(&header, &ballast, None, &sections);
        let decoded = codec.decode(&file).unwrap();
        assert_eq!(decoded.pcm.samples(), 700, "{name}");
        assert!(decoded.damage.iter().all(|damage| damage.what == "a section is missing"), "{name}");
        assert!(decoded.pcm.channels[0].iter().any(|&sample| sample != 0.0), "{name}");
    }
}

#[test]
fn a_header_that_contradicts_its_model() {
    let codec = codec("linear");
    let bytes = codec.encode(&codec.analyse(&stereo(3000)).unwrap(), Target::Step(1.0)).unwrap();
    let honest = File::read(&bytes).unwrap().header;
    let lies: [fn(&mut Header); 4] = [
        |header| header.sample_rate_hz += 1,
        |header| header.latent_samples += 1,
        |header| header.latent_channels += 1,
        |header| header.total_latents += 1,
    ];
    for lie in lies {
        let mut header = honest.clone();
        lie(&mut header);
        let refused = codec.decode(&write_file(&header, &Default::default(), None, &[]));
        assert!(matches!(refused, Err(Error::Header(_))), "{header:?}");
    }
}

#[test]
fn a_folder_comes_back_and_replaces_what_was_there() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("deep/er/model");
    for (seed, (name, config)) in named().iter().enumerate() {
        let model = model_of(name, config, seed as u64);
        model.write(&folder).unwrap();
        assert_eq!(folder_id(&folder), Some(model.id()), "{name}");
        let again = NeuralModel::read(&folder).unwrap();
        assert_eq!((again.id(), &again.config), (model.id(), &model.config), "{name}");
        assert!(fs::read_to_string(folder.join("README.md")).unwrap().contains(&model.id().to_string()));
        let left: Vec<_> = fs::read_dir(folder.parent().unwrap()).unwrap().collect();
        assert_eq!(left.len(), 1, "{name}: {left:?}");
    }
    assert_eq!(folder_id(root.path()), None);
}

#[test]
fn every_cut_of_a_folder_is_an_error_and_every_flip_is_noticed() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("model");
    model_of("linear", &config("linear"), 1).write(&folder).unwrap();
    for part in ["config.json", "model.safetensors", "quantiser.json", "tables.bin", "id"] {
        let path = folder.join(part);
        let bytes = fs::read(&path).unwrap();
        for length in [0, 1, bytes.len() / 2, bytes.len() - 2] {
            fs::write(&path, &bytes[..length]).unwrap();
            let error = NeuralModel::read(&folder).unwrap_err();
            assert!(error.to_string().contains(root.path().to_str().unwrap()), "{part}: {error}");
        }
        for position in [3, bytes.len() / 2, bytes.len() - 3] {
            let mut garbled = bytes.clone();
            garbled[position] ^= 1;
            fs::write(&path, &garbled).unwrap();
            // A changed description is no other model.
            let read = NeuralModel::read(&folder);
            assert!(read.is_err() || part == "config.json", "{part} at {position}");
        }
        fs::remove_file(&path).unwrap();
        assert!(matches!(NeuralModel::read(&folder), Err(Error::File { .. })), "{part}");
        fs::write(&path, &bytes).unwrap();
        assert!(NeuralModel::read(&folder).is_ok());
    }
    let config = fs::read_to_string(folder.join("config.json")).unwrap();
    for (from, to) in [("\"format\": 1", "\"format\": 2"), ("\"latents\": 6", "\"latents\": 100000000")] {
        assert!(config.contains(from));
        fs::write(folder.join("config.json"), config.replace(from, to)).unwrap();
        let error = NeuralModel::read(&folder).unwrap_err();
        assert!(matches!(error, Error::Folder { .. }), "{error}");
    }
    fs::write(folder.join("config.json"), config.replace("\"latents\": 6", "\"latents\": 7")).unwrap();
    assert!(NeuralModel::read(&folder).is_err());
}
