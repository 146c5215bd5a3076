//! The interface as C calls it: the same sound as the codec gives, errors in words, and no harm from NULL or rubbish.

use melisma::*;
use melisma_codec::{EncoderConfig, Pcm};
use melisma_signal::Metadata;
use std::{
    ffi::{CStr, CString},
    ptr::{null, null_mut},
};

/// 13 s of stereo, of three sections.
fn pcm() -> Pcm {
    let tone = |hz: f32| {
        (0..13 * 44_100).map(|i| 0.3 * (i as f32 * hz / 44_100.0 * std::f32::consts::TAU).sin()).collect()
    };
    Pcm { sample_rate_hz: 44_100, channels: vec![tone(440.0), tone(660.0)] }
}

fn file() -> Vec<u8> {
    let tags = [("TITLE", "Two tones"), ("ARTIST", "One"), ("ARTIST", "Two")];
    let tags = tags.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    melisma_codec::encode(&pcm(), &EncoderConfig::default(), &Metadata { tags, picture: None }).unwrap()
}

fn interleaved(pcm: &Pcm) -> Vec<f32> {
    (0..pcm.samples()).flat_map(|i| pcm.channels.iter().map(move |channel| channel[i])).collect()
}

fn last_error() -> String {
    // SAFETY: the library's own text.
    unsafe { CStr::from_ptr(melisma_last_error()) }.to_string_lossy().into_owned()
}

fn tag(file: *const MelismaFile, name: &CStr, number: usize) -> Option<String> {
    // SAFETY: an open file and a text.
    let value = unsafe { melisma_tag(file, name.as_ptr(), number) };
    // SAFETY: NULL or a text of the file.
    (!value.is_null()).then(|| unsafe { CStr::from_ptr(value) }.to_string_lossy().into_owned())
}

#[test]
fn a_file_is_what_the_codec_says() {
    let bytes = file();
    let whole = interleaved(&melisma_codec::decode(&bytes).unwrap().pcm);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tones.mlsm");
    std::fs::write(&path, &bytes).unwrap();
    let path = CString::new(path.to_str().unwrap()).unwrap();
    // SAFETY: everything that is handed over is as long as is said, and each file is closed once.
    unsafe {
        for file in [melisma_open(path.as_ptr()), melisma_open_memory(bytes.as_ptr(), bytes.len())] {
            assert!(!file.is_null(), "{}", last_error());
            let mut info = MelismaInfo::default();
            assert_eq!(melisma_info(file, &mut info), MelismaStatus::Ok);
            assert_eq!((info.samples, info.file_bytes), (13 * 44_100, bytes.len() as u64));
            assert_eq!((info.sample_rate, info.channels, info.original_sample_rate), (44_100, 2, 0));
            assert!(info.loudness_lufs.is_nan(), "nobody measured it");
            assert_eq!(tag(file, c"title", 0).as_deref(), Some("Two tones"));
            assert_eq!(tag(file, c"ARTIST", 1).as_deref(), Some("Two"));
            assert_eq!(tag(file, c"ARTIST", 2), None);

            let mut out = vec![0f32; whole.len() + 20];
            let mut done = 0;
            // Odd pieces, and looking at the sketch on the way, which does not move the place.
            for piece in [1, 999, 300_001, 1 << 20] {
                assert!(melisma_sketch(file, null_mut(), null_mut(), 0) > 1_000);
                let room = (out.len() / 2 - done).min(piece);
                let count = melisma_read(file, out[2 * done..].as_mut_ptr(), room);
                done += usize::try_from(count).unwrap();
            }
            assert_eq!(done, 13 * 44_100);
            assert!(out[..whole.len()] == whole);
            assert_eq!(melisma_read(file, out.as_mut_ptr(), 10), 0, "the end");

            assert_eq!(melisma_seek(file, 12 * 44_100 + 7), MelismaStatus::Ok);
            assert_eq!(melisma_read(file, out.as_mut_ptr(), 100), 100);
            assert!(out[..200] == whole[2 * (12 * 44_100 + 7)..][..200]);
            assert_eq!(melisma_seek(file, u64::MAX), MelismaStatus::Invalid);
            assert!(last_error().contains("lies behind the end"), "{}", last_error());
            assert_eq!(melisma_lost_samples(file), 0);
            melisma_close(file);
        }
    }
}

#[test]
fn a_sketch_fits_its_room() {
    let bytes = file();
    // SAFETY: as above.
    unsafe {
        let file = melisma_open_memory(bytes.as_ptr(), bytes.len());
        let frames = melisma_sketch(file, null_mut(), null_mut(), 0);
        assert_eq!(frames, (13.0 / melisma_sketch_hop_seconds()).ceil() as i64);
        let (bands, kept) = (melisma_sketch_bands(), 10);
        let (mut mid, mut side) = (vec![7f32; (kept + 1) * bands], vec![7f32; (kept + 1) * bands]);
        assert_eq!(melisma_sketch(file, mid.as_mut_ptr(), side.as_mut_ptr(), kept), frames);
        for levels in [&mid, &side] {
            assert!(levels[..kept * bands].iter().all(|&level| (-120.0..=0.0).contains(&level)));
            assert!(levels[kept * bands..].iter().all(|&level| level == 7.0), "behind the room");
        }
        // 440 and 660 Hz lie in the fifth and the seventh band.
        let loudest = (0..bands).max_by(|&a, &b| mid[5 * bands + a].total_cmp(&mid[5 * bands + b]));
        assert!(matches!(loudest, Some(4 | 6)), "{loudest:?}");
        melisma_close(file);
    }
}

#[test]
fn what_is_encoded_is_a_file() {
    let pcm = pcm();
    let samples = interleaved(&pcm);
    let settings = MelismaSettings { bitrate: 24_000, ..melisma_default_settings() };
    let mut bytes = 0;
    // SAFETY: as above; what is encoded is given back once.
    unsafe {
        let data = melisma_encode(samples.as_ptr(), pcm.samples(), 2, 44_100, &settings, &mut bytes);
        assert!(!data.is_null(), "{}", last_error());
        let file = melisma_open_memory(data, bytes);
        melisma_free(data, bytes);
        let mut info = MelismaInfo::default();
        assert_eq!(melisma_info(file, &mut info), MelismaStatus::Ok);
        assert_eq!(info.samples, 13 * 44_100);
        assert!((info.loudness_lufs + 10.0).abs() < 4.0, "{}", info.loudness_lufs);
        melisma_close(file);
        let none = melisma_encode(null(), 0, 2, 44_100, null(), &mut bytes);
        assert!(!none.is_null() && bytes > 0, "no sound is a file, too: {}", last_error());
        melisma_free(none, bytes);
    }
}

#[test]
fn nothing_and_rubbish_are_refused_in_words() {
    let told = |is_refused: bool, words: &str| {
        assert!(is_refused && last_error().contains(words), "{words}: {}", last_error());
    };
    let mut info = MelismaInfo::default();
    let (mut bytes, mut out) = (0, [0f32; 8]);
    let samples = [0f32; 8];
    // SAFETY: NULL is allowed everywhere, and what is not NULL is as long as is said or refused before it is looked at.
    unsafe {
        told(melisma_open(null()).is_null(), "path is NULL");
        told(melisma_open(c"/nowhere/at all.mlsm".as_ptr()).is_null(), "/nowhere/at all.mlsm");
        told(melisma_open(c"/".as_ptr()).is_null(), "/");
        told(melisma_open_memory(null(), 5).is_null(), "data is NULL");
        told(melisma_open_memory(null(), 0).is_null(), "not a .mlsm file");
        told(melisma_open_memory(b"RIFF".as_ptr(), 4).is_null(), "not a .mlsm file");
        told(melisma_info(null(), &mut info) == MelismaStatus::Invalid, "file is NULL");
        told(melisma_read(null_mut(), out.as_mut_ptr(), 4) == -1, "file is NULL");
        told(melisma_seek(null_mut(), 0) == MelismaStatus::Invalid, "file is NULL");
        told(melisma_sketch(null(), null_mut(), null_mut(), 0) == -1, "file is NULL");
        assert!(melisma_tag(null(), c"TITLE".as_ptr(), 0).is_null());
        assert_eq!(melisma_lost_samples(null()), 0);
        melisma_close(null_mut());
        melisma_free(null_mut(), 0);

        let bytes_of_file = file();
        let file = melisma_open_memory(bytes_of_file.as_ptr(), bytes_of_file.len());
        told(melisma_info(file, null_mut()) == MelismaStatus::Invalid, "info is NULL");
        told(melisma_read(file, null_mut(), 4) == -1, "out is NULL");
        told(melisma_read(file, out.as_mut_ptr(), usize::MAX) == -1, "out cannot have");
        told(melisma_read(file, out.as_mut_ptr(), usize::MAX / 8) == -1, "out cannot have");
        assert_eq!(melisma_read(file, null_mut(), 0), 0);
        assert!(melisma_tag(file, null(), 0).is_null());
        melisma_close(file);

        let encode = |channels, rate, settings: MelismaSettings, bytes: &mut usize| {
            melisma_encode(samples.as_ptr(), 4, channels, rate, &settings, bytes).is_null()
        };
        let usual = melisma_default_settings();
        told(encode(0, 44_100, usual, &mut bytes), "0 channels");
        told(encode(2, 96_000, usual, &mut bytes), "96000 Hz");
        told(encode(2, 0, usual, &mut bytes), "0 Hz");
        told(encode(2, 44_100, MelismaSettings { bitrate: 1, ..usual }, &mut bytes), "1 bit/s");
        told(encode(2, 44_100, MelismaSettings { quality: f32::NAN, ..usual }, &mut bytes), "NaN");
        told(encode(2, 44_100, MelismaSettings { tune: 9, ..usual }, &mut bytes), "tune is 9");
        told(melisma_encode(null(), 4, 2, 44_100, null(), &mut bytes).is_null(), "pcm is NULL");
        told(
            melisma_encode(samples.as_ptr(), usize::MAX, 2, 44_100, null(), &mut bytes).is_null(),
            "cannot have",
        );
        told(melisma_encode(samples.as_ptr(), 4, 2, 44_100, null(), null_mut()).is_null(), "bytes is NULL");
        assert_eq!(CStr::from_ptr(melisma_version()).to_str(), Ok(env!("CARGO_PKG_VERSION")));
    }
}

#[test]
fn any_damage_is_survived() {
    let whole = file();
    let mut random = melisma_signal::Random::at(1, &[7]);
    let mut lost = 0;
    for _ in 0..40 {
        let mut bytes = whole.clone();
        for _ in 0..20 {
            let place = random.below(bytes.len() as u64) as usize;
            bytes[place] ^= random.below(255) as u8 + 1;
        }
        // SAFETY: as above.
        unsafe {
            let file = melisma_open_memory(bytes.as_ptr(), bytes.len());
            if file.is_null() {
                assert!(!last_error().is_empty());
                continue;
            }
            let mut out = vec![0f32; 2 << 16];
            let mut total = 0;
            loop {
                let count = melisma_read(file, out.as_mut_ptr(), 1 << 16);
                assert!(count >= 0, "{}", last_error());
                total += count;
                if count == 0 {
                    break;
                }
            }
            assert!(total < 60 * 44_100);
            lost += melisma_lost_samples(file);
            assert!(melisma_sketch(file, null_mut(), null_mut(), 0) >= 0, "{}", last_error());
            melisma_close(file);
        }
    }
    assert!(lost > 0, "nothing was damaged: this proves nothing");
}
