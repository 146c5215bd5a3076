//! The `melisma` program: reads its arguments, runs one command, says how it ended.
//!
//! stdout carries data and nothing else; progress, warnings and errors go to stderr. A closed pipe is
//! success, Ctrl-C leaves nothing half-written, and every way to end has a number ([`exit`]).

mod arguments;
mod batch;
mod commands;
mod delete;
mod due;
mod effort;
mod encode_file;
mod examples;
mod excerpt;
mod exit;
mod failure;
mod gain;
mod input;
mod interrupt;
mod library;
mod message;
mod output;
mod output_name;
mod plan;
mod progress;
mod record;
mod retag_file;
mod revision;
mod text;
mod threads;
mod undo_log;
mod values;
mod walk;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    interrupt::install();
    failure::look_for_programs(std::env::args_os().skip(1));
    let arguments = match arguments::Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => failure::end_with_usage(&error),
    };
    match commands::run(arguments) {
        Ok(outcome) => outcome.into(),
        Err(_) if output::reader_left() => exit::Outcome::Success.into(),
        Err(error) => {
            failure::tell_last(&error);
            let outcome =
                if message::is_misuse(&error) { exit::Outcome::Misused } else { exit::Outcome::Failure };
            outcome.into()
        }
    }
}
