//! `examples/levels.c`, built by a C compiler against both libraries and run; skipped where there is no C compiler.

use melisma_codec::{EncoderConfig, Pcm};
use melisma_signal::Metadata;
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

/// The newest of the libraries that cargo built beside this test.
fn library(extension: &str) -> PathBuf {
    let deps = std::env::current_exe().unwrap().parent().unwrap().to_path_buf();
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        (name == format!("libmelisma.{extension}") || name.starts_with("libmelisma-"))
            && name.ends_with(&format!(".{extension}"))
    };
    let built =
        |path: &PathBuf| path.metadata().and_then(|data| data.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let found = [deps.as_path(), deps.parent().unwrap()]
        .into_iter()
        .flat_map(|folder| std::fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path());
    found.filter(is_ours).max_by_key(built).unwrap_or_else(|| panic!("cargo built no libmelisma.{extension}"))
}

#[test]
fn the_example_runs() {
    if cfg!(not(target_os = "linux")) || Command::new("cc").arg("--version").output().is_err() {
        println!("skipped: there is no C compiler, or it is called differently here");
        return;
    }
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    let tone = (0..9 * 8_000).map(|i| 0.5 * (i as f32 * 0.8).sin()).collect();
    let pcm = Pcm { sample_rate_hz: 8_000, channels: vec![tone] };
    let tags = vec![("TITLE".to_owned(), "A tone".to_owned())];
    let file =
        melisma_codec::encode(&pcm, &EncoderConfig::default(), &Metadata { tags, picture: None }).unwrap();
    let song = folder.path().join("song.mlsm");
    std::fs::write(&song, file).unwrap();
    for extension in ["so", "a"] {
        let program = folder.path().join(format!("levels-{extension}"));
        let built = Command::new("cc")
            .args(["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I"])
            .arg(here.join("include"))
            .arg(here.join("examples/levels.c"))
            .arg(library(extension))
            .args(["-lm", "-lpthread", "-ldl", "-o"])
            .arg(&program)
            .output()
            .unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        let part = folder.path().join(format!("part-{extension}.mlsm"));
        let run = Command::new(&program)
            .env("LD_LIBRARY_PATH", library("so").parent().unwrap())
            .args([&song, &part])
            .output()
            .unwrap();
        let (said, wrong) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
        assert!(run.status.success(), "{said}{wrong}");
        assert!(said.starts_with("A tone: 9.00 s, 8000 Hz, 1 channels\n"), "{said}");
        // Half of full scale is -9.03 dB, which the codec keeps to a tenth.
        for second in 0..9 {
            let level = said.lines().find_map(|line| line.strip_prefix(&format!("second {second}: ")));
            let level: f64 = level.and_then(|level| level.strip_suffix(" dB")?.parse().ok()).expect(&said);
            assert!((level + 9.03).abs() < 0.2, "{said}");
        }
        // 0.8 radians a sample are 1019 Hz, in the band from 920 to 1080 Hz.
        assert!(said.contains("loudest band: 8 of 24"), "{said}");
        let decoded = melisma_codec::decode(&std::fs::read(&part).unwrap()).unwrap();
        assert_eq!(decoded.pcm.samples(), 9 * 4_000);
        let refused = Command::new(&program)
            .env("LD_LIBRARY_PATH", library("so").parent().unwrap())
            .args([Path::new("/nowhere.mlsm"), &part])
            .output()
            .unwrap();
        let wrong = String::from_utf8_lossy(&refused.stderr);
        assert!(refused.status.code() == Some(1) && wrong.contains("/nowhere.mlsm"), "{wrong}");
    }
}
