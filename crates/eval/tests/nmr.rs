//! Our noise-to-mask ratio is that of an independent numpy implementation, on synthesised sound and on real music.
//!
//! Runs where `MELISMA_YARDSTICK` (the folder with its `nmr.py`) and a Python with numpy (`MELISMA_PYTHON`, default
//! `python3`) are there; real music needs `MELISMA_TEST_MUSIC` and soundfile and scipy, too, and takes lame and
//! opus-tools in if they are installed.

mod common;

use std::ffi::OsString;
use std::path::Path;

use melisma_eval::metrics::nmr::NmrReference;

/// In dB. Both sides transform in f64; ours keeps bands in f32, whose relative error of 2^-24 is 3e-7 dB, and sums some
/// hundred of them.
const TOLERANCE_DB: f64 = 1e-4;

fn check(packages: &str, clips: &[OsString]) {
    let Some(yardstick) = std::env::var_os("MELISMA_YARDSTICK") else {
        eprintln!("skipped: MELISMA_YARDSTICK is not set");
        return;
    };
    if let Err(why) = common::has_packages(&common::python(), packages) {
        eprintln!("skipped: {why}");
        return;
    }
    let arguments: Vec<OsString> = std::iter::once(yardstick).chain(clips.iter().cloned()).collect();
    let (mut wrong, mut worst_db) = (Vec::new(), 0.0_f64);
    common::for_each_pair("yardstick_nmr.py", &arguments, |pair, reference, decoded| {
        let ours = NmrReference::new(&[reference.to_vec()]).compare(&[decoded.to_vec()]).expect("sound");
        let error_db = (ours - pair["nmr_db"].as_f64().expect("a ratio")).abs();
        worst_db = worst_db.max(error_db);
        if error_db.is_nan() || error_db > TOLERANCE_DB {
            wrong.push(format!("{pair}: {ours}"));
        }
    });
    eprintln!("at worst {worst_db:.5} dB");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn agrees_on_synthesised_sound() {
    check("numpy", &[]);
}

#[test]
fn agrees_on_real_music() {
    let Some(music) = std::env::var_os("MELISMA_TEST_MUSIC") else {
        eprintln!("skipped: MELISMA_TEST_MUSIC is not set");
        return;
    };
    let clips: Vec<OsString> = common::some_clips(Path::new(&music)).into_iter().map(Into::into).collect();
    check("numpy, scipy, soundfile", &clips);
}
