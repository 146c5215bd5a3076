//! Command lines with fields: text such as `enc -b {kbps} {in} {out}` to the words of a command.
//!
//! Words are split at blanks before the fields are filled in, so a path with blanks stays one word;
//! quotes keep blanks together. No shell is involved; `sh -c '...'` is there for who wants one.

use std::path::{Path, PathBuf};

use crate::error::EvalError;

/// A command line in words, fields not yet filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    words: Vec<String>,
    /// The program's file, where it is not one that the system finds by its name.
    program: Option<PathBuf>,
}

impl Template {
    /// Splits a command line.
    ///
    /// # Errors
    /// [`EvalError::Template`] if it is empty or a quote is not closed.
    pub fn parse(text: &str) -> Result<Self, EvalError> {
        let wrong = |what: &str| EvalError::Template { template: text.to_string(), what: what.to_string() };
        let mut words = Vec::new();
        let mut word: Option<String> = None;
        let mut quote = None;
        for c in text.chars() {
            match (quote, c) {
                (Some(open), _) if c == open => quote = None,
                (Some(_), _) => word.get_or_insert_default().push(c),
                (None, '\'' | '"') => {
                    quote = Some(c);
                    word.get_or_insert_default();
                }
                (None, _) if c.is_whitespace() => words.extend(word.take()),
                (None, _) => word.get_or_insert_default().push(c),
            }
        }
        words.extend(word);
        if quote.is_some() {
            return Err(wrong("a quote is not closed"));
        }
        if words.is_empty() {
            return Err(wrong("no command"));
        }
        Ok(Self { words, program: None })
    }

    /// The same command with its program taken from `path`; its text stays as it is.
    #[must_use]
    pub fn with_program(mut self, path: &Path) -> Self {
        self.program = Some(path.to_path_buf());
        self
    }

    /// Name of the program: the first word.
    #[must_use]
    pub fn program(&self) -> &str {
        &self.words[0]
    }

    /// The command as text, for recipes.
    #[must_use]
    pub fn text(&self) -> String {
        self.words.join(" ")
    }

    /// Fills in the fields. A word that is nothing but a field becomes as many words as its value has.
    #[must_use]
    pub fn fill(&self, paths: &[(&str, &str)], fields: &[(String, String)]) -> Vec<String> {
        let mut words = Vec::with_capacity(self.words.len());
        words.extend(self.program.as_ref().map(|path| path.to_string_lossy().into_owned()));
        for word in &self.words[words.len()..] {
            if let Some((_, value)) = fields.iter().find(|(name, _)| *word == format!("{{{name}}}")) {
                words.extend(value.split_whitespace().map(str::to_string));
                continue;
            }
            let mut word = word.clone();
            for (name, value) in fields {
                word = word.replace(&format!("{{{name}}}"), value);
            }
            // Paths last: what they contain is not looked at again.
            for (name, value) in paths {
                word = word.replace(&format!("{{{name}}}"), value);
            }
            words.push(word);
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_fields() {
        let fields = [("kbps".to_string(), "16".to_string()), ("o".to_string(), "-q -1".to_string())];
        let paths = [("in", "/a b/c.wav"), ("out", "o")];
        for (text, expected) in [
            ("enc -b {kbps} {in} {out}", vec!["enc", "-b", "16", "/a b/c.wav", "o"]),
            ("enc {o} --rate={kbps}k '{in}'", vec!["enc", "-q", "-1", "--rate=16k", "/a b/c.wav"]),
            ("sh -c 'x | y' \"\"", vec!["sh", "-c", "x | y", ""]),
        ] {
            assert_eq!(Template::parse(text).expect("parses").fill(&paths, &fields), expected, "{text}");
        }
        let elsewhere = Template::parse("enc {in}").expect("parses").with_program(Path::new("/b c/enc"));
        assert_eq!(elsewhere.fill(&paths, &fields), ["/b c/enc", "/a b/c.wav"]);
        assert_eq!((elsewhere.text().as_str(), elsewhere.program()), ("enc {in}", "enc"));
        for text in ["", "  ", "a 'b"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }
}
