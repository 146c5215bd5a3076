//! An excerpt of music through codecs, for pages that are listened to.

use crate::message;
use melisma_eval::peers::melisma::Program;
use melisma_eval::peers::{self, CodecUnderTest, OperatingPoint, Source};
use melisma_eval::{EvalError, Reference, ScoreOptions, Setting, sound_file};
use melisma_media::Encoding;
use melisma_signal::Pcm;
use std::path::{Path, PathBuf};

/// Codecs with what stands in where they lack a rate: LAME's average bitrates end at 310.
const STAND_INS: [(&str, &str); 1] = [("mp3", "mp3-cbr")];

/// A codec that was asked for, and what stands in for it.
pub struct Wanted {
    /// Its name.
    pub name: String,
    /// It and its stand-ins, or why there is none.
    pub codecs: Result<Vec<Box<dyn CodecUnderTest>>, String>,
}

impl Wanted {
    /// Looks for each codec; says which programs are missing.
    pub fn find(names: &[String], program: &Path) -> anyhow::Result<Vec<Self>> {
        let find =
            |name: &str| peers::by_name(name, Setting::S44, Some(Program { path: program, revision: None }));
        let mut all = Vec::with_capacity(names.len());
        for name in names {
            let codecs = match find(name)? {
                Ok(codec) => {
                    let stand_ins = STAND_INS.iter().filter(|(of, _)| of == name);
                    let stand_ins = stand_ins.filter_map(|(_, other)| find(other).ok()?.ok());
                    Ok([codec].into_iter().chain(stand_ins).collect())
                }
                Err(missing) => {
                    let what =
                        format!("{} is not installed (Debian package {})", missing.program, missing.package);
                    message::warn(&format!("no {name}: {what}"));
                    Err(what)
                }
            };
            all.push(Self { name: name.clone(), codecs });
        }
        Ok(all)
    }

    /// The point nearest to a rate, of the codec or what stands in for it.
    pub fn nearest(&self, rate_kbps: f64) -> Option<(&dyn CodecUnderTest, OperatingPoint)> {
        let far = |point: &OperatingPoint| (point.kbps / rate_kbps).ln().abs();
        let codecs = self.codecs.iter().flatten();
        let points = codecs
            .flat_map(|codec| codec.points(&[rate_kbps]).into_iter().map(move |point| (&**codec, point)));
        points.min_by(|(_, a), (_, b)| far(a).total_cmp(&far(b)))
    }

    /// Name of each codec with its settings and version.
    pub fn recipes(&self) -> Vec<(String, String)> {
        self.codecs.iter().flatten().map(|codec| (codec.name().to_owned(), codec.recipe())).collect()
    }
}

/// Help that lists the codecs which can be asked for a rate, but for those that stand in.
pub fn codec_names() -> String {
    let stands_in = |name: &str| STAND_INS.iter().any(|(_, other)| *other == name);
    let known = peers::known().into_iter().filter(|codec| codec.has_rates && !stands_in(codec.name));
    known.map(|codec| codec.name).collect::<Vec<_>>().join(", ")
}

/// The excerpt as every codec gets it, and a folder for files that nobody keeps.
pub struct Excerpt {
    /// The excerpt, rounded to 16 bits.
    pub reference: Reference,
    wav: PathBuf,
    scratch: PathBuf,
}

impl Excerpt {
    /// Rounds an excerpt to 16 bits and writes it into a folder that nothing else is in.
    pub fn new(pcm: &Pcm, scratch: &Path) -> Result<Self, EvalError> {
        let pcm = sound_file::rounded_to_16_bits(pcm);
        let wav = scratch.join("excerpt.wav");
        sound_file::write(&wav, &pcm, Encoding::WavInt16)?;
        Ok(Self { reference: Reference::new(pcm), wav, scratch: scratch.to_path_buf() })
    }

    /// What a codec makes of it: aligned, as loud, as long, and the rate of the whole file, kbit/s.
    pub fn coded(&self, codec: &dyn CodecUnderTest, point: &OperatingPoint) -> Result<(Pcm, f64), EvalError> {
        let folder = tempfile::tempdir_in(&self.scratch)
            .map_err(|source| EvalError::Io { path: self.scratch.clone(), source })?;
        let original = self.reference.pcm();
        let source = Source { pcm: original, wav: &self.wav, scratch: folder.path() };
        let coded = codec.run(source, point)?;
        if coded.pcm.is_empty() || coded.pcm.channels.iter().flatten().any(|x| !x.is_finite()) {
            return Err(EvalError::NoSound("no sound"));
        }
        let prepared = self.reference.prepare(&coded.pcm, ScoreOptions::default());
        let pcm = Pcm { sample_rate_hz: original.sample_rate_hz, channels: prepared.channels };
        Ok((pcm, coded.file_bytes as f64 * 8e-3 / original.seconds()))
    }
}
