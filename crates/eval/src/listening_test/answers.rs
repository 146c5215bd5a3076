//! A listener's file: lines of CSV in, ratings and blind trials out.
//!
//! One line is one answer. Of MUSHRA it is the score of one version in one trial, of ABX whether X was told; the columns are
//! those of [`COLUMNS`], in any order, and others are passed over.

use std::collections::BTreeSet;
use std::path::Path;

use csv::StringRecord;

use crate::error::EvalError;

/// Columns of a listener's file, in the order in which the page writes them.
///
/// `condition` is what was rated; in ABX it and `other` are the two that X was drawn from. `answered` is when, in
/// ISO 8601; a line that is there twice, since a listener saved twice, counts once.
pub const COLUMNS: [&str; 13] = [
    "test",
    "listener",
    "method",
    "trial",
    "clip",
    "nominal_kbps",
    "condition",
    "file_kbps",
    "score",
    "other",
    "right",
    "seconds",
    "answered",
];

/// Most lines that a file may have: a listener who answers once a second for a day.
const MOST_LINES: usize = 86_400;

/// The score of one version in one trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Rating {
    /// Who gave it.
    pub listener: String,
    /// Which music.
    pub clip: String,
    /// The rate at which the trial's codecs were asked to work, kbit/s.
    pub nominal_kbps: f64,
    /// What was rated: a codec, an anchor, the hidden reference.
    pub condition: String,
    /// Rate of the file itself, kbit/s; none of reference and anchors.
    pub file_kbps: Option<f64>,
    /// From 0 (bad) to 100 (excellent).
    pub score: f64,
}

/// One blind trial.
#[derive(Clone, Debug, PartialEq)]
pub struct BlindTrial {
    /// Who answered.
    pub listener: String,
    /// The rate at which the codecs were asked to work, kbit/s.
    pub nominal_kbps: f64,
    /// The two versions, in the order of their names.
    pub pair: [String; 2],
    /// Whether X was told.
    pub right: bool,
}

/// What one or more listeners said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answers {
    /// Scores.
    pub ratings: Vec<Rating>,
    /// Blind trials.
    pub blind: Vec<BlindTrial>,
    /// Names of the tests that they belong to.
    pub tests: BTreeSet<String>,
    /// Rows read so far, lest one counts twice.
    pub(super) seen: BTreeSet<Vec<String>>,
}

impl Answers {
    /// Adds what a file holds.
    ///
    /// # Errors
    /// [`EvalError::Answers`] with the line, if the file cannot be read or is not one of a listening page.
    pub fn read(&mut self, path: &Path) -> Result<(), EvalError> {
        let failed = |line: u64, what: String| EvalError::Answers { path: path.to_path_buf(), line, what };
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_path(path)
            .map_err(|error| failed(1, error.to_string()))?;
        let headings = reader.headers().map_err(|error| failed(1, error.to_string()))?.clone();
        let place = |name: &str| {
            let found = headings.iter().position(|heading| heading.trim_start_matches('\u{feff}') == name);
            found
                .ok_or_else(|| failed(1, format!("no column {name}: not a file that a listening page saved")))
        };
        let places: Vec<usize> = COLUMNS.iter().map(|name| place(name)).collect::<Result<_, _>>()?;
        for (index, record) in reader.records().enumerate() {
            let line = index as u64 + 2;
            let record = record.map_err(|error| failed(line, error.to_string()))?;
            if index >= MOST_LINES {
                return Err(failed(line, format!("more than {MOST_LINES} answers are of no listener")));
            }
            let cells = places.iter().map(|&place| record.get(place).unwrap_or_default());
            let cells: StringRecord = cells.collect();
            self.add(&cells).map_err(|what| failed(line, what))?;
        }
        Ok(())
    }

    /// Adds one line, its cells in the order of [`COLUMNS`].
    fn add(&mut self, cells: &StringRecord) -> Result<(), String> {
        let whole: Vec<String> = cells.iter().map(str::to_owned).collect();
        let [
            test,
            listener,
            method,
            _trial,
            clip,
            nominal_kbps,
            condition,
            file_kbps,
            score,
            other,
            right,
            ..,
        ] = &whole[..]
        else {
            return Err("too few cells".to_owned());
        };
        let number = |name: &str, text: &str| -> Result<f64, String> {
            let value = text.parse().ok().filter(|value: &f64| value.is_finite() && *value >= 0.0);
            value.ok_or_else(|| format!("{name} is {text:?}, which is no number"))
        };
        let nominal_kbps = number("nominal_kbps", nominal_kbps)?;
        if condition.is_empty() {
            return Err("no condition".to_owned());
        }
        match method.as_str() {
            "mushra" => {
                let score = number("score", score)?;
                if score > 100.0 {
                    return Err(format!("score is {score}; scores are from 0 to 100"));
                }
                let file_kbps =
                    if file_kbps.is_empty() { None } else { Some(number("file_kbps", file_kbps)?) };
                if self.seen.insert(whole.clone()) {
                    self.ratings.push(Rating {
                        listener: listener.clone(),
                        clip: clip.clone(),
                        nominal_kbps,
                        condition: condition.clone(),
                        file_kbps,
                        score,
                    });
                }
            }
            "abx" => {
                let right = match right.as_str() {
                    "0" => false,
                    "1" => true,
                    other => return Err(format!("right is {other:?}; it is 0 or 1")),
                };
                let mut pair = [condition.clone(), other.clone()];
                pair.sort();
                if self.seen.insert(whole.clone()) {
                    self.blind.push(BlindTrial { listener: listener.clone(), nominal_kbps, pair, right });
                }
            }
            other => return Err(format!("method is {other:?}; it is mushra or abx")),
        }
        self.tests.insert(test.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADING: &str = "answered,test,listener,method,trial,clip,nominal_kbps,condition,file_kbps,score,other,right,seconds,room\n";

    fn read(lines: &str) -> Result<Answers, EvalError> {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("answers.csv");
        std::fs::write(&path, lines).expect("written");
        let mut answers = Answers::default();
        answers.read(&path)?;
        answers.read(&path)?;
        Ok(answers)
    }

    #[test]
    fn columns_in_any_order_and_each_line_once() {
        let lines = format!(
            "\u{feff}{HEADING}\
             2026-01-01T10:00:00Z,t,\"a, \"\"b\"\"\",mushra,1,clip,12,melisma,12.3,71.5,,,9.5,attic\n\
             2026-01-01T10:00:00Z,t,\"a, \"\"b\"\"\",mushra,1,clip,12,reference,,100,,,9.5,attic\n\
             2026-01-01T10:01:00Z,t,c,abx,1,clip,12,opus,,,melisma,1,3,\n"
        );
        let answers = read(&lines).expect("reads");
        assert_eq!((answers.ratings.len(), answers.blind.len(), answers.tests.len()), (2, 1, 1));
        let rating = &answers.ratings[0];
        assert_eq!(
            (rating.listener.as_str(), rating.score, rating.file_kbps),
            ("a, \"b\"", 71.5, Some(12.3))
        );
        assert_eq!(answers.blind[0].pair, ["melisma", "opus"]);
        assert!(answers.blind[0].right);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (lines, expected) in [
            ("a,b\n1,2\n".to_owned(), "no column test"),
            (format!("{HEADING},t,a,mushra,1,c,12,opus,,101,,,,\n"), "line 2: score is 101"),
            (format!("{HEADING},t,a,mushra,1,c,12,opus,,,,,,\n"), "line 2: score is \"\""),
            (format!("{HEADING},t,a,mushra,1,c,NaN,opus,,5,,,,\n"), "line 2: nominal_kbps is \"NaN\""),
            (format!("{HEADING},t,a,mushra,1,c,12,,,5,,,,\n"), "line 2: no condition"),
            (format!("{HEADING},t,a,abx,1,c,12,opus,,,mp3,maybe,,\n"), "line 2: right is \"maybe\""),
            (format!("{HEADING},t,a,sing,1,c,12,opus,,,mp3,1,,\n"), "line 2: method is \"sing\""),
            (format!("{HEADING}1,2\n"), "line 2"),
        ] {
            let error = read(&lines).expect_err("wrong").to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
