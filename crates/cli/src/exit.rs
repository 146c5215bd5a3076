//! How the program ends, as a number: the one table behind the code, `--help` and the man page.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Everything was done.
    #[default]
    Success,
    /// Everything was done, but an input was damaged and has gaps.
    Damaged,
    /// Something could not be done, or a check failed.
    Failure,
    /// The arguments make no sense.
    Misused,
    /// The user wanted it to end, and it ended in good order.
    Interrupted,
}

impl Outcome {
    /// The worse of two: what a batch reports.
    pub fn worse(self, other: Self) -> Self {
        self.max(other)
    }

    fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure => 1,
            Self::Misused => USAGE,
            Self::Damaged => 3,
            Self::Interrupted => INTERRUPTED,
        }
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(outcome.code())
    }
}

/// What clap, too, ends with when the arguments make no sense.
const USAGE: u8 = 2;
/// 128 + SIGINT, as shells count.
pub const INTERRUPTED: u8 = 130;

/// The table for people.
pub fn table() -> String {
    let rows = [
        (Outcome::Success.code(), "done; also when the reader of a pipe has had enough"),
        (
            Outcome::Failure.code(),
            "something could not be done, verify found a fault, or bench found something worse",
        ),
        (USAGE, "the arguments make no sense"),
        (Outcome::Damaged.code(), "done, but an input was damaged: gaps are silent, places are on stderr"),
        (INTERRUPTED, "interrupted; nothing half-written is left"),
    ];
    let lines: Vec<String> = rows.iter().map(|(code, meaning)| format!("  {code:>3}  {meaning}")).collect();
    format!("Exit codes:\n{}", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_outranks_damage_and_damage_success() {
        assert_eq!(Outcome::Success.worse(Outcome::Damaged), Outcome::Damaged);
        assert_eq!(Outcome::Failure.worse(Outcome::Damaged), Outcome::Failure);
    }
}
