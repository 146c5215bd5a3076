//! `log.jsonl`: one event a line, for every step that counts exactly one.
//!
//! A run that was killed may have logged steps behind its last checkpoint. They will be run again, so their lines are
//! dropped when it goes on, as is a last line that was cut off.

use crate::{Error, Result, TrainEvent};
use melisma_media::AtomicFile;
use std::{
    fs::{File, OpenOptions},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

/// A log that is being written.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: BufWriter<File>,
}

/// The events of a log, in order; none if there is no such file. Lines that are no events are left out.
///
/// # Errors
/// [`Error::File`].
pub fn read(path: &Path) -> Result<Vec<TrainEvent>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Error::file("cannot read", path)(error)),
    }
}

/// Whether it happened before step `first_step` began.
fn is_before(event: &TrainEvent, first_step: u64) -> bool {
    match event {
        TrainEvent::Preparing { .. } => true,
        TrainEvent::Started { first_step: started, .. } => *started < first_step,
        TrainEvent::Step { step, .. } => *step < first_step,
        TrainEvent::Validated(validated) => validated.step <= first_step,
        TrainEvent::Preview { step, .. }
        | TrainEvent::Checkpoint { step }
        | TrainEvent::Finished { step, .. } => *step <= first_step,
    }
}

impl Log {
    /// Opens it to go on at `first_step`; answers what happened before.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Media`].
    pub fn open(path: &Path, first_step: u64) -> Result<(Self, Vec<TrainEvent>)> {
        let mut events = read(path)?;
        events.retain(|event| is_before(event, first_step));
        let mut kept = AtomicFile::create(path, true)?;
        for event in &events {
            kept.write_all(&line(event)).map_err(Error::file("cannot write", path))?;
        }
        kept.commit()?;
        let file = OpenOptions::new().append(true).open(path).map_err(Error::file("cannot open", path))?;
        Ok((Self { path: path.to_owned(), file: BufWriter::new(file) }, events))
    }

    /// Appends an event.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn push(&mut self, event: &TrainEvent) -> Result<()> {
        self.file.write_all(&line(event)).map_err(Error::file("cannot write", &self.path))
    }

    /// Hands everything to the operating system.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn flush(&mut self) -> Result<()> {
        self.file.flush().map_err(Error::file("cannot write", &self.path))
    }
}

fn line(event: &TrainEvent) -> Vec<u8> {
    // An event is numbers and names: nothing that JSON cannot hold. Numbers that are not finite become null.
    let mut line = serde_json::to_vec(event).unwrap_or_default();
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(step: u64) -> TrainEvent {
        TrainEvent::Step {
            step,
            epoch: 0,
            loss: 0.1 * step as f32,
            terms: vec![],
            gradient_norm: 1.0,
            learning_rate: 1e-3,
            seconds: 0.5,
        }
    }

    #[test]
    fn what_will_be_run_again_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        let (mut log, before) = Log::open(&path, 0).unwrap();
        assert!(before.is_empty());
        for number in 0..5 {
            log.push(&step(number)).unwrap();
        }
        log.flush().unwrap();
        drop(log);
        // Killed in the middle of a line.
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.extend(b"{\"event\":\"st");
        std::fs::write(&path, bytes).unwrap();

        let (mut log, before) = Log::open(&path, 3).unwrap();
        assert_eq!(before, [step(0), step(1), step(2)]);
        log.push(&step(3)).unwrap();
        log.flush().unwrap();
        assert_eq!(read(&path).unwrap(), [step(0), step(1), step(2), step(3)]);
    }
}
