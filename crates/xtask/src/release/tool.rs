//! Programs of others that a release is made with.

use anyhow::{Context, Result, bail, ensure};
use std::process::{Command, Stdio};

/// A program, and how to get it.
pub struct Tool {
    words: &'static str,
    hint: &'static str,
}

impl Tool {
    /// `words` is how it is called, for example `cargo deb`; `hint` the command that installs it.
    pub const fn new(words: &'static str, hint: &'static str) -> Self {
        Self { words, hint }
    }

    /// The start of a command line.
    pub fn command(&self) -> Command {
        let mut words = self.words.split(' ');
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words);
        command
    }

    /// An error that says how to get the tool, if it does not answer to `--version`.
    pub fn ensure_installed(&self) -> Result<()> {
        let answer = self.command().arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        ensure!(answer.is_ok_and(|status| status.success()), "{}", self.missing());
        Ok(())
    }

    /// Runs a command line of it, whose words are seen on the terminal.
    pub fn run(&self, command: &mut Command) -> Result<()> {
        // What others print is talk, whereas stdout has the list of files.
        command.stdout(std::io::stderr());
        let status = command.status().with_context(|| self.missing())?;
        ensure!(status.success(), "`{}` failed ({status}); what it said is above", shown(command));
        Ok(())
    }

    /// What a command line of it prints, without the last line's end.
    pub fn output(&self, command: &mut Command) -> Result<String> {
        let output = command.output().with_context(|| self.missing())?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("`{}` failed ({}): {}", shown(command), output.status, said.trim());
        }
        Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
    }

    fn missing(&self) -> String {
        format!("`{}` is not installed: {}", self.words, self.hint)
    }
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// The compiler's own driver, which runs this chore.
pub const CARGO: Tool = Tool::new("cargo", "https://rustup.rs");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_tool_is_named_with_how_to_get_it() {
        let tool = Tool::new("no-such-tool pack", "apt install no-such-tool");
        let expected = "`no-such-tool pack` is not installed: apt install no-such-tool";
        assert_eq!(tool.ensure_installed().unwrap_err().to_string(), expected);
        assert_eq!(tool.run(&mut tool.command()).unwrap_err().to_string(), expected);
        assert_eq!(tool.output(&mut tool.command()).unwrap_err().to_string(), expected);
    }

    #[test]
    fn a_failure_is_told_with_its_command() {
        let error = CARGO.output(CARGO.command().arg("no-such-command")).unwrap_err().to_string();
        assert!(error.starts_with("`cargo no-such-command` failed (exit status: 101): "), "{error}");
    }
}
