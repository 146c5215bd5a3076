//! The clips that systems are judged by: excerpts of the test part, mono, that no training has seen.

use crate::{Error, Result};
use melisma_data::{Cache, CropConfig, CropSource, Manifest, Split};
use melisma_eval::EvalError;
use melisma_eval::clips::{Clips, clip_names};
use melisma_signal::Pcm;
use std::path::PathBuf;

/// Which excerpts systems are judged by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClipOptions {
    /// Most excerpts, evenly spread over the part of the manifest.
    pub count: usize,
    /// Length of an excerpt in seconds, taken from the middle of its clip.
    pub seconds: f64,
}

/// Sample rate at which clips are given to codecs; a setting may lower it.
pub const RATE_HZ: u32 = 44_100;

/// A part of a manifest, from which excerpts are cut when they are asked for.
pub struct TestClips {
    source: CropSource,
    chosen: Vec<usize>,
    seconds: f64,
    /// Names of the excerpts, unique, made from their paths.
    pub names: Vec<String>,
    /// For each excerpt a text that changes when it does.
    pub fingerprints: Vec<String>,
    /// The part of the manifest that they come from: test or validation.
    pub part: Split,
}

impl TestClips {
    /// Takes the test part, or the validation part of a manifest without one.
    ///
    /// # Errors
    /// [`Error::Music`] for a manifest with neither, [`Error::Data`].
    pub fn open(manifest: &Manifest, cache: &Cache, options: ClipOptions) -> Result<Self> {
        let part = [Split::Test, Split::Val].into_iter().find(|&part| manifest.part(part).next().is_some());
        let part = part.ok_or_else(|| {
            Error::Music("there is neither a test nor a validation part: nothing to judge by".to_owned())
        })?;
        let format = CropConfig { sample_rate_hz: RATE_HZ, channels: 1, ..CropConfig::default() };
        let (source, _) = CropSource::open(manifest, part, &format, cache, 0, &|_| ())?;
        let all = source.entries().len();
        let count = options.count.clamp(1, all);
        let chosen: Vec<usize> = (0..count).map(|index| index * all / count).collect();
        let entries = || chosen.iter().map(|&index| &source.entries()[index]);
        let paths: Vec<PathBuf> = entries().map(|entry| PathBuf::from(&entry.path)).collect();
        let middle = format!("mono, {} s from the middle", options.seconds);
        let fingerprints =
            entries().map(|entry| format!("{} {middle}", entry.sha256.as_deref().unwrap_or("?"))).collect();
        let names = clip_names(&paths);
        Ok(Self { chosen, seconds: options.seconds, names, fingerprints, part, source })
    }

    /// Cuts one excerpt.
    ///
    /// # Errors
    /// [`Error::Data`].
    pub fn load(&self, index: usize) -> Result<Pcm> {
        let wanted = (self.seconds * f64::from(RATE_HZ)).round() as usize;
        let whole = self.source.whole(self.chosen[index])?;
        let cut = |channel: Vec<f32>| {
            let start = channel.len().saturating_sub(wanted) / 2;
            let end = (start + wanted).min(channel.len());
            channel[start..end].to_vec()
        };
        Ok(Pcm { sample_rate_hz: RATE_HZ, channels: whole.into_iter().map(cut).collect() })
    }

    /// Indices of at most `most` excerpts, at least one, evenly spread.
    pub(crate) fn spread(&self, most: usize) -> Vec<usize> {
        let count = most.clamp(1, self.names.len());
        (0..count).map(|index| index * self.names.len() / count).collect()
    }

    /// The excerpts of the indices `chosen` for a suite; `load` takes an index into `chosen`.
    pub(crate) fn clips<'a>(
        &self,
        chosen: &[usize],
        load: &'a (dyn Fn(usize) -> std::result::Result<Pcm, EvalError> + Sync),
    ) -> Clips<'a> {
        let of = |texts: &[String]| chosen.iter().map(|&index| texts[index].clone()).collect();
        Clips { names: of(&self.names), fingerprints: of(&self.fingerprints), load }
    }
}
