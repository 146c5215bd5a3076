//! The commands, one file each.

pub mod analyse;
pub mod bench;
pub mod classify;
pub mod completions;
pub mod data;
pub mod decode;
pub mod demo;
pub mod duplicates;
pub mod embed;
pub mod encode;
pub mod index;
pub mod info;
pub mod labels;
pub mod ladder;
pub mod learn;
pub mod listen;
pub mod man;
pub mod map;
pub mod report;
pub mod reproduce;
pub mod similar;
pub mod tag;
pub mod train;
pub mod verify;

use crate::arguments::{Arguments, Command};
use crate::exit::Outcome;
use crate::output;

/// Runs what the arguments ask for.
pub fn run(arguments: Arguments) -> anyhow::Result<Outcome> {
    let quiet = arguments.quiet;
    if writes_files(&arguments.command) {
        output::go_on_without_reader();
    }
    match arguments.command {
        Command::Encode(command) => command.run(quiet),
        Command::Decode(command) => command.run(quiet),
        Command::Info(command) => command.run(),
        Command::Index(command) => command.run(quiet),
        Command::Similar(command) => command.run(quiet),
        Command::Duplicates(command) => command.run(quiet),
        Command::Embed(command) => command.run(quiet),
        Command::Analyse(command) => command.run(quiet),
        Command::Verify(command) => command.run(quiet),
        Command::Tag(command) => command.run(quiet),
        Command::Data(command) => command.run(quiet),
        Command::Reproduce(command) => command.run(quiet),
        Command::Train(command) => command.run(quiet),
        Command::Learn(command) => command.run(quiet),
        Command::Classify(command) => command.run(quiet),
        Command::Demo(command) => command.run(quiet),
        Command::Bench(command) => command.run(quiet),
        Command::Report(command) => command.run(quiet),
        Command::Ladder(command) => command.run(quiet),
        Command::Listen(command) => command.run(quiet),
        Command::Completions(command) => command.run(),
        Command::Map(command) => command.run(quiet),
        Command::Man(command) => command.run(),
    }
}

/// Whether a command's results are files, whatever it prints. (`encode` and `decode` may write to standard output; the
/// others print all that they find.)
fn writes_files(command: &Command) -> bool {
    match command {
        Command::Index(_)
        | Command::Tag(_)
        | Command::Data(_)
        | Command::Reproduce(_)
        | Command::Train(_)
        | Command::Learn(_)
        | Command::Classify(_)
        | Command::Demo(_)
        | Command::Bench(_)
        | Command::Report(_)
        | Command::Ladder(_)
        | Command::Listen(_)
        | Command::Map(_) => true,
        Command::Encode(_)
        | Command::Decode(_)
        | Command::Info(_)
        | Command::Similar(_)
        | Command::Duplicates(_)
        | Command::Embed(_)
        | Command::Analyse(_)
        | Command::Verify(_)
        | Command::Completions(_)
        | Command::Man(_) => false,
    }
}

/// The error of a command that this build lacks, and its remedy.
#[cfg(not(feature = "train"))]
pub fn not_built_in(what: &str) -> anyhow::Error {
    crate::message::hinted(
        format!("{what} is not part of this build"),
        "cargo install --path crates/cli --features train (with an NVIDIA card: --features cuda)",
    )
}
