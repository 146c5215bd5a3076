//! The folder of a training: what lies where, whose it is, and how far it came.
//!
//! ```text
//! FOLDER/config.toml   what is trained, as it was asked for
//!        log.jsonl     every step and validation
//!        tensorboard/  the same for TensorBoard
//!        curves/       losses as SVG and PNG
//!        previews/     what can be seen and heard of the network
//!        checkpoint/   the last two states
//!        model/        the result, once it is finished
//! ```

use crate::{Error, Finished, Result, TrainEvent, checkpoint::Checkpoint, log, log::Log};
use melisma_media::AtomicFile;
use std::{
    io::Write,
    path::{Path, PathBuf},
};

/// The folder of one training, opened to begin it or to go on.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// Absent where another process writes.
    pub(crate) log: Option<Log>,
    /// Everything that happened before the checkpoint.
    pub(crate) events: Vec<TrainEvent>,
    /// The last state that is whole.
    pub(crate) checkpoint: Option<Checkpoint>,
}

impl RunFolder {
    /// Opens the folder at `path` for a training whose config is `config_toml`. Where it holds a config already,
    /// `difference` reads that one and names the first part that makes it another training.
    ///
    /// # Errors
    /// [`Error::OtherRun`] where there is a difference, [`Error::Checkpoint`] where all checkpoints are damaged,
    /// [`Error::File`], [`Error::Media`].
    pub fn open(
        path: &Path,
        config_toml: &str,
        difference: impl FnOnce(&Path) -> Result<Option<String>>,
    ) -> Result<Self> {
        let config = path.join("config.toml");
        if config.exists() {
            if let Some(what) = difference(&config)? {
                return Err(Error::OtherRun { folder: path.to_owned(), what });
            }
        } else {
            std::fs::create_dir_all(path).map_err(Error::file("cannot make the folder", path))?;
            let mut file = AtomicFile::create(&config, false)?;
            file.write_all(config_toml.as_bytes()).map_err(Error::file("cannot write", &config))?;
            file.commit()?;
        }
        let checkpoint = Checkpoint::newest(&path.join("checkpoint"))?.map(|(checkpoint, _)| checkpoint);
        let first_step = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.step);
        let (log, events) = Log::open(&path.join("log.jsonl"), first_step)?;
        Ok(Self { path: path.to_owned(), log: Some(log), events, checkpoint })
    }

    /// The folder of a training that another process has opened, and writes: what there is to go on from.
    ///
    /// # Errors
    /// [`Error::OtherRun`] where there is a difference; [`Error::Checkpoint`] where all checkpoints are damaged,
    /// [`Error::File`].
    pub fn follow(path: &Path, difference: impl FnOnce(&Path) -> Result<Option<String>>) -> Result<Self> {
        if let Some(what) = difference(&path.join("config.toml"))? {
            return Err(Error::OtherRun { folder: path.to_owned(), what });
        }
        let checkpoint = Checkpoint::newest(&path.join("checkpoint"))?.map(|(checkpoint, _)| checkpoint);
        let events = log::read(&path.join("log.jsonl"))?;
        Ok(Self { path: path.to_owned(), log: None, events, checkpoint })
    }

    /// The outcome, where the training has come to its end before.
    #[must_use]
    pub fn finished(&self) -> Option<Finished> {
        let is_finished = self.model().exists()
            && self.events.iter().any(|event| matches!(event, TrainEvent::Finished { .. }));
        is_finished.then(|| Finished {
            model: self.model(),
            steps: self.steps_done(),
            log: self.events.clone(),
            interrupted: false,
        })
    }

    /// Steps before the checkpoint; 0 without one.
    #[must_use]
    pub fn steps_done(&self) -> u64 {
        self.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.step)
    }

    pub(crate) fn model(&self) -> PathBuf {
        self.path.join("model")
    }

    pub(crate) fn checkpoints(&self) -> PathBuf {
        self.path.join("checkpoint")
    }

    pub(crate) fn tensorboard(&self) -> PathBuf {
        self.path.join("tensorboard")
    }

    pub(crate) fn curves(&self) -> PathBuf {
        self.path.join("curves")
    }

    pub(crate) fn previews(&self, steps: u64) -> PathBuf {
        self.path.join("previews").join(format!("{steps:08}"))
    }
}
