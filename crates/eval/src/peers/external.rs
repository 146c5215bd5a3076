//! A codec made of an encoder and a decoder command: a sound file in, a coded file, a sound file out.

use std::path::Path;
use std::time::Duration;

use melisma_signal::Pcm;

use super::payload::{Container, payload_bytes};
use super::template::Template;
use super::{CodecUnderTest, Coded, OperatingPoint, Source};
use crate::error::{EvalError, Step};
use crate::resample::{Resampler, mono};
use crate::{process, sound_file};

/// Which points a codec has. Asked for another rate, it runs at the nearest that it can do.
#[derive(Clone, Debug)]
pub enum Ladder {
    /// Any rate from the first to the second, in kbit/s.
    Range(f64, f64),
    /// Nominal rates in kbit/s, each with the value of `{options}`; the nearest by ratio is taken.
    Steps(Vec<(f64, String)>),
    /// One point of that name, whatever rates are asked for.
    Single(&'static str),
}

/// The form of the sound files that the commands read and write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoundFile {
    /// A WAV file, 16 bits on the way in.
    Wav,
    /// 16-bit samples without a header, mono, at this rate (by our resampler, whose time is not counted).
    RawMono {
        /// Samples per second.
        sample_rate_hz: u32,
    },
}

/// A codec driven through two commands.
#[derive(Clone, Debug)]
pub struct ExternalCodec {
    /// Name in results.
    pub name: String,
    /// Encoder: `{in}` is a sound file, `{out}` the coded file.
    pub encode: Template,
    /// Decoder: `{in}` is the coded file, `{out}` a sound file.
    pub decode: Template,
    /// The form of the sound files.
    pub sound: SoundFile,
    /// Ending of the coded file; some programs go by it.
    pub extension: String,
    /// How to tell payload from container.
    pub container: Container,
    /// The points that it can do.
    pub ladder: Ladder,
    /// The line that each program prints about its version.
    pub versions: Vec<String>,
    /// Longest time that a program may take on the clock.
    pub limit: Duration,
}

/// The usual limit: long enough for any encoder here on excerpts, short enough that a hang is noticed.
pub const DEFAULT_LIMIT: Duration = Duration::from_secs(600);

impl ExternalCodec {
    /// Reads `name[:rate,rate...]=encoder words ;; decoder words`.
    ///
    /// # Errors
    /// [`EvalError::Template`] if a part is missing or malformed.
    pub fn parse(text: &str) -> Result<Self, EvalError> {
        let wrong = |what: &str| EvalError::Template { template: text.to_string(), what: what.to_string() };
        let (head, commands) = text.split_once('=').ok_or_else(|| wrong("no '=' after the name"))?;
        let (encode, decode) = commands.split_once(";;").ok_or_else(|| wrong("no ';;' between commands"))?;
        for (command, field) in [(encode, "{in}"), (encode, "{out}"), (decode, "{in}"), (decode, "{out}")] {
            if !command.contains(field) {
                return Err(wrong(&format!("'{}' lacks {field}", command.trim())));
            }
        }
        let (name, rates) = head.split_once(':').map_or((head, None), |(n, r)| (n, Some(r)));
        if name.trim().is_empty() {
            return Err(wrong("no name"));
        }
        let rate = |r: &str| r.trim().parse::<f64>().map(|r| (r, String::new()));
        let ladder = match rates {
            None => Ladder::Range(0.0, f64::INFINITY),
            Some(rates) => Ladder::Steps(
                rates
                    .split(',')
                    .map(rate)
                    .collect::<Result<_, _>>()
                    .map_err(|_| wrong("rates are numbers"))?,
            ),
        };
        Ok(Self {
            name: name.trim().to_string(),
            encode: Template::parse(encode)?,
            decode: Template::parse(decode)?,
            sound: SoundFile::Wav,
            extension: "bin".to_string(),
            container: Container::None,
            ladder,
            versions: Vec::new(),
            limit: DEFAULT_LIMIT,
        })
    }
}

impl CodecUnderTest for ExternalCodec {
    fn name(&self) -> &str {
        &self.name
    }

    fn recipe(&self) -> String {
        format!("{} ;; {} [{}]", self.encode.text(), self.decode.text(), self.versions.join("; "))
    }

    fn points(&self, rates_kbps: &[f64]) -> Vec<OperatingPoint> {
        let mut points: Vec<OperatingPoint> = Vec::new();
        for &rate in rates_kbps {
            let point = match &self.ladder {
                Ladder::Range(least, most) => OperatingPoint::rate(rate.clamp(*least, *most)),
                Ladder::Steps(steps) => {
                    let far = |kbps: f64| (kbps / rate).ln().abs();
                    let nearest = steps.iter().min_by(|a, b| far(a.0).total_cmp(&far(b.0)));
                    let Some((kbps, options)) = nearest else { continue };
                    let fields = vec![("options".to_string(), options.clone())];
                    OperatingPoint { fields, ..OperatingPoint::rate(*kbps) }
                }
                Ladder::Single(label) => {
                    OperatingPoint { label: (*label).to_string(), kbps: 0.0, fields: Vec::new() }
                }
            };
            if !points.contains(&point) {
                points.push(point);
            }
        }
        points
    }

    fn run(&self, source: Source<'_>, point: &OperatingPoint) -> Result<Coded, EvalError> {
        let coded = source.scratch.join(format!("coded.{}", self.extension));
        let decoded = source.scratch.join("decoded.wav");
        let raw = source.scratch.join("source.raw");
        let sound = match self.sound {
            SoundFile::Wav => source.wav,
            SoundFile::RawMono { sample_rate_hz } => {
                let resampler = Resampler::new(source.pcm.sample_rate_hz, sample_rate_hz);
                sound_file::write_raw(&raw, &resampler.process(&mono(&source.pcm.channels)))?;
                &raw
            }
        };
        let mut fields = point.fields.clone();
        fields.extend([
            ("kbps".to_string(), point.kbps.to_string()),
            ("bps".to_string(), (point.kbps * 1000.0).round().to_string()),
            ("rate".to_string(), source.pcm.sample_rate_hz.to_string()),
            ("channels".to_string(), source.pcm.channel_count().to_string()),
        ]);
        let run = |step: Step, template: &Template, from: &Path, to: &Path| {
            let (input, output) = (from.to_string_lossy(), to.to_string_lossy());
            let words = template.fill(&[("in", &input), ("out", &output)], &fields);
            let cost = process::run(&words, source.scratch, self.limit)
                .map_err(|source| EvalError::Program { step, source })?;
            match std::fs::metadata(to) {
                Ok(file) if file.len() > 0 => Ok((cost, file.len())),
                _ => Err(EvalError::NothingWritten { step, program: template.program().to_owned() }),
            }
        };
        let (encode, file_bytes) = run(Step::Encode, &self.encode, sound, &coded)?;
        let (decode, _) = run(Step::Decode, &self.decode, &coded, &decoded)?;
        let payload_bytes = match self.container {
            Container::None => file_bytes,
            container => {
                let bytes = std::fs::read(&coded).map_err(EvalError::io(&coded))?;
                payload_bytes(&bytes, container)
            }
        };
        let pcm = match self.sound {
            SoundFile::Wav => sound_file::read(&decoded).map_err(EvalError::Unreadable)?,
            SoundFile::RawMono { sample_rate_hz } => {
                Pcm { sample_rate_hz, channels: vec![sound_file::read_raw(&decoded)?] }
            }
        };
        Ok(Coded { file_bytes, payload_bytes, pcm, encode, decode })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn custom_codecs_are_read_or_refused() {
        let codec = ExternalCodec::parse("mine:8,16=e {in} {out} {kbps} ;; d {in} {out}").expect("parses");
        assert_eq!((codec.name(), codec.points(&[16.0, 32.0]).len()), ("mine", 1));
        assert_eq!(codec.points(&[8.2]), codec.points(&[4.0, 7.9]));
        for text in ["mine", "x=e {in} {out}", "x=e {in} ;; d {in} {out}", "=e {in} {out} ;; d {in} {out}"] {
            assert!(ExternalCodec::parse(text).is_err(), "{text}");
        }
    }
}
