//! `melisma verify`: is every byte of a `.mlsm` file as it was written, and how far is it from its
//! original?

use crate::exit::Outcome;
use crate::output::DataOut;
use crate::sound::{Sound, describe, open_file};
use crate::{examples, report, text};
use anyhow::{Context, bail};
use melisma_codec::inspect;
use melisma_media::{AudioSource, Input, OpenOptions};
use melisma_signal::Pcm;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};

/// Flags of `verify`.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::VERIFY)]
pub struct VerifyArguments {
    /// .mlsm files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Compare with the music that FILE was made from: length and signal-to-noise ratio
    #[arg(long, value_name = "ORIGINAL")]
    against: Option<PathBuf>,
}

impl VerifyArguments {
    /// Checks each file; every fault is named, and any fault is a failure.
    pub fn run(self) -> anyhow::Result<Outcome> {
        if self.against.is_some() && self.files.len() > 1 {
            bail!("--against compares one file with one original");
        }
        let mut outcome = Outcome::Success;
        for file in &self.files {
            let name = text::printable(&file.display().to_string());
            let line = match check(file, self.against.as_deref()).with_context(|| file.display().to_string())
            {
                Ok(findings) if findings.faults.is_empty() => {
                    format!("{name}: ok: {}\n", findings.facts.join(", "))
                }
                Ok(findings) => {
                    outcome = Outcome::Failure;
                    let faults: Vec<String> = findings
                        .faults
                        .iter()
                        .map(|fault| format!("  {}\n", text::printable(fault)))
                        .collect();
                    format!("{name}: FAULTY: {}\n{}", findings.facts.join(", "), faults.concat())
                }
                Err(error) => {
                    outcome = Outcome::Failure;
                    report::error(&error);
                    continue;
                }
            };
            DataOut.write_all(line.as_bytes()).and_then(|()| DataOut.flush())?;
        }
        Ok(outcome)
    }
}

#[derive(Default)]
struct Findings {
    facts: Vec<String>,
    faults: Vec<String>,
}

fn check(file: &Path, original: Option<&Path>) -> anyhow::Result<Findings> {
    let mut findings = Findings::default();
    let (mut sound, note) = Sound::open(&Input::Path(file.to_path_buf()))?;
    findings.faults.extend(note);
    let rate_hz = sound.header().sample_rate_hz;
    let structure = match findings.faults.is_empty() {
        true => Some(inspect(BufReader::new(open_file(file)?))?),
        false => None,
    };
    let mut comparison = match original {
        Some(path) => Some(Comparison::open(path, &sound).with_context(|| path.display().to_string())?),
        None => None,
    };
    let mut samples = 0;
    while let Some(block) = sound.next_block()? {
        samples += block.samples() as u64;
        if let Some(comparison) = &mut comparison {
            comparison.push(&block)?;
        }
    }
    let seconds = samples as f64 / f64::from(rate_hz.max(1));
    if let Some(structure) = &structure {
        findings.facts.push(text::count(structure.sections.len(), "section"));
    }
    findings.facts.push(text::clock(seconds));
    findings.facts.push(format!("{samples} samples"));

    // The decoder sees what checksums see, and the symbol checks; the structure sees what it stepped over.
    let mut damage = sound.damage().to_vec();
    if let Some(structure) = structure.filter(|_| damage.is_empty()) {
        damage = structure.damage;
    }
    findings.faults.extend(damage.iter().map(|damage| describe(damage, rate_hz)));
    match sound.trailer() {
        None => findings.faults.push("the end of the file is missing: was it cut off?".to_owned()),
        Some(trailer) if trailer.total_samples != samples => findings
            .faults
            .push(format!("{samples} samples were decoded, {} were encoded", trailer.total_samples)),
        Some(_) => {}
    }
    if let Some(comparison) = comparison {
        comparison.finish(&mut findings)?;
    }
    Ok(findings)
}

/// The original, read in step with the decoded music.
struct Comparison {
    source: AudioSource,
    /// Read but not yet compared.
    ahead: Pcm,
    original_samples: u64,
    decoded_samples: u64,
    signal: f64,
    noise: f64,
}

impl Comparison {
    fn open(path: &Path, sound: &Sound) -> anyhow::Result<Self> {
        let options = OpenOptions::default().with_downmix(true);
        let source = AudioSource::open(&Input::Path(path.to_path_buf()), &options)?;
        let header = sound.header();
        let (rate_hz, channels) = (source.sample_rate_hz(), source.channel_count());
        if (rate_hz, channels) != (header.sample_rate_hz, header.channel_count) {
            bail!(
                "not its original: {} Hz with {}, while the .mlsm file has {} Hz with {}",
                rate_hz,
                text::count(channels, "channel"),
                header.sample_rate_hz,
                text::count(header.channel_count, "channel")
            );
        }
        Ok(Self {
            ahead: Pcm::empty(rate_hz, channels),
            source,
            original_samples: 0,
            decoded_samples: 0,
            signal: 0.0,
            noise: 0.0,
        })
    }

    fn push(&mut self, decoded: &Pcm) -> anyhow::Result<()> {
        self.decoded_samples += decoded.samples() as u64;
        while self.ahead.samples() < decoded.samples() {
            let Some(block) = self.source.next_block()? else { break };
            self.original_samples += block.samples() as u64;
            self.ahead.append(&block);
        }
        for (original, decoded) in self.ahead.channels.iter_mut().zip(&decoded.channels) {
            let both = original.len().min(decoded.len());
            for (x, y) in original.drain(..both).zip(decoded) {
                // The codec takes NaN and infinity as silence, and is measured against that.
                let x = if x.is_finite() { f64::from(x) } else { 0.0 };
                self.signal += x * x;
                self.noise += (x - f64::from(*y)).powi(2);
            }
        }
        Ok(())
    }

    fn finish(mut self, findings: &mut Findings) -> anyhow::Result<()> {
        while let Some(block) = self.source.next_block()? {
            self.original_samples += block.samples() as u64;
        }
        if self.original_samples == self.decoded_samples {
            findings.facts.push("as long as the original".to_owned());
        } else {
            let (decoded, original) = (self.decoded_samples, self.original_samples);
            findings.faults.push(format!("{decoded} samples, the original has {original}"));
        }
        findings.facts.push(match (self.signal > 0.0, self.noise > 0.0) {
            (_, false) => "no difference".to_owned(),
            (true, true) => format!("SNR {:.2} dB", 10.0 * (self.signal / self.noise).log10()),
            (false, true) => format!("noise over a silent original, {:.1e} in all", self.noise),
        });
        Ok(())
    }
}
