//! A model as a folder.
//!
//! | file | content |
//! |---|---|
//! | `config.json` | format, [`ModelConfig`] |
//! | `model.safetensors` | weights |
//! | `quantiser.json` | steps, centres, statistics: [`LatentQuantiser`] |
//! | `tables.bin` | entropy tables: [`melisma_codec::latent::Tables`] |
//! | `id` | the model's id in hexadecimal; checked against the parts |
//! | `README.md` | for people |

use crate::{Error, LatentQuantiser, ModelConfig, ModelId, NeuralModel, Result};
use melisma_codec::latent::Tables;
use melisma_nets::{device::Cpu, safetensors::TensorFile};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    fs, io,
    io::{Read, Write},
    path::{Path, PathBuf},
};

const CONFIG: &str = "config.json";
const WEIGHTS: &str = "model.safetensors";
const QUANTISER: &str = "quantiser.json";
const TABLES: &str = "tables.bin";
const ID: &str = "id";
const CARD: &str = "README.md";

/// Version of the folder's layout.
const FORMAT: u32 = 1;

/// Longest file that is read: a billion weights.
const MAX_FILE_BYTES: u64 = 4 << 30;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigFile {
    format: u32,
    model: ModelConfig,
}

/// The version alone, read first to tell another layout from a damaged file.
#[derive(Deserialize)]
struct FormatOnly {
    format: u32,
}

/// Writes a folder of files by name. It appears whole or not at all; one that was there before is replaced.
///
/// # Errors
/// [`Error::File`]; [`Error::Folder`] for a path without a name.
pub fn write_folder(folder: &Path, parts: &[(&str, Vec<u8>)]) -> Result<()> {
    let name = folder.file_name().ok_or_else(|| unusable(folder, "it has no name"))?.to_string_lossy();
    let beside = |what: &str| folder.with_file_name(format!(".{name}.{}.{what}", std::process::id()));
    let (partial, old) = (beside("partial"), beside("old"));
    if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent).map_err(failed("cannot make", parent))?;
    }
    let _ = fs::remove_dir_all(&partial);
    let written = write_parts(&partial, parts).and_then(|()| {
        let replaces = folder.exists();
        if replaces {
            let _ = fs::remove_dir_all(&old);
            fs::rename(folder, &old).map_err(failed("cannot replace", folder))?;
        }
        fs::rename(&partial, folder).map_err(|error| {
            if replaces {
                let _ = fs::rename(&old, folder);
            }
            failed("cannot finish", folder)(error)
        })
    });
    let _ = fs::remove_dir_all(if written.is_ok() { &old } else { &partial });
    written
}

fn write_parts(folder: &Path, parts: &[(&str, Vec<u8>)]) -> Result<()> {
    fs::create_dir_all(folder).map_err(failed("cannot make", folder))?;
    for (name, bytes) in parts {
        let path = folder.join(name);
        let mut file = fs::File::create(&path).map_err(failed("cannot create", &path))?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        written.map_err(failed("cannot write", &path))?;
    }
    Ok(())
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_path_buf();
    move |source| Error::File { action, path, source }
}

fn unusable(path: &Path, what: impl ToString) -> Error {
    Error::Folder { path: path.to_path_buf(), what: what.to_string() }
}

fn read_part(folder: &Path, name: &str) -> Result<(PathBuf, Vec<u8>)> {
    let path = folder.join(name);
    let file = fs::File::open(&path).map_err(failed("cannot open", &path))?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(failed("cannot read", &path))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(unusable(&path, "it is longer than 4 GiB"));
    }
    Ok((path, bytes))
}

fn read_json<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|error| unusable(path, error))
}

/// The id that a model's folder claims, without reading the model; none if it is no such folder.
#[must_use]
pub fn folder_id(folder: &Path) -> Option<ModelId> {
    let mut text = String::new();
    fs::File::open(folder.join(ID)).ok()?.take(64).read_to_string(&mut text).ok()?;
    parse_id(text.trim())
}

fn parse_id(text: &str) -> Option<ModelId> {
    let mut id = ModelId::default();
    if text.len() != 32 || !text.is_ascii() {
        return None;
    }
    for (index, byte) in id.0.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(id)
}

impl NeuralModel {
    /// Reads a folder.
    ///
    /// # Errors
    /// [`Error::File`] where a part cannot be read, [`Error::Folder`] where it makes no sense (cut off, of another format),
    /// [`Error::Garbled`] where parts are not those that were written together, [`Error::Network`] where weights do not
    /// fit the system.
    pub fn read(folder: &Path) -> Result<Self> {
        let (path, bytes) = read_part(folder, CONFIG)?;
        let FormatOnly { format } = read_json(&path, &bytes)?;
        if format != FORMAT {
            return Err(unusable(&path, format!("format {format}; this program reads format {FORMAT}")));
        }
        let ConfigFile { model: config, .. } = read_json(&path, &bytes)?;
        let (path, bytes) = read_part(folder, WEIGHTS)?;
        let TensorFile { tensors: weights, .. } =
            TensorFile::from_bytes(&bytes).map_err(|error| unusable(&path, error))?;
        let (path, bytes) = read_part(folder, QUANTISER)?;
        let quantiser: LatentQuantiser = read_json(&path, &bytes)?;
        let (path, bytes) = read_part(folder, TABLES)?;
        let tables = Tables::from_bytes(&bytes).map_err(|error| unusable(&path, error))?;
        let model = Self::new(config, weights, quantiser, tables).map_err(|error| match error {
            Error::Fit(what) => unusable(folder, what),
            other => other,
        })?;
        let (_, id) = read_part(folder, ID)?;
        let expected = String::from_utf8_lossy(&id).trim().to_owned();
        if parse_id(&expected) != Some(model.id()) {
            return Err(Error::Garbled { path: folder.to_path_buf(), expected, found: model.id() });
        }
        // Weights of other shapes are to be told here, not at the first file.
        model.system::<Cpu>(&Default::default())?;
        Ok(model)
    }

    /// Writes a folder. It appears whole or not at all; a model that was there before is replaced.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn write(&self, folder: &Path) -> Result<()> {
        let weights = TensorFile { tensors: self.weights.clone(), ..TensorFile::default() };
        let config = ConfigFile { format: FORMAT, model: self.config.clone() };
        let json = |result: serde_json::Result<Vec<u8>>, name| {
            result.map_err(|error| unusable(&folder.join(name), error))
        };
        let parts = [
            (CONFIG, json(serde_json::to_vec_pretty(&config), CONFIG)?),
            (WEIGHTS, weights.to_bytes()?),
            (QUANTISER, json(serde_json::to_vec(&self.quantiser), QUANTISER)?),
            (TABLES, self.tables.to_bytes()),
            (ID, format!("{}\n", self.id()).into_bytes()),
            (CARD, self.card().into_bytes()),
        ];
        write_folder(folder, &parts)
    }

    /// The text of the folder's README.
    fn card(&self) -> String {
        let ModelConfig { name, description, sample_rate_hz, trained_on, .. } = &self.config;
        let receptive_field = self.receptive_field();
        let count: usize = self.weights.iter().map(|tensor| tensor.values.len()).sum();
        let per_second = f64::from(*sample_rate_hz) / receptive_field.latent_samples as f64;
        format!(
            "# {name}\n\n{description}\n\n\
             - model: `{}`\n- weights: {count}\n- sound: {sample_rate_hz} Hz\n\
             - latents: {} values, {per_second:.1} times a second\n- trained on: {trained_on}\n\n\
             ```sh\nmelisma encode song.flac --model . -o song.mlsm\nmelisma decode song.mlsm --model .\n```\n",
            self.id(),
            self.config.system.latent_channels(),
        )
    }
}
