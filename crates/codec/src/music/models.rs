//! The models at hand: a file names the one that it was coded with, and is decoded with that one.

use super::model::Model;
use crate::{
    DecodeError,
    container::{Header, MusicVersion},
};
use melisma_bitstream::FormatError;
use std::sync::Arc;

/// A set of models, looked up by the id that a file names.
///
/// ```
/// use melisma_codec::{Model, Models, MusicVersion};
///
/// let models = Models::default();
/// assert!(models.get(Model::embedded(MusicVersion::default()).id).is_ok());
/// ```
#[derive(Clone, Debug)]
pub struct Models {
    models: Vec<Arc<Model>>,
}

impl Default for Models {
    /// The models that this program ships with, one for each version of the format.
    fn default() -> Self {
        Self { models: MusicVersion::ALL.map(Model::embedded).to_vec() }
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
    /// [`DecodeError::UnknownModel`] if it is not at hand, [`DecodeError::NeedsModel`] if a trained network made the file,
    /// [`DecodeError::Header`] if the model codes files of another version.
    pub(crate) fn of(&self, header: &Header) -> Result<Arc<Model>, DecodeError> {
        let music = header.music()?;
        let model = self.get(music.model_id)?;
        if model.version != music.version {
            return Err(DecodeError::Header(FormatError::Value {
                field: "format version, with the tables of another",
                value: u64::from(music.version.number()),
                allowed: "that of the model's tables",
            }));
        }
        Ok(model.clone())
    }
}
