//! Models of trained networks: where they are looked for, and what is said when they are not there.

use crate::message::hinted;
use melisma_codec::NetworkHeader;

/// The error of a file whose model is not at hand, and its remedy.
pub fn missing_model(network: &NetworkHeader) -> anyhow::Error {
    let what = format!("its sound needs the model {} of the system {:?}", network.model, network.system);
    hinted(
        what,
        if cfg!(feature = "train") {
            "--model FOLDER names it; MELISMA_MODELS lists folders to look in"
        } else {
            "this build has no networks: cargo install --path crates/cli --features train, then --model FOLDER"
        },
    )
}

#[cfg(feature = "train")]
pub use folders::{codec_for, model_for_encoding};

#[cfg(feature = "train")]
mod folders {
    use super::missing_model;
    use crate::message::hinted;
    use melisma_codec::NetworkHeader;
    use melisma_neural::{Error, ModelId, NeuralCodec, NeuralModel, folder_id};
    use std::path::{Path, PathBuf};

    /// Names folders of models, or models, separated like those of PATH.
    const MODELS_VARIABLE: &str = "MELISMA_MODELS";

    /// Where the model with that id lies: `folder` itself, or a folder in it.
    fn find(folder: &Path, wanted: ModelId) -> Option<PathBuf> {
        if folder_id(folder) == Some(wanted) {
            return Some(folder.to_path_buf());
        }
        let inside = std::fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
        // A run of `train` has its model in a folder `model`.
        inside.flat_map(|path| [path.join("model"), path]).find(|path| folder_id(path) == Some(wanted))
    }

    /// The codec that a file needs: of the folder given, or found in those that the environment lists.
    pub fn codec_for(network: &NetworkHeader, model: Option<&Path>) -> anyhow::Result<NeuralCodec> {
        let listed = std::env::var_os(MODELS_VARIABLE).unwrap_or_default();
        let folders: Vec<PathBuf> = match model {
            Some(folder) => vec![folder.to_path_buf()],
            None => std::env::split_paths(&listed).collect(),
        };
        let Some(found) = folders.iter().find_map(|folder| find(folder, network.model)) else {
            let Some(folder) = model else { return Err(missing_model(network)) };
            // What is wrong with it is worth more than that it is not there.
            let given = NeuralModel::read(folder)?.id();
            let (wanted, system) = (network.model, network.system.clone());
            return Err(Error::WrongModel { wanted, given, system }.into());
        };
        Ok(NeuralCodec::new(NeuralModel::read(&found)?)?)
    }

    /// The model of `--model`, checked against `--system`.
    pub fn model_for_encoding(folder: &Path, system: Option<&str>) -> anyhow::Result<NeuralModel> {
        let inner = folder.join("model");
        let folder = if folder_id(folder).is_none() && folder_id(&inner).is_some() { &inner } else { folder };
        let model = NeuralModel::read(folder)?;
        match system.filter(|system| *system != model.config.name) {
            Some(system) => Err(hinted(
                format!("{} holds the system {:?}, not {system:?}", folder.display(), model.config.name),
                "leave --system out to take whatever --model holds",
            )),
            None => Ok(model),
        }
    }
}
