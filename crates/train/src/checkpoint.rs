//! Everything that a training needs to go on, in one file that is either whole or not there.
//!
//! Two are kept: should the newer one be found damaged, the older one serves, and the steps between are run again.

use crate::{Error, Notes, Result};
use melisma_media::AtomicFile;
use melisma_nets::{parameters::NamedTensor, safetensors::TensorFile};
use std::{
    collections::HashMap,
    io::Write,
    path::{Path, PathBuf},
};

/// The state of a training between two steps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checkpoint {
    /// Number of steps of the training that are done.
    pub step: u64,
    /// Number of steps that the optimiser has taken.
    pub optimiser_steps: u64,
    /// What the task needs to go on.
    pub notes: Notes,
    /// Weights of the network, by name.
    pub weights: Vec<NamedTensor>,
    /// What the optimiser remembers of each weight, by name.
    pub moments: Vec<NamedTensor>,
}

const STEP: &str = "step";
const OPTIMISER_STEPS: &str = "optimiser_steps";
const WEIGHTS: &str = "weights/";
const MOMENTS: &str = "moments/";
const EXTENSION: &str = "safetensors";
/// Number of checkpoints that are kept.
const KEPT: usize = 2;

impl Checkpoint {
    /// Writes it into `folder` and removes all but the newest.
    ///
    /// # Errors
    /// [`Error::Media`], [`Error::File`]; the older checkpoints then still stand.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let tensors = [(WEIGHTS, &self.weights), (MOMENTS, &self.moments)];
        let named = tensors.into_iter().flat_map(|(prefix, tensors)| {
            tensors
                .iter()
                .map(move |tensor| NamedTensor { name: format!("{prefix}{}", tensor.name), ..tensor.clone() })
        });
        let mut strings: HashMap<String, String> = self.notes.clone().into_iter().collect();
        strings.insert(STEP.to_owned(), self.step.to_string());
        strings.insert(OPTIMISER_STEPS.to_owned(), self.optimiser_steps.to_string());
        let bytes = TensorFile { tensors: named.collect(), strings }.to_bytes()?;
        std::fs::create_dir_all(folder).map_err(Error::file("cannot make the folder", folder))?;
        let path = folder.join(format!("{:010}.{EXTENSION}", self.step));
        let mut file = AtomicFile::create(&path, true)?;
        file.write_all(&bytes).map_err(Error::file("cannot write", &path))?;
        file.commit()?;
        let mut all = files(folder)?;
        all.truncate(all.len().saturating_sub(KEPT));
        for old in all {
            std::fs::remove_file(&old).map_err(Error::file("cannot remove", &old))?;
        }
        Ok(())
    }

    /// The newest one in `folder` that is whole, and the paths of newer ones that are not; none in an empty or missing
    /// folder.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] where there are some, and all are damaged.
    pub fn newest(folder: &Path) -> Result<Option<(Self, Vec<PathBuf>)>> {
        let mut damaged = Vec::new();
        let mut first = None;
        for path in files(folder)?.into_iter().rev() {
            match Self::read(&path) {
                Ok(checkpoint) => return Ok(Some((checkpoint, damaged))),
                Err(error) => {
                    first.get_or_insert(error);
                    damaged.push(path);
                }
            }
        }
        first.map_or(Ok(None), Err)
    }

    fn read(path: &Path) -> Result<Self> {
        let wrong = |what: String| Error::Checkpoint { path: path.to_owned(), what };
        let bytes = std::fs::read(path).map_err(Error::file("cannot read", path))?;
        let TensorFile { tensors, mut strings } =
            TensorFile::from_bytes(&bytes).map_err(|error| wrong(error.to_string()))?;
        let mut number = |name: &str| {
            let text = strings.remove(name).ok_or_else(|| wrong(format!("it does not state {name:?}")))?;
            text.parse::<u64>().map_err(|_| wrong(format!("{name:?} is no number")))
        };
        let (step, optimiser_steps) = (number(STEP)?, number(OPTIMISER_STEPS)?);
        let notes = strings.into_iter().collect();
        let mut checkpoint = Self { step, optimiser_steps, notes, ..Self::default() };
        for mut tensor in tensors {
            let (room, name) = if let Some(name) = tensor.name.strip_prefix(WEIGHTS) {
                (&mut checkpoint.weights, name.to_owned())
            } else if let Some(name) = tensor.name.strip_prefix(MOMENTS) {
                (&mut checkpoint.moments, name.to_owned())
            } else {
                return Err(wrong(format!("a tensor named {:?}", tensor.name)));
            };
            tensor.name = name;
            room.push(tensor);
        }
        Ok(checkpoint)
    }
}

/// Checkpoints by step, the oldest first.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::file("cannot read", folder)(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(Error::file("cannot read", folder))?.path();
        let is_number = path.file_stem().is_some_and(|stem| stem.to_string_lossy().parse::<u64>().is_ok());
        if is_number && path.extension().is_some_and(|extension| extension == EXTENSION) {
            files.push(path);
        }
    }
    // Numbers have ten digits, so that names sort like numbers.
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(step: u64) -> Checkpoint {
        let tensor = |name: &str| NamedTensor {
            name: name.to_owned(),
            shape: vec![2],
            values: vec![step as f32, 2.0],
        };
        Checkpoint {
            step,
            optimiser_steps: step + 1,
            notes: Notes::from([("data".to_owned(), "{}".to_owned())]),
            weights: vec![tensor("a"), tensor("b")],
            moments: vec![tensor("mean/a")],
        }
    }

    #[test]
    fn the_newest_whole_one_counts() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        assert!(Checkpoint::newest(&folder.join("none")).unwrap().is_none());
        for step in [9, 10, 200] {
            at(step).write(folder).unwrap();
        }
        assert_eq!(files(folder).unwrap().len(), KEPT);
        assert_eq!(Checkpoint::newest(folder).unwrap(), Some((at(200), vec![])));

        let newest = files(folder).unwrap().pop().unwrap();
        let bytes = std::fs::read(&newest).unwrap();
        std::fs::write(&newest, &bytes[..bytes.len() / 2]).unwrap();
        assert_eq!(Checkpoint::newest(folder).unwrap(), Some((at(10), vec![newest])));

        for file in files(folder).unwrap() {
            std::fs::write(file, b"nothing").unwrap();
        }
        assert!(matches!(Checkpoint::newest(folder), Err(Error::Checkpoint { .. })));
    }
}
