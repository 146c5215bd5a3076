//! Our variables of PEAQ's basic version are those of a second implementation (`peaq.py`, numpy in double precision), and two
//! of them those of the Python package seabass-2f, on synthesised sound and on real music.
//!
//! Runs where a Python with numpy (`MELISMA_PYTHON`, default `python3`) is there, the comparison with seabass-2f 0.1.0
//! where it is installed; real music needs `MELISMA_TEST_MUSIC` and soundfile and scipy, too.

mod common;

use std::ffi::OsString;
use std::path::Path;

use melisma_eval::metrics::peaq::{Grades, PeaqReference};
use serde_json::Value;

/// Our variables by the names of the script.
fn ours(grades: &Grades) -> Vec<(&'static str, Option<f64>)> {
    let found = &grades.variables;
    vec![
        ("odg", grades.odg.filter(|_| found.total_nmr_db.is_finite())),
        ("two_f", Some(grades.two_f)),
        ("bandwidth_reference", found.bandwidths.map(|b| b[0])),
        ("bandwidth_decoded", found.bandwidths.map(|b| b[1])),
        ("total_nmr_db", Some(found.total_nmr_db).filter(|db| db.is_finite())),
        ("win_mod_diff_1", Some(found.win_mod_diff_1)),
        ("detection_steps_log", Some(found.detection_steps_log)),
        ("harmonics", found.harmonics),
        ("avg_mod_diff_1", Some(found.avg_mod_diff_1)),
        ("avg_mod_diff_2", Some(found.avg_mod_diff_2)),
        ("noise_loudness", found.noise_loudness),
        ("detection_probability", Some(found.detection_probability)),
        ("disturbed_frames", Some(found.disturbed_frames)),
    ]
}

/// Relative to values of at least 1. Ours computes patterns in f32: some 1e-6 of each energy. Where that tips a whole
/// decibel of a band's difference to the next, a step is counted or not; a bin at the edge of a bandwidth, or a frame at
/// the edge of disturbance, tips in the same way.
fn tolerance(name: &str) -> f64 {
    match name {
        "disturbed_frames" | "bandwidth_reference" | "bandwidth_decoded" | "harmonics" => 5e-3,
        _ => 1e-3,
    }
}

/// The package takes another window (symmetric), and band edges rounded to a hundredth of a hertz.
const PACKAGE_TOLERANCE: f64 = 1e-2;

fn check(packages: &str, clips: &[OsString]) {
    if let Err(why) = common::has_packages(&common::python(), packages) {
        eprintln!("skipped: {why}");
        return;
    }
    let mut wrong = Vec::new();
    let mut worst = std::collections::BTreeMap::<String, f64>::new();
    common::for_each_pair("peaq.py", clips, |pair, reference, decoded| {
        let grades = PeaqReference::new(&[reference.to_vec()]).compare(&[decoded.to_vec()]);
        let Some(grades) = grades else {
            assert!(pair["variables"].is_null(), "{pair}");
            return;
        };
        let mut compare = |source: &str, name: &str, value: Option<f64>, theirs: &Value, tolerance: f64| {
            let error = match (value, theirs.as_f64()) {
                (Some(value), Some(theirs)) => (value - theirs).abs() / theirs.abs().max(1.0),
                (None, None) => 0.0,
                _ => f64::INFINITY,
            };
            let most = worst.entry(format!("{source} {name}")).or_default();
            *most = most.max(error);
            if error.is_nan() || error > tolerance {
                wrong.push(format!("{source} {} {name}: {value:?} instead of {theirs}", pair["decoded"]));
            }
        };
        for (name, value) in ours(&grades) {
            compare("second", name, value, &pair["variables"][name], tolerance(name));
            if let Some(theirs) = pair["package"].get(name) {
                compare("package", name, value, theirs, PACKAGE_TOLERANCE);
            }
        }
    });
    worst.iter().for_each(|(name, error)| eprintln!("{name}: at worst {error:.2e}"));
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
