//! Files of trained networks. Every build can say what is in them; sound needs the network, and a build with networks.

use crate::report::hinted;
use melisma_codec::END_MAGIC;
use melisma_codec::latent::{File, Header};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// Bytes of a file that tell whether a network made it.
const HEAD_BYTES: u64 = 8;

/// What an input turned out to be.
pub enum Made {
    /// A file of a network, all of it.
    ByNetwork(Vec<u8>),
    /// Anything else: the input, its first bytes put back.
    ByOther(Box<dyn Read + Send>),
}

/// Looks at the first bytes of an input.
pub fn look(mut reader: Box<dyn Read + Send>) -> std::io::Result<Made> {
    let mut bytes = Vec::new();
    reader.by_ref().take(HEAD_BYTES).read_to_end(&mut bytes)?;
    if !melisma_codec::latent::recognise(&bytes) {
        return Ok(Made::ByOther(Box::new(std::io::Cursor::new(bytes).chain(reader))));
    }
    reader.read_to_end(&mut bytes)?;
    Ok(Made::ByNetwork(bytes))
}

/// All bytes of a file, if a network made it; a damaged beginning is no obstacle.
pub fn bytes_of(path: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    let mut file = crate::sound::open_file(path)?;
    let mut bytes = Vec::new();
    file.by_ref().take(HEAD_BYTES).read_to_end(&mut bytes)?;
    if !melisma_codec::latent::recognise(&bytes) {
        // Nobody's large file is read to the end for nothing.
        let mut end = [0; END_MAGIC.len()];
        let ends = file.seek(SeekFrom::End(-(end.len() as i64))).and_then(|_| file.read_exact(&mut end));
        if ends.is_err() || end != END_MAGIC {
            return Ok(None);
        }
    }
    bytes.clear();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(melisma_codec::latent::recognise(&bytes).then_some(bytes))
}

/// A file's structure.
pub fn read(bytes: &[u8]) -> anyhow::Result<File<'_>> {
    Ok(File::read(bytes)?)
}

/// The error of a file whose model is not at hand, and its remedy.
pub fn missing(header: &Header) -> anyhow::Error {
    let what = format!("its sound needs the model {} of the system {:?}", header.model, header.system);
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
pub use with_models::{Recipe, codec_for, model_for_encoding, record};

#[cfg(feature = "train")]
mod with_models {
    use super::missing;
    use crate::batch::Done;
    use crate::exit::Outcome;
    use crate::output::ByteSink;
    use crate::plan::Job;
    use crate::progress::FileProgress;
    use crate::report::hinted;
    use crate::text;
    use anyhow::Context;
    use melisma_codec::latent::Header;
    use melisma_media::{AudioSource, LoudnessMeter, OpenOptions};
    use melisma_nets::device::Cpu;
    use melisma_neural::{Error, ModelId, NeuralCodec, NeuralModel, Target, folder_id};
    use std::path::{Path, PathBuf};
    use std::time::Instant;

    /// Where models are looked for: folders of models, or models, separated like those of PATH.
    const MODELS_VARIABLE: &str = "MELISMA_MODELS";

    /// A model, or a folder of them: where the one with that id lies.
    fn find(folder: &Path, wanted: ModelId) -> Option<PathBuf> {
        if folder_id(folder) == Some(wanted) {
            return Some(folder.to_path_buf());
        }
        let inside = std::fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
        // A run of `train` has its model in a folder `model`.
        inside.flat_map(|path| [path.join("model"), path]).find(|path| folder_id(path) == Some(wanted))
    }

    /// The codec that a file needs: of the folder given, or found in those that the environment lists.
    pub fn codec_for(header: &Header, model: Option<&Path>) -> anyhow::Result<NeuralCodec<Cpu>> {
        let listed = std::env::var_os(MODELS_VARIABLE).unwrap_or_default();
        let folders: Vec<PathBuf> = match model {
            Some(folder) => vec![folder.to_path_buf()],
            None => std::env::split_paths(&listed).collect(),
        };
        let Some(found) = folders.iter().find_map(|folder| find(folder, header.model)) else {
            let Some(folder) = model else { return Err(missing(header)) };
            // What is wrong with it is worth more than that it is not there.
            let given = NeuralModel::read(folder)?.id();
            let (wanted, system) = (header.model, header.system.clone());
            return Err(Error::WrongModel { wanted, given, system }.into());
        };
        Ok(NeuralCodec::new(NeuralModel::read(&found)?, &Default::default())?)
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

    /// What is asked of an encoding.
    pub struct Recipe {
        /// With what.
        pub model: NeuralModel,
        /// How large.
        pub target: Target,
        /// For reading.
        pub open: OpenOptions,
        /// Carry tags and cover over.
        pub keep_tags: bool,
        /// Replace existing files.
        pub overwrite: bool,
    }

    /// Encodes `job`.
    pub fn record(job: &Job, recipe: &Recipe, progress: &mut FileProgress) -> anyhow::Result<Done> {
        let start = Instant::now();
        job.target.check()?;
        let mut sink = ByteSink::open(&job.target, recipe.overwrite)?;
        // The codec resamples by itself, and then knows the exact length before.
        let mut source = AudioSource::open(&job.input, &recipe.open.clone().with_any_rate(true))?;
        let codec = NeuralCodec::<Cpu>::new(recipe.model.clone(), &Default::default())?;
        let (rate_hz, channels) = (source.sample_rate_hz(), source.channel_count());
        let mut analysis = codec.analysis(rate_hz, channels)?;
        let mut meter = LoudnessMeter::new(rate_hz, channels)?;
        let (total, mut samples) = (source.total_samples(), 0);
        while let Some(block) = source.next_block()? {
            meter.push(&block)?;
            analysis.push(&block)?;
            samples += block.samples() as u64;
            if let Some(total) = total.filter(|total| *total > 0) {
                progress.at(samples as f64 / total as f64);
            }
        }
        let mut analysed = analysis.finish()?;
        analysed.loudness = meter.finish();
        if recipe.keep_tags {
            analysed.metadata = source.metadata().clone();
        }
        let file = codec.encode(&analysed, recipe.target)?;
        sink.write(&file).context("cannot write")?;
        sink.finish()?;

        let mut warnings = source.warnings().to_vec();
        let bitrate_bps = text::bitrate_bps(file.len() as u64, analysed.seconds());
        if let Target::BitrateBps(wanted) = recipe.target
            && bitrate_bps > 1.1 * wanted
            && analysed.metadata.picture.is_none()
        {
            warnings.push(format!("{:.1} kbit/s is the least that this model can do", bitrate_bps / 1000.0));
        }
        let damaged = source.decode_errors() > 0;
        if damaged {
            warnings.push("the input is damaged".to_owned());
        }
        let line = format!(
            "{}, {}, {:.1} kbit/s, {} {}, {:.0}x real time",
            text::clock(analysed.seconds()),
            text::bytes(file.len() as u64),
            bitrate_bps / 1000.0,
            codec.model().config.name,
            codec.model().id(),
            analysed.seconds() / start.elapsed().as_secs_f64().max(1e-9),
        );
        Ok(Done { line, warnings, outcome: if damaged { Outcome::Damaged } else { Outcome::Success } })
    }
}
