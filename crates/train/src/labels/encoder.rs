//! The encoder that a classifier hears with: that of an autoencoder trained before, or one like it with
//! random weights.

use crate::{Error, Notes, Result, crops::checkpoint_error};
use melisma_data::CropConfig;
use melisma_nets::{burn::tensor::backend::Backend, classifiers::EncoderChoice, system::System};
use melisma_neural::NeuralModel;
use std::path::Path;

/// Name of the note: the id of the model whose encoder it is.
const ENCODER: &str = "encoder";

/// A model, and whether what it learned is used.
pub(crate) struct Encoder {
    model: NeuralModel,
    choice: EncoderChoice,
}

impl Encoder {
    /// Reads the model that was chosen, for sounds like these.
    ///
    /// # Errors
    /// [`Error::Config`] where none is named, and for one of another sampling rate; [`Error::Encoder`] where
    /// it cannot be read.
    pub(crate) fn read(choice: &EncoderChoice, data: &CropConfig) -> Result<Self> {
        if choice.folder.is_empty() {
            return Err(Error::Config(
                "classifier: whose encoder? --set classifier.encoder.folder=RUN names the folder of an autoencoder's \
                 finished training (`melisma train configs/study/time-ae.toml`), or of its model"
                    .to_owned(),
            ));
        }
        let folder = Path::new(&choice.folder);
        let within = folder.join("model");
        let folder = if within.is_dir() { within.as_path() } else { folder };
        let model = NeuralModel::read(folder)
            .map_err(|source| Error::Encoder { folder: folder.to_owned(), source })?;
        let (found, wanted) = (model.config.sample_rate_hz, data.sample_rate_hz);
        if found != wanted {
            return Err(Error::Config(format!(
                "classifier: the encoder of {} in {folder:?} hears {found} Hz, the data are of {wanted} Hz: choose another \
                 encoder, or set data.sample_rate_hz={found}",
                model.config.name
            )));
        }
        Ok(Self { model, choice: choice.clone() })
    }

    /// The system that it is a part of, with its weights, or with random ones of this seed.
    pub(crate) fn system<B: Backend>(&self, seed: u64, device: &B::Device) -> Result<System<B>> {
        if self.choice.untrained {
            let statistics = &self.model.quantiser().statistics;
            return Ok(self.model.config.system.init(statistics, seed, device)?);
        }
        Ok(self.model.system(device)?)
    }

    /// What a checkpoint has to say of it.
    pub(crate) fn note(&self) -> (String, String) {
        (ENCODER.to_owned(), self.model.id().to_string())
    }

    /// Refuses to go on with another encoder than the one that the notes are of.
    pub(crate) fn resume(&self, notes: &Notes) -> Result<()> {
        let (name, found) = self.note();
        let noted = crate::crops::note(notes, &name)?;
        if noted != found {
            return Err(checkpoint_error(format!(
                "it began with the encoder of model {noted}, and {:?} now holds model {found}: give it that one, or begin \
                 anew in another folder",
                self.choice.folder
            )));
        }
        Ok(())
    }
}
