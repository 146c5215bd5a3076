//! `melisma verify`: is every byte of a `.mlsm` file as it was written, and how far is it from its
//! original?

use crate::exit::Outcome;
use crate::output::DataOut;
use crate::sound::{self, Opened, Sound, describe, open_file};
use crate::{examples, network, report, text};
use anyhow::{Context, bail};
use melisma_codec::{Damage, inspect, latent::File};
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
    /// Model of a file that a trained network made; without it, MELISMA_MODELS is looked through, and without a model
    /// only checksums are checked
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
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
            let line = match self.check(file).with_context(|| file.display().to_string()) {
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

impl VerifyArguments {
    fn check(&self, file: &Path) -> anyhow::Result<Findings> {
        match sound::open(&Input::Path(file.to_path_buf()))? {
            Opened::Own(sound, note) => self.check_own(file, sound, note),
            Opened::Network(bytes) => self.check_network(&bytes),
        }
    }

    fn check_own(&self, file: &Path, mut sound: Sound, note: Option<String>) -> anyhow::Result<Findings> {
        let mut findings = Findings::default();
        findings.faults.extend(note);
        let (rate_hz, channels) = (sound.header().sample_rate_hz, sound.header().channel_count);
        let structure = match findings.faults.is_empty() {
            true => Some(inspect(BufReader::new(open_file(file)?))?),
            false => None,
        };
        let mut comparison = self.comparison(&OpenOptions::default(), rate_hz, channels)?;
        let mut samples = 0;
        while let Some(block) = sound.next_block()? {
            samples += block.samples() as u64;
            if let Some(comparison) = &mut comparison {
                comparison.push(&block)?;
            }
        }
        if let Some(structure) = &structure {
            findings.facts.push(text::count(structure.sections.len(), "section"));
        }
        findings.length(samples, rate_hz);

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

    /// A file of a trained network: everything with its model, checksums without.
    fn check_network(&self, bytes: &[u8]) -> anyhow::Result<Findings> {
        let file = network::read(bytes)?;
        let rate_hz = file.header.sample_rate_hz;
        let mut findings = Findings::default();
        findings.facts.push(text::count(file.sections.len(), "section"));
        findings.length(file.samples(), rate_hz);
        let damage = self.play(bytes, &file, &mut findings)?;
        findings.faults.extend(damage.iter().map(|damage| describe(damage, rate_hz)));
        Ok(findings)
    }

    /// Decodes all of it, and compares.
    #[cfg(feature = "train")]
    fn play(&self, bytes: &[u8], file: &File<'_>, findings: &mut Findings) -> anyhow::Result<Vec<Damage>> {
        let codec = match network::codec_for(&file.header, self.model.as_deref()) {
            Ok(codec) => codec,
            Err(error) if self.model.is_some() || self.against.is_some() => return Err(error),
            Err(_) => {
                findings.facts.push(format!("checksums only, for model {} is not here", file.header.model));
                return Ok(file.damage.clone());
            }
        };
        let mut playback = codec.playback(bytes)?;
        let (coded_hz, channels) = (file.header.sample_rate_hz, file.header.channel_count);
        let (rate_hz, exactly) = file.header.original.unwrap_or((coded_hz, file.header.total_samples));
        // As when it was encoded.
        let options = OpenOptions::default().with_any_rate(true);
        let mut comparison = self.comparison(&options, rate_hz, channels)?;
        let mut resampler = melisma_media::Resampler::new(coded_hz, rate_hz, channels)?;
        let mut left = exactly;
        let mut compare = |mut block: Pcm| -> anyhow::Result<()> {
            let Some(comparison) = &mut comparison else { return Ok(()) };
            let most = usize::try_from(left).unwrap_or(usize::MAX);
            block.channels.iter_mut().for_each(|channel| channel.truncate(most));
            left -= block.samples() as u64;
            comparison.push(&block)
        };
        while let Some(block) = playback.next_block()? {
            if self.against.is_some() {
                compare(resampler.push(&block)?)?;
            }
        }
        if self.against.is_some() {
            compare(resampler.finish()?)?;
        }
        findings.facts.push(format!("model {}", file.header.model));
        if let Some(comparison) = comparison {
            comparison.finish(findings)?;
        }
        Ok(playback.damage().to_vec())
    }

    /// What can be said without networks.
    #[cfg(not(feature = "train"))]
    fn play(&self, _: &[u8], file: &File<'_>, findings: &mut Findings) -> anyhow::Result<Vec<Damage>> {
        if self.against.is_some() {
            return Err(network::missing(&file.header));
        }
        findings.facts.push(format!("checksums only, for model {} is not here", file.header.model));
        Ok(file.damage.clone())
    }

    fn comparison(
        &self,
        options: &OpenOptions,
        rate_hz: u32,
        channels: usize,
    ) -> anyhow::Result<Option<Comparison>> {
        let Some(path) = &self.against else { return Ok(None) };
        let options = options.clone().with_downmix(true);
        let opened = Comparison::open(path, &options, rate_hz, channels);
        Ok(Some(opened.with_context(|| path.display().to_string())?))
    }
}

impl Findings {
    fn length(&mut self, samples: u64, rate_hz: u32) {
        self.facts.push(text::clock(samples as f64 / f64::from(rate_hz.max(1))));
        self.facts.push(format!("{samples} samples"));
    }
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
    fn open(
        path: &Path,
        options: &OpenOptions,
        coded_hz: u32,
        coded_channels: usize,
    ) -> anyhow::Result<Self> {
        let source = AudioSource::open(&Input::Path(path.to_path_buf()), options)?;
        let (rate_hz, channels) = (source.sample_rate_hz(), source.channel_count());
        if (rate_hz, channels) != (coded_hz, coded_channels) {
            bail!(
                "not its original: {} Hz with {}, while the .mlsm file has {} Hz with {}",
                rate_hz,
                text::count(channels, "channel"),
                coded_hz,
                text::count(coded_channels, "channel")
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
