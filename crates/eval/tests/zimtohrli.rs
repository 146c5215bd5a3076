//! Our zimtohrli gives the distances of the Python package, on synthesised sound and on real music.
//!
//! Runs where a Python with numpy and zimtohrli 0.2.1 (`MELISMA_PYTHON`, default `python3`) is there; real music
//! needs `MELISMA_TEST_MUSIC` and soundfile and scipy, too, and takes lame and opus-tools in if they are installed.

mod common;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use melisma_eval::metrics::zimtohrli;

/// The package sums windows of 40 values as differences of f32 totals that grow to some 10^4: an error of
/// 2^-24 * 10^4 / 40, or 1e-5 of each mean and variance, of either sign; over 10^5 cells 1e-7 of the distance is
/// left. Ours lets slow filters run at lower rates (magnitudes within 0.2 %, in both signals alike), which may
/// tip the balance between two equally good steps of the warping path now and then.
fn tolerance(distance: f64) -> f64 {
    3e-7 + 5e-4 * distance
}

fn check(files: &[PathBuf]) -> Result<(), String> {
    let python = common::python();
    common::has_packages(&python, "numpy, zimtohrli")?;
    let (mut wrong, mut worst) = (Vec::new(), 0.0_f64);
    let files: Vec<OsString> = files.iter().map(|f| f.clone().into_os_string()).collect();
    common::for_each_pair("pyohrli.py", &files, |pair, reference, decoded| {
        let spectrogram = |signal: &[f32]| zimtohrli::analyse(signal).expect("long enough");
        let ours = zimtohrli::distance(&spectrogram(reference), &spectrogram(decoded));
        let theirs = pair["distance"].as_f64().expect("a distance");
        let share = (ours - theirs).abs() / tolerance(theirs);
        worst = worst.max(share);
        if share.is_nan() || share > 1.0 {
            wrong.push(format!("{pair}: {ours}"));
        }
    });
    eprintln!("at worst {worst:.2} of the tolerance");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[test]
fn agrees_on_synthesised_sound() {
    if let Err(why) = check(&[]) {
        eprintln!("skipped: {why}");
    }
}

#[test]
fn agrees_on_real_music() {
    let Some(music) = std::env::var_os("MELISMA_TEST_MUSIC") else {
        eprintln!("skipped: MELISMA_TEST_MUSIC is not set");
        return;
    };
    if let Err(why) = common::has_packages(&common::python(), "soundfile, scipy")
        .and_then(|()| check(&common::some_clips(Path::new(&music))))
    {
        eprintln!("skipped: {why}");
    }
}
