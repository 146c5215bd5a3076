//! The models at hand: a file names the one that it was coded with, and is decoded with that one.

use super::model::Model;
use crate::{DecodeError, container::Header};
use std::sync::Arc;

/// A set of models, looked up by the id that a file names.
///
/// ```
/// use melisma_codec::{Model, Models};
///
/// let models = Models::default();
/// assert!(models.get(Model::embedded().id).is_ok());
/// ```
#[derive(Clone, Debug)]
pub struct Models {
    models: Vec<Arc<Model>>,
}

impl Default for Models {
    /// The model that this program ships with.
    fn default() -> Self {
        Self { models: vec![Model::embedded()] }
    }
}

impl Models {
    /// These and one more.
    #[must_use]
    pub fn with(mut self, model: Arc<Model>) -> Self {
        self.models.push(model);
        self
    }

    /// The model with this id.
    ///
    /// # Errors
    /// [`DecodeError::UnknownModel`] if it is not at hand.
    pub fn get(&self, id: u32) -> Result<&Arc<Model>, DecodeError> {
        self.models.iter().find(|model| model.id == id).ok_or_else(|| DecodeError::UnknownModel {
            found: id,
            available: self.models.iter().map(|model| model.id).collect(),
        })
    }

    /// The model that a file with this header needs.
    ///
    /// # Errors
    /// [`DecodeError::UnknownModel`] if it is not at hand, [`DecodeError::NeedsModel`] if a trained network made the file.
    pub(crate) fn of(&self, header: &Header) -> Result<Arc<Model>, DecodeError> {
        Ok(self.get(header.music()?.model_id)?.clone())
    }
}
