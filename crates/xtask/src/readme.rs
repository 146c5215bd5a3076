//! Generated tables into the README: whatever stands between
//! `<!-- results:begin NAME -->` and `<!-- results:end NAME -->` becomes the text of `docs/results/NAME.md`.

use anyhow::{Context, Result, bail, ensure};
use std::{fs, path::Path};

/// What to do with a README that is not up to date.
#[derive(clap::Args)]
pub struct Options {
    /// Change nothing; fail if the README differs from the results.
    #[arg(long)]
    check: bool,
}

/// What stands in for results that nobody has measured.
const MISSING: &str = "*Not measured yet.*";

/// Brings README.md up to date, or checks that it is.
pub fn run(options: &Options) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = root.join("README.md");
    let old = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let new = filled(&old, |name| {
        let results = root.join("docs/results").join(name).with_extension("md");
        match fs::read_to_string(&results) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(MISSING.to_owned()),
            other => other.with_context(|| format!("cannot read {}", results.display())),
        }
    })?;
    if old == new {
        return Ok(());
    }
    if options.check {
        bail!("README.md differs from docs/results; run `cargo run -p xtask -- readme`");
    }
    fs::write(&path, new).with_context(|| format!("cannot write {}", path.display()))
}

/// `text` with every marked part replaced by what `results` gives for its name.
fn filled(text: &str, results: impl Fn(&str) -> Result<String>) -> Result<String> {
    const BEGIN: &str = "<!-- results:begin ";
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(BEGIN) {
        let after = &rest[at + BEGIN.len()..];
        let name = &after[..after.find(" -->").context("a marker in README.md is not closed by ` -->`")?];
        ensure!(
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'),
            "README.md: `{name}` is no name of a result"
        );
        let end = format!("<!-- results:end {name} -->");
        let close = after.find(&end).with_context(|| format!("README.md has no `{end}`"))?;
        out.push_str(&rest[..at]);
        out.push_str(&format!("{BEGIN}{name} -->\n{}\n{end}", results(name)?.trim()));
        rest = &after[close + end.len()..];
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_between_markers_is_replaced_and_nothing_else() {
        let text = "a\n<!-- results:begin x-1 -->\nold\n<!-- results:end x-1 -->\nb\n";
        let new = filled(text, |name| Ok(format!("\nnew {name}\n"))).unwrap();
        assert_eq!(new, "a\n<!-- results:begin x-1 -->\nnew x-1\n<!-- results:end x-1 -->\nb\n");
        assert_eq!(filled(&new, |name| Ok(format!("new {name}"))).unwrap(), new);
    }

    #[test]
    fn broken_markers_are_errors() {
        for text in [
            "<!-- results:begin x",
            "<!-- results:begin x -->",
            "<!-- results:begin ../x -->\n<!-- results:end ../x -->",
            "<!-- results:begin x -->\n<!-- results:end y -->",
        ] {
            assert!(filled(text, |_| Ok(String::new())).is_err(), "{text}");
        }
    }
}
