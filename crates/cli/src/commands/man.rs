//! `melisma man`: the manual, made from the same text as `--help`.

use crate::arguments::Arguments;
use crate::exit::Outcome;
use crate::output::{ByteSink, DataOut, Target};
use crate::{examples, message};
use clap::CommandFactory;
use std::io::Write;
use std::path::PathBuf;

/// Flags of `man`.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::MAN)]
pub struct ManArguments {
    /// Directory for melisma.1, melisma-encode.1, ...; without it the main page goes to stdout
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Overwrite what is there
    #[arg(short, long)]
    force: bool,
}

impl ManArguments {
    /// Prints or writes the pages.
    pub fn run(self) -> anyhow::Result<Outcome> {
        let mut program = Arguments::command();
        program.build();
        let Some(directory) = self.directory else {
            DataOut.write_all(&page(program)?)?;
            DataOut.flush()?;
            return Ok(Outcome::Success);
        };
        let mut pages = vec![("melisma.1".to_owned(), program.clone())];
        add_pages(&program, &mut pages);
        for (name, command) in pages {
            let path = directory.join(name);
            let mut sink = ByteSink::open(&Target::File(path.clone()), self.force)?;
            sink.write(&page(command)?)?;
            sink.finish()?;
            message::say(&path.display().to_string());
        }
        Ok(Outcome::Success)
    }
}

/// The pages of all commands below `command`.
fn add_pages(command: &clap::Command, pages: &mut Vec<(String, clap::Command)>) {
    for command in command.get_subcommands().filter(|command| command.get_name() != "help") {
        // `build` gave each the hyphenated name that man wants: melisma-encode(1).
        let name = command.get_display_name().unwrap_or_else(|| command.get_name());
        pages.push((format!("{name}.1"), command.clone()));
        add_pages(command, pages);
    }
}

fn page(command: clap::Command) -> std::io::Result<Vec<u8>> {
    let mut roff = Vec::new();
    clap_mangen::Man::new(command).render(&mut roff)?;
    Ok(roff)
}
