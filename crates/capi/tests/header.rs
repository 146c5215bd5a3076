//! `include/melisma.h` says what the library does: it is what cbindgen makes of the sources.
//! `MELISMA_UPDATE_EXPECTED=1 cargo test --workspace --test header` writes it anew.

use std::{fs, path::Path};

#[test]
fn the_header_is_up_to_date() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(here.join("cbindgen.toml")).unwrap();
    let bindings = cbindgen::Builder::new().with_crate(here).with_config(config).generate().unwrap();
    let mut made = Vec::new();
    bindings.write(&mut made);
    // What a Rust caller promises, a C caller reads in the line above it.
    let made = without_safety(&String::from_utf8(made).unwrap());
    let file = here.join("include/melisma.h");
    if std::env::var_os("MELISMA_UPDATE_EXPECTED").is_some() {
        fs::write(&file, &made).unwrap();
    }
    let there = fs::read_to_string(&file).unwrap();
    assert!(there == made, "include/melisma.h is out of date: see the head of this test");
    for name in ["melisma_open", "melisma_read", "melisma_seek", "melisma_sketch", "melisma_encode"] {
        assert!(there.contains(&format!("{name}(")), "{name} is missing");
    }
}

/// The section of Rust's documentation that tells what `unsafe` needs is for Rust.
fn without_safety(header: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    let mut inside = false;
    for line in header.lines() {
        if line.trim() == "// # Safety" {
            inside = true;
            // And the empty line before it.
            if lines.last().is_some_and(|last| last.trim() == "//") {
                lines.pop();
            }
        }
        inside &= line.trim_start().starts_with("//");
        if !inside {
            lines.push(line);
        }
    }
    lines.join("\n") + "\n"
}
