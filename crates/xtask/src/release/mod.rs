//! Everything that a release hands out, in one folder.
//!
//! ```text
//! source -cargo, for musl-> program -prefix-> bin, manual, completions, desktop -archive, deb-> .tar.gz, .deb
//!        -maturin-> wheel    -package.mjs, npm-> .tgz    -cargo package-> .crate    -cargo cyclonedx-> .cdx.json
//! all of them -checksums-> SHA256SUMS
//! ```
//!
//! | question | file |
//! |---|---|
//! | what if something fails on the way? | [`folder`] |
//! | what does the program bring along, and where does it lie? | [`prefix`] |
//! | how is one kind made? | [`archive`], [`deb`], [`wheel`], [`npm`], [`crates`], [`sbom`] |
//! | what if a tool is missing? | [`tool`] |

mod archive;
mod checksums;
mod crates;
mod deb;
mod folder;
mod npm;
mod prefix;
mod sbom;
mod tool;
mod wheel;

use anyhow::{Context, Result};
use cargo_metadata::{Metadata, MetadataCommand, Package};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Flags of the chore.
#[derive(clap::Args)]
pub struct Options {
    /// Make these alone; what else lies in the folder stays.
    #[arg(long, value_delimiter = ',', value_name = "KIND")]
    only: Vec<Kind>,
    /// Folder of the release. It changes when all is made, and not at all if something fails.
    #[arg(short, long, value_name = "DIR", default_value = "dist")]
    output: PathBuf,
}

/// What a release consists of.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// The program for any Linux on x86-64, with manual and completions, as .tar.gz.
    Binary,
    /// The same for Debian and its relatives.
    Deb,
    /// For Python.
    Wheel,
    /// For browsers and Node.
    Npm,
    /// For Rust, as crates.io takes them.
    Crates,
    /// What the program is built from, as a CycloneDX bill of materials.
    Sbom,
}

/// What is released.
struct Release {
    /// The checkout.
    root: PathBuf,
    /// Where Cargo builds.
    target: PathBuf,
    /// The same of all crates.
    version: String,
    /// Names of the crates that are published.
    published: Vec<String>,
    /// Time of the commit, in seconds since 1970: archives of the same source are equal.
    epoch_seconds: String,
}

/// Makes what was asked for, and puts it into the folder at once.
pub fn run(options: &Options) -> Result<()> {
    let release = Release::of_checkout()?;
    let folder = folder::Folder::begin(&options.output)?;
    let wanted = |kind: Kind| options.only.is_empty() || options.only.contains(&kind);
    let make = |kind: Kind, name: &str, how: &dyn Fn(&Release, &Path) -> Result<()>| -> Result<()> {
        if !wanted(kind) {
            return Ok(());
        }
        eprintln!("== {name}");
        let begin = Instant::now();
        how(&release, folder.path()).with_context(|| format!("the {name} cannot be made"))?;
        eprintln!("   {name}: {:.0} s", begin.elapsed().as_secs_f64());
        Ok(())
    };
    if wanted(Kind::Binary) || wanted(Kind::Deb) {
        eprintln!("== program");
        prefix::make(&release).context("the program cannot be made")?;
    }
    make(Kind::Binary, "archive of the program", &archive::make)?;
    make(Kind::Deb, "package for Debian", &deb::make)?;
    make(Kind::Wheel, "wheel for Python", &wheel::make)?;
    make(Kind::Npm, "package for npm", &npm::make)?;
    make(Kind::Crates, "crates", &crates::make)?;
    make(Kind::Sbom, "bill of materials", &sbom::make)?;
    if !options.only.is_empty() {
        folder.keep_others(&release.version)?;
    }
    for name in folder.finish()? {
        println!("{}", options.output.join(name).display());
    }
    Ok(())
}

impl Release {
    fn of_checkout() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
        let metadata = MetadataCommand::new().manifest_path(root.join("Cargo.toml")).no_deps().exec()?;
        let Metadata { packages, target_directory, .. } = metadata;
        let program = packages.iter().find(|package| package.name.as_str() == "melisma");
        let version = program.context("there is no crate `melisma`")?.version.to_string();
        // A list of registries that a crate may go to; an empty one means none.
        let is_published = |package: &&Package| package.publish.as_ref().is_none_or(|to| !to.is_empty());
        let published =
            packages.iter().filter(is_published).map(|package| package.name.to_string()).collect();
        let commit = tool::Tool::new("git", "apt install git");
        let epoch_seconds =
            commit.output(commit.command().current_dir(&root).args(["log", "-1", "--format=%ct"]))?;
        Ok(Self { root, target: target_directory.into(), version, published, epoch_seconds })
    }
}
