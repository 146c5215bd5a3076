//! The program as an archive: `tar -xzf ARCHIVE --strip-components 1 -C ~/.local` installs it.

use super::tool::Tool;
use super::{Release, prefix::TRIPLE};
use anyhow::Result;
use std::path::Path;

const TAR: Tool = Tool::new("tar", "apt install tar");

/// Packs the prefix.
pub fn make(release: &Release, folder: &Path) -> Result<()> {
    let name = format!("melisma-{}-{TRIPLE}", release.version);
    TAR.ensure_installed()?;
    let mut pack = TAR.command();
    pack.arg("-C").arg(release.prefix());
    // Bytes that follow from the source alone.
    pack.args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mode=u=rwX,go=rX"]);
    pack.arg(format!("--mtime=@{}", release.epoch_seconds)).arg(format!("--transform=s,^\\.,{name},"));
    TAR.run(
        pack.args(["--use-compress-program=gzip -9n", "-cf"])
            .arg(folder.join(format!("{name}.tar.gz")))
            .arg("."),
    )
}
