//! What a track sounds like among others: its embedding, its label, its neighbours.

use crate::{
    arrays,
    errors::Failure,
    sketch::{FFMPEG, read},
    threads,
};
use melisma_library::{EMBEDDING_VERSION, Settings, Watch, Wish, index_file, listen, update};
use melisma_understanding::labels::LabelModel;
use numpy::PyArray1;
use pyo3::{prelude::*, types::PyDict};
use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

/// The embedding of a track: a float32 array of unit length, so that `a @ b` says how alike two are.
///
/// Any audio file will do; .mlsm files are read without decoding their sound. Numbers of versions of
/// Melisma with another `melisma.EMBEDDING_VERSION` cannot be compared with these.
///
/// >>> import melisma, numpy as np, pathlib, tempfile
/// >>> folder = tempfile.TemporaryDirectory()
/// >>> path = pathlib.Path(folder.name, "noise.mlsm")
/// >>> noise = np.random.default_rng(1).normal(0, 0.1, 5 * 44_100)
/// >>> _ = path.write_bytes(melisma.encode(noise, 44_100))
/// >>> point = melisma.embed(path)
/// >>> point.shape, round(float(point @ point), 3)
/// ((96,), 1.0)
#[pyfunction]
#[pyo3(signature = (path, /))]
pub fn embed(py: Python<'_>, path: PathBuf) -> PyResult<Bound<'_, PyArray1<f32>>> {
    let values = py.detach(|| {
        let sketch = read(&path)?;
        if sketch.frames() == 0 {
            return Err(Failure::Format("there is no sound in it".to_owned()).of(&path));
        }
        Ok(melisma_understanding::embed(&sketch).values)
    })?;
    Ok(arrays::line(py, values))
}

/// Bytes of a model of labels at most.
const MAX_MODEL_BYTES: u64 = 256 << 20;

/// Labels that `melisma learn` has learned, read once and used for many tracks.
#[pyclass(frozen, module = "melisma")]
pub struct Labels {
    model: LabelModel,
}

#[pymethods]
impl Labels {
    /// Read a file of `melisma learn`.
    #[new]
    #[pyo3(signature = (path, /))]
    fn new(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        Ok(py.detach(|| Self::read(&path))?)
    }

    /// The tag that the labels are values of, such as "genre".
    #[getter]
    fn tag(&self) -> &str {
        &self.model.tag
    }

    /// What a track can be told as.
    #[getter]
    fn names(&self) -> Vec<String> {
        self.model.labels.clone()
    }
}

impl Labels {
    fn read(path: &Path) -> Result<Self, Failure> {
        let mut bytes = Vec::new();
        let file = fs::File::open(path).map_err(|error| Failure::io("cannot open", &error).of(path))?;
        file.take(MAX_MODEL_BYTES)
            .read_to_end(&mut bytes)
            .map_err(|error| Failure::io("cannot read", &error).of(path))?;
        let model = LabelModel::from_bytes(&bytes).map_err(|error| Failure::from(error).of(path))?;
        Ok(Self { model })
    }
}

/// A model, or where it lies.
#[derive(FromPyObject)]
pub enum LabelsArgument {
    /// Read already.
    Model(Py<Labels>),
    /// To be read.
    Path(PathBuf),
}

/// Tell the label of a track: a dict from labels to probabilities, the most probable first.
///
/// `labels` is a file of `melisma learn`, or `melisma.Labels` of it where many tracks are told:
///
///     labels = melisma.Labels("my-genres")
///     probabilities = melisma.classify("song.mlsm", labels=labels)
///     genre = next(iter(probabilities))
#[pyfunction]
#[pyo3(signature = (path, /, *, labels))]
pub fn classify<'py>(py: Python<'py>, path: PathBuf, labels: LabelsArgument) -> PyResult<Bound<'py, PyDict>> {
    let told = py.detach(|| {
        let read_now;
        let labels = match &labels {
            LabelsArgument::Model(labels) => labels.get(),
            LabelsArgument::Path(path) => {
                read_now = Labels::read(path)?;
                &read_now
            }
        };
        let sketch = read(&path)?;
        if sketch.frames() == 0 {
            return Err(Failure::Format("there is no sound in it".to_owned()).of(&path));
        }
        let probabilities = labels.model.probabilities(&melisma_understanding::features(&sketch));
        let mut told: Vec<(String, f32)> = labels.model.labels.iter().cloned().zip(probabilities).collect();
        told.sort_by(|a, b| b.1.total_cmp(&a.1));
        Ok::<_, Failure>(told)
    })?;
    let dict = PyDict::new(py);
    for (label, probability) in told {
        dict.set_item(label, probability)?;
    }
    Ok(dict)
}

/// A track of a library, and how far it is from the one that was asked about.
#[pyclass(frozen, get_all, module = "melisma")]
pub struct Neighbour {
    /// Below the folder, with / between names.
    path: String,
    /// Euclidean distance of the embeddings, 0 to 2.
    distance: f32,
    /// Who plays it, if the tags say so.
    artist: Option<String>,
    /// Its title, if the tags say so.
    title: Option<String>,
    /// Its length in seconds.
    seconds: f32,
}

#[pymethods]
impl Neighbour {
    fn __repr__(&self) -> String {
        format!("Neighbour(path={:?}, distance={:.3})", self.path, self.distance)
    }
}

/// Find the `k` tracks of a folder of music that are most like a track, nearest first.
///
/// The index of the folder, `.melisma/index` in it, is brought up to date first, and made where there
/// is none: that reads every new file. The track may be one of the folder's or any other; it is not
/// among the answers, nor are other files of the same recording.
///
///     for near in melisma.similar("Music", "Music/song.mlsm", k=5):
///         print(near.distance, near.path, near.artist)
#[pyfunction]
#[pyo3(signature = (index_dir, path, k=20))]
pub fn similar(py: Python<'_>, index_dir: PathBuf, path: PathBuf, k: usize) -> PyResult<Vec<Neighbour>> {
    Ok(py.detach(|| neighbours(&index_dir, &path, k))?)
}

fn neighbours(folder: &Path, path: &Path, k: usize) -> Result<Vec<Neighbour>, Failure> {
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let settings = Settings {
        index_file: index_file(folder),
        jobs,
        ffmpeg: Some(FFMPEG.to_owned()),
        rebuild: false,
        shard: None,
        merge: Vec::new(),
    };
    let index = update(folder, EMBEDDING_VERSION, &settings, Watch::default())?.index;
    let hear = || listen(path, &path.to_string_lossy(), Some(FFMPEG), &|_| None);
    let track = threads::on_all(hear).map_err(|error| Failure::from(error).of(path))?;
    let mut wish = Wish::default();
    wish.count = k;
    let found = melisma_library::similar(&index, &[&track.sound], &wish);
    Ok(found
        .into_iter()
        .map(|near| {
            let track = &index.tracks[near.track];
            Neighbour {
                path: track.path.clone(),
                distance: near.distance,
                artist: track.tags.artist.clone(),
                title: track.tags.title.clone(),
                seconds: track.sound.seconds,
            }
        })
        .collect())
}
