//! The recorded results, as pages show them: README.md has a summary, docs/results/index.md everything.
//!
//! Whatever stands between `<!-- results:begin NAME -->` and `<!-- results:end NAME -->` in them is replaced:
//!
//! | NAME | by |
//! |---|---|
//! | `summary` | a chart and a table of five rows, from docs/results/grid: [`summary`] |
//! | `NAME-found` | what the result found, in a few sentences: [`findings`] |
//! | any other | the text of docs/results/NAME.md |

mod findings;
mod markdown;
mod summary;

use anyhow::{Context, Result, bail, ensure};
use std::{fs, path::Path};

/// What to do with pages that are not up to date.
#[derive(clap::Args)]
pub struct Options {
    /// Change nothing; fail if a page differs from the results.
    #[arg(long)]
    check: bool,
}

/// The pages that show results.
const PAGES: [&str; 2] = ["README.md", "docs/results/index.md"];

/// What stands in for results that nobody has measured.
const MISSING: &str = "*Not measured yet.*";

/// Brings the pages up to date, or checks that they are.
pub fn run(options: &Options) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for page in PAGES {
        let path = root.join(page);
        let old = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let new = filled(&old, |name| shown(&root, name)).with_context(|| page.to_owned())?;
        if old == new {
            continue;
        }
        if options.check {
            bail!("{page} differs from docs/results; run `cargo run -p xtask -- results`");
        }
        fs::write(&path, new).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// The text that a name stands for.
fn shown(root: &Path, name: &str) -> Result<String> {
    if name == "summary" {
        return summary::text(root);
    }
    let found = name.strip_suffix("-found");
    let path = root.join("docs/results").join(found.map_or_else(|| format!("{name}.md"), findings::source));
    match (fs::read_to_string(&path), found) {
        (Err(error), _) if error.kind() == std::io::ErrorKind::NotFound => Ok(MISSING.to_owned()),
        (Ok(text), Some(found)) => {
            findings::of(found, &text).with_context(|| format!("what {} found", path.display()))
        }
        (other, _) => other.with_context(|| format!("cannot read {}", path.display())),
    }
}

/// `text` with every marked part replaced by what `results` gives for its name.
fn filled(text: &str, results: impl Fn(&str) -> Result<String>) -> Result<String> {
    const BEGIN: &str = "<!-- results:begin ";
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(BEGIN) {
        let after = &rest[at + BEGIN.len()..];
        let name = &after[..after.find(" -->").context("a marker is not closed by ` -->`")?];
        ensure!(
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'),
            "`{name}` is no name of a result"
        );
        let end = format!("<!-- results:end {name} -->");
        let close = after.find(&end).with_context(|| format!("there is no `{end}`"))?;
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
