//! Crops of the training part, step after step, going on where a checkpoint says.

use crate::{Error, Notes, Result, TrainEvent, training_loop::Observer};
use melisma_data::{Batch, CropSource, CropStream, Entry, Position};
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

/// Number of batches that are read ahead.
const AHEAD: usize = 2;

/// Name of the note: the place in the stream of crops, as JSON.
const DATA: &str = "data";

/// The training part of a manifest as a stream of batches.
pub(crate) struct Crops {
    pub(crate) source: Arc<CropSource>,
    stream: Option<CropStream>,
}

impl Crops {
    pub(crate) fn new(source: CropSource) -> Self {
        Self { source: Arc::new(source), stream: None }
    }

    /// The batch of a step, counted from 0.
    pub(crate) fn batch(&mut self, step: u64) -> Result<Batch> {
        let stream = match self.stream.take() {
            Some(stream) if stream.position().next_batch == step => stream,
            _ => self.source.stream(&Position { next_batch: step, ..self.source.start() }, AHEAD)?,
        };
        Ok(self.stream.insert(stream).next_batch()?)
    }

    /// The place after so many steps, for a checkpoint.
    pub(crate) fn note(&self, steps: u64) -> Result<(String, String)> {
        let position = Position { next_batch: steps, ..self.source.start() };
        Ok((DATA.to_owned(), serde_json::to_string(&position).map_err(checkpoint_error)?))
    }

    /// Goes to the place of a checkpoint's notes.
    ///
    /// # Errors
    /// Where they are of other data.
    pub(crate) fn resume(&mut self, notes: &Notes) -> Result<()> {
        let position: Position = serde_json::from_str(note(notes, DATA)?).map_err(checkpoint_error)?;
        self.stream = Some(self.source.stream(&position, AHEAD)?);
        Ok(())
    }

    /// Nothing is read ahead any more.
    pub(crate) fn end(&mut self) {
        self.stream = None;
    }

    /// Where the crops of a batch come from.
    pub(crate) fn describe(&self, batch: &Batch) -> String {
        let origins = batch.origins.iter().map(|origin| {
            let path = self.source.entries().get(origin.clip).map_or("?", |entry| &entry.path);
            format!("{path} from sample {}", origin.start_sample)
        });
        origins.collect::<Vec<_>>().join(", ")
    }
}

/// Tells an observer of clips as they are decoded, from any thread.
pub(crate) fn tell_preparing<'a>(observer: Observer<'a>, total: usize) -> impl Fn(&Entry) + Sync + 'a {
    let (done, observer) = (AtomicUsize::new(0), Mutex::new(observer));
    move |_| {
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        let mut observer = observer.lock().unwrap_or_else(PoisonError::into_inner);
        observer(TrainEvent::Preparing { done, total });
    }
}

/// A note of a checkpoint by its name.
pub(crate) fn note<'a>(notes: &'a Notes, name: &str) -> Result<&'a str> {
    let found = notes.get(name).map(String::as_str);
    found.ok_or_else(|| checkpoint_error(format!("it does not state {name:?}")))
}

pub(crate) fn checkpoint_error(error: impl std::fmt::Display) -> Error {
    Error::Config(format!("checkpoint: {error}"))
}
