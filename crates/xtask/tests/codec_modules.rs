//! The rooms of the `codec` crate: which module may know which. The arrows are read from the `crate::` and `super::`
//! paths of the sources, drawn below, and must make no circle but those named with their reason.
//!
//! A room is a file or folder of the crate: of `music`, and of `music::encode` within it, each file or folder is a room of
//! its own. What only tests use does not count.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Each room and the rooms that it uses, from the innermost out: a room comes behind all that it uses, but for
/// [`CIRCLES`].
const ROOMS: [(&str, &[&str]); 38] = [
    ("error", &["container"]),
    ("container", &["error"]),
    ("latent", &["container"]),
    // What a decoder needs.
    ("music::parallel", &[]),
    ("music::geometry", &["container", "error"]),
    ("music::step", &[]),
    ("music::sketch", &["container", "music::geometry", "music::step"]),
    ("music::stereo", &["music::sketch"]),
    ("music::blocks", &["music::geometry", "music::sketch", "music::step"]),
    ("music::detail", &["container", "music::blocks", "music::geometry"]),
    ("music::model", &["container", "music::detail", "music::sketch"]),
    (
        "music::section",
        &[
            "music::blocks",
            "music::detail",
            "music::geometry",
            "music::model",
            "music::sketch",
            "music::step",
        ],
    ),
    (
        "music::synthesis",
        &["container", "music::blocks", "music::geometry", "music::section", "music::step", "music::stereo"],
    ),
    ("music::models", &["container", "error", "music::model"]),
    ("music::join", &["music::geometry", "music::section"]),
    (
        "music::decoder",
        &[
            "container",
            "error",
            "music::geometry",
            "music::join",
            "music::model",
            "music::models",
            "music::parallel",
            "music::section",
            "music::synthesis",
        ],
    ),
    ("music::symbol_hash", &["container", "error", "music::geometry", "music::models", "music::section"]),
    (
        "music::picture",
        &["music::blocks", "music::geometry", "music::section", "music::sketch", "music::step"],
    ),
    (
        "music::sketch_reader",
        &[
            "container",
            "error",
            "music::geometry",
            "music::model",
            "music::models",
            "music::picture",
            "music::section",
        ],
    ),
    (
        "music::push_decoder",
        &[
            "container",
            "error",
            "music::decoder",
            "music::models",
            "music::parallel",
            "music::picture",
            "music::sketch_reader",
        ],
    ),
    ("inspect", &["container", "error", "latent", "music::geometry", "music::section"]),
    // What only an encoder needs.
    ("music::encode::tuning", &["container", "music::sketch"]),
    ("music::encode::config", &["container", "music::encode::tuning", "music::model"]),
    (
        "music::encode::partition",
        &["music::encode::tuning", "music::geometry", "music::sketch", "music::step", "music::stereo"],
    ),
    (
        "music::encode::rotation",
        &["music::encode::tuning", "music::geometry", "music::sketch", "music::stereo"],
    ),
    ("music::encode::smooth_scales", &["music::geometry", "music::sketch", "music::step"]),
    (
        "music::encode::scales",
        &[
            "music::encode::smooth_scales",
            "music::encode::tuning",
            "music::geometry",
            "music::sketch",
            "music::step",
        ],
    ),
    (
        "music::encode::analysis",
        &[
            "music::encode::partition",
            "music::encode::rotation",
            "music::encode::scales",
            "music::encode::tuning",
            "music::geometry",
            "music::section",
            "music::sketch",
        ],
    ),
    (
        "music::encode::scan",
        &[
            "music::encode::analysis",
            "music::encode::tuning",
            "music::geometry",
            "music::sketch",
            "music::step",
            "music::stereo",
        ],
    ),
    (
        "music::encode::quantise",
        &[
            "music::blocks",
            "music::detail",
            "music::encode::tuning",
            "music::geometry",
            "music::section",
            "music::sketch",
            "music::step",
        ],
    ),
    (
        "music::encode::coding",
        &[
            "music::encode::analysis",
            "music::encode::quantise",
            "music::encode::scan",
            "music::encode::tuning",
            "music::geometry",
            "music::model",
            "music::section",
            "music::step",
        ],
    ),
    ("music::encode::estimate", &["music::encode::coding", "music::encode::scan", "music::geometry"]),
    (
        "music::encode::rate",
        &["error", "music::encode::coding", "music::encode::config", "music::encode::estimate"],
    ),
    (
        "music::encode::encoder",
        &[
            "container",
            "error",
            "music::encode::analysis",
            "music::encode::coding",
            "music::encode::config",
            "music::encode::rate",
            "music::encode::tuning",
            "music::geometry",
            "music::model",
            "music::parallel",
        ],
    ),
    (
        "music::training",
        &[
            "container",
            "error",
            "music::blocks",
            "music::detail",
            "music::encode::config",
            "music::encode::encoder",
            "music::geometry",
            "music::model",
            "music::section",
        ],
    ),
    // Folders that only list what is in them.
    ("music", &[]),
    ("music::encode", &[]),
    ("lib", &[]),
];

/// Arrows that point outward, and why they may.
const CIRCLES: [(&str, &str, &str); 1] = [(
    "error",
    "container",
    "an error names the model that a file needs by its hash, which the header of such files defines",
)];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../codec/src")
}

/// The room of a path below the crate's root.
fn room(path: &[String]) -> String {
    let depth = match path {
        [music, encode, _, ..] if music == "music" && encode == "encode" => 3,
        [music, _, ..] if music == "music" => 2,
        _ => 1,
    };
    path[..depth].join("::")
}

/// `[file]`: its module path below the crate's root, and its text without comments and without its tests.
fn files() -> Vec<(Vec<String>, String)> {
    fn visit(folder: &Path, module: &[String], out: &mut Vec<(Vec<String>, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let inner = [module, std::slice::from_ref(&name)].concat();
            if path.is_dir() {
                visit(&path, &inner, out);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("\n#[cfg(test)]\n").next().unwrap_or_default();
            let lines = code.lines().map(|line| line.split("//").next().unwrap_or_default());
            let module = if name == "mod" { module.to_vec() } else { inner };
            out.push((module, lines.collect::<Vec<_>>().join("\n")));
        }
    }
    let mut out = Vec::new();
    visit(&source(), &[], &mut out);
    out
}

/// All paths that begin with `root` (such as `crate`) in some code, without it; lists in braces give one path each.
fn paths(code: &str, root: &str) -> Vec<Vec<String>> {
    let start = format!("{root}::");
    let mut found = Vec::new();
    for (at, _) in code.match_indices(&start) {
        let before = code[..at].chars().next_back();
        if before.is_none_or(|before| !before.is_alphanumeric() && before != '_' && before != ':') {
            read_tree(&mut code[at + start.len()..].trim_start(), &[], &mut found);
        }
    }
    found
}

/// Reads one tree of a `use`, or one plain path, off the front of `code`.
fn read_tree(code: &mut &str, prefix: &[String], found: &mut Vec<Vec<String>>) {
    if let Some(list) = code.strip_prefix('{') {
        *code = list.trim_start();
        while !code.starts_with('}') && !code.is_empty() {
            read_tree(code, prefix, found);
            let end = code.find([',', '}']).unwrap_or(code.len());
            *code = code[end..].trim_start_matches(',').trim_start();
        }
        *code = code.strip_prefix('}').unwrap_or(code);
        return;
    }
    let length = code.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(code.len());
    let (name, rest) = code.split_at(length);
    let path = if name.is_empty() { prefix.to_vec() } else { [prefix, &[name.to_owned()]].concat() };
    *code = rest;
    match rest.strip_prefix("::") {
        Some(rest) => {
            *code = rest.trim_start();
            read_tree(code, &path, found);
        }
        None => found.push(path),
    }
}

/// Where the names that `lib.rs` gives out live: name -> path.
fn exports(files: &[(Vec<String>, String)]) -> BTreeMap<String, Vec<String>> {
    let lib = &files.iter().find(|(module, _)| *module == ["lib"]).expect("lib.rs").1;
    let given_out = ["container", "error", "latent", "music"].map(|module| {
        paths(lib, module).into_iter().map(move |path| [vec![module.to_owned()], path].concat())
    });
    given_out.into_iter().flatten().filter_map(|path| Some((path.last()?.clone(), path.clone()))).collect()
}

/// `[room]`: the other rooms that it uses.
fn arrows() -> BTreeMap<String, BTreeSet<String>> {
    let files = files();
    let exports = exports(&files);
    let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (module, code) in &files {
        let own = room(module);
        let uses = arrows.entry(own.clone()).or_default();
        if own == "lib" {
            continue;
        }
        let above = module[..module.len() - 1].to_vec();
        let relative = paths(code, "super").into_iter().map(|path| [above.clone(), path].concat());
        for path in paths(code, "crate").into_iter().chain(relative) {
            let path = exports.get(&path[0]).unwrap_or(&path);
            let used = room(path);
            assert!(used != "music" && used != "music::encode", "{own}: {path:?} hides what is used");
            if used != own {
                uses.insert(used);
            }
        }
    }
    arrows
}

#[test]
fn arrows_between_rooms_point_as_drawn() {
    let drawn: BTreeMap<String, BTreeSet<String>> = ROOMS
        .iter()
        .map(|(room, uses)| ((*room).to_owned(), uses.iter().map(|&used| used.to_owned()).collect()))
        .collect();
    let there = arrows();
    for room in there.keys().chain(drawn.keys()).collect::<BTreeSet<_>>() {
        assert_eq!(there.get(room), drawn.get(room), "{room}: left what it uses, right what is drawn");
    }
}

#[test]
fn no_circles_but_those_with_a_reason() {
    let position = |room: &str| ROOMS.iter().position(|(name, _)| *name == room).expect("a drawn room");
    for (room, uses) in ROOMS {
        for used in uses {
            let outward = position(used) > position(room);
            let named = CIRCLES.iter().any(|(from, to, _)| from == &room && to == used);
            assert_eq!(outward, named, "{room} uses {used}, which is drawn behind it");
        }
    }
    // What decodes is built without what encodes.
    for (room, uses) in
        ROOMS.iter().filter(|(room, _)| !room.contains("encode") && *room != "music::training")
    {
        assert!(uses.iter().all(|used| !used.contains("encode")), "{room}: {uses:?}");
    }
}

#[test]
fn paths_are_read_as_rust_reads_them() {
    let code = "use crate::{\n    Error,\n    a::{b::{C, d}, self, E as F},\n};\nfn f(x: crate::g::H<u8>) {}\nother_crate::x();";
    let joined: Vec<String> = paths(code, "crate").iter().map(|path| path.join("::")).collect();
    assert_eq!(joined, ["Error", "a::b::C", "a::b::d", "a::self", "a::E", "g::H"]);
    assert_eq!(paths("use super::super::x::Y;", "super"), [["super", "x", "Y"]]);
}
