//! Golden vectors decode to the same symbols and, within one step of 16 bits, to the same sound: in debug and release,
//! on every machine, with any number of threads. `cargo run --release -p xtask -- golden` makes them.

use melisma_codec::{Models, decode, inspect, symbol_hash};
use std::{collections::BTreeSet, fs, path::PathBuf};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors")
}

fn read(name: &str) -> Vec<u8> {
    let path = folder().join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The line of `expected.tsv` about one vector, split at its tabs.
fn expected(name: &str) -> Vec<String> {
    let table = String::from_utf8(read("expected.tsv")).unwrap();
    let line = table.lines().find(|line| line.split('\t').next() == Some(name));
    line.unwrap_or_else(|| panic!("no line about {name}")).split('\t').map(str::to_owned).collect()
}

fn names() -> BTreeSet<String> {
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let names: BTreeSet<String> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "mlsm"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    assert!(names.len() >= 4, "vectors are missing: {names:?}");
    names
}

fn check(name: &str, threads: usize) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let (file, expected) = (read(&format!("{name}.mlsm")), expected(name));
    let hash = symbol_hash(&file, &Models::default()).unwrap();
    assert_eq!((hash.damaged, hash.sections.to_string()), (0, expected[4].clone()), "{name}");
    assert_eq!(format!("{:016x}", hash.hash), expected[5], "{name}: other symbols");

    let decoded = pool.install(|| decode(&file)).unwrap();
    assert_eq!(decoded.damage, [], "{name}");
    let format = [
        decoded.pcm.sample_rate_hz.to_string(),
        decoded.pcm.channel_count().to_string(),
        decoded.pcm.samples().to_string(),
    ];
    assert_eq!(format, expected[1..4], "{name}");
    let golden = read(&format!("{name}.s16"));
    assert_eq!(golden.len(), 2 * decoded.pcm.channel_count() * decoded.pcm.samples(), "{name}");
    let channels = &decoded.pcm.channels;
    for (at, pair) in golden.chunks_exact(2).enumerate() {
        let sample = channels[at % channels.len()][at / channels.len()];
        let ours = (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i32;
        let theirs = i32::from(i16::from_le_bytes([pair[0], pair[1]]));
        // Another order of float additions moves a sample by 2^-20 or so, and may tip one rounding: one step.
        assert!((ours - theirs).abs() <= 1, "{name} sample {at}: {ours} instead of {theirs}");
    }
}

#[test]
fn one_thread_decodes_the_golden_vectors() {
    for name in names() {
        check(&name, 1);
    }
}

#[test]
fn three_threads_decode_the_golden_vectors() {
    for name in names() {
        check(&name, 3);
    }
}

/// A hash that did not depend on the symbols would pass the tests above.
#[test]
fn the_hash_tells_symbols_apart() {
    let hashes: BTreeSet<u64> = names()
        .iter()
        .map(|name| symbol_hash(&read(&format!("{name}.mlsm")), &Models::default()).unwrap().hash)
        .collect();
    assert_eq!(hashes.len(), names().len());

    let file = read("mono-8k-mse.mlsm");
    let whole = symbol_hash(&file, &Models::default()).unwrap();
    let second = inspect(file.as_slice()).unwrap().sections[1].clone();
    let mut damaged = file;
    damaged[(second.byte_offset + second.bytes / 2) as usize] ^= 1;
    let hash = symbol_hash(&damaged, &Models::default()).unwrap();
    assert_eq!((hash.sections, hash.damaged), (whole.sections - 1, 1));
    assert_ne!(hash.hash, whole.hash);
}
