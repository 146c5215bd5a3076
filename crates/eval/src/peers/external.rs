//! A codec made of an encoder and a decoder command: a WAV file in, a coded file, a WAV file out.

use std::path::Path;
use std::time::Duration;

use super::payload::{Container, payload_bytes};
use super::template::Template;
use super::{CodecUnderTest, Coded, OperatingPoint, Source};
use crate::error::EvalError;
use crate::{process, wav};

/// Which points a codec has.
#[derive(Clone, Debug)]
pub enum Ladder {
    /// Any rate from the first to the second, in kbit/s.
    Range(f64, f64),
    /// Settings with a nominal rate and the value of `{options}`.
    Steps(Vec<(f64, String)>),
    /// One setting, whatever the rates asked for.
    Single(&'static str),
}

/// A codec driven through two commands.
#[derive(Clone, Debug)]
pub struct ExternalCodec {
    /// Name in results.
    pub name: String,
    /// Encoder: `{in}` is a WAV file, `{out}` the coded file.
    pub encode: Template,
    /// Decoder: `{in}` is the coded file, `{out}` a WAV file.
    pub decode: Template,
    /// Ending of the coded file; some programs go by it.
    pub extension: String,
    /// How to tell payload from container.
    pub container: Container,
    /// Points it can do.
    pub ladder: Ladder,
    /// What the programs say about themselves.
    pub versions: Vec<String>,
    /// Longest time a program may take.
    pub limit: Duration,
}

/// Long enough for any encoder here on excerpts, short enough that a hang is noticed.
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
        let field = |value: &str| vec![("options".to_string(), value.to_string())];
        match &self.ladder {
            Ladder::Range(least, most) => {
                let able = rates_kbps.iter().filter(|&r| r >= least && r <= most);
                able.map(|&r| OperatingPoint::rate(r)).collect()
            }
            Ladder::Steps(steps) => steps
                .iter()
                .filter(|(kbps, _)| rates_kbps.contains(kbps))
                .map(|(kbps, options)| OperatingPoint {
                    fields: field(options),
                    ..OperatingPoint::rate(*kbps)
                })
                .collect(),
            Ladder::Single(label) => {
                vec![OperatingPoint { label: (*label).to_string(), kbps: 0.0, fields: Vec::new() }]
            }
        }
    }

    fn run(&self, source: Source<'_>, point: &OperatingPoint) -> Result<Coded, String> {
        let coded = source.scratch.join(format!("coded.{}", self.extension));
        let decoded = source.scratch.join("decoded.wav");
        let mut fields = point.fields.clone();
        fields.extend([
            ("kbps".to_string(), point.kbps.to_string()),
            ("bps".to_string(), (point.kbps * 1000.0).round().to_string()),
            ("rate".to_string(), source.pcm.sample_rate_hz.to_string()),
            ("channels".to_string(), source.pcm.channel_count().to_string()),
        ]);
        let step = |what: &str, template: &Template, from: &Path, to: &Path| {
            let (input, output) = (from.to_string_lossy(), to.to_string_lossy());
            let words = template.fill(&[("in", &input), ("out", &output)], &fields);
            let cost =
                process::run(&words, source.scratch, self.limit).map_err(|e| format!("{what}: {e}"))?;
            match std::fs::metadata(to) {
                Ok(file) if file.len() > 0 => Ok((cost, file.len())),
                _ => Err(format!("{what}: {} wrote nothing", template.program())),
            }
        };
        let (encode, file_bytes) = step("encoder", &self.encode, source.wav, &coded)?;
        let (decode, _) = step("decoder", &self.decode, &coded, &decoded)?;
        let payload_bytes = match std::fs::read(&coded) {
            Ok(bytes) => payload_bytes(&bytes, self.container),
            Err(error) => return Err(format!("coded file: {error}")),
        };
        let pcm = wav::read(&decoded).map_err(|e| format!("decoder: unreadable WAV: {e}"))?;
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
        for text in ["mine", "x=e {in} {out}", "x=e {in} ;; d {in} {out}", "=e {in} {out} ;; d {in} {out}"] {
            assert!(ExternalCodec::parse(text).is_err(), "{text}");
        }
    }
}
