//! `melisma verify`: is every byte of a `.mlsm` file as it was written, and how far is it from its
//! original?

use crate::exit::Outcome;
use crate::input::{self, Codec, Opened, describe_all};
use crate::message::misused;
use crate::output::DataOut;
use crate::progress::Progress;
use crate::{examples, failure, message, text, walk};
use anyhow::{Context, bail};
use melisma_codec::{Header, Inspection, inspect_reader};
use melisma_media::{AudioSource, Input, OpenOptions, Resampler};
use melisma_signal::Pcm;
use serde_json::json;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Flags of `verify`.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::VERIFY)]
pub struct VerifyArguments {
    /// .mlsm files, directories, or - for standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Compare with the music that FILE was made from: length and signal-to-noise ratio
    #[arg(long, value_name = "ORIGINAL")]
    against: Option<PathBuf>,
    /// Model of a file that a trained network made; without it, MELISMA_MODELS is looked through, and without a model
    /// only checksums are checked
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// One JSON object a file, for programs
    #[arg(long)]
    json: bool,
}

impl VerifyArguments {
    /// Checks each file; every fault is named, and any fault is a failure.
    pub fn run(self, quiet: bool) -> anyhow::Result<Outcome> {
        let files = walk::encoded_files(&self.files)?;
        if self.against.is_some() && files.files.len() > 1 {
            return Err(misused("--against compares one file with one original", "name one file"));
        }
        let mut faulty = files.failures.len();
        for (path, why) in files.failures {
            self.tell(&path, Err(anyhow::anyhow!(why)))?;
        }
        let total_bytes: u64 = files.files.iter().filter_map(|file| Some(file.metadata().ok()?.len())).sum();
        let progress = Progress::new(Some(total_bytes).filter(|bytes| *bytes > 0), quiet);
        for file in &files.files {
            progress.name(&file.display().to_string());
            let share = progress.file(file.metadata().map_or(0, |data| data.len()));
            let checked = self.check(file);
            drop(share);
            let is_ok = checked.as_ref().is_ok_and(|findings| findings.faults.is_empty());
            faulty += usize::from(!is_ok);
            progress.suspend(|| self.tell(file, checked))?;
        }
        progress.clear();
        if files.has_folders && !self.json {
            let of = text::count(files.files.len(), "file");
            let faults = if faulty > 0 { format!("{faulty} faulty") } else { "all ok".to_owned() };
            print(&format!("{of}, {faults}\n"))?;
        }
        Ok(if faulty > 0 { Outcome::Failure } else { Outcome::Success })
    }

    /// Says what was found in a file.
    fn tell(&self, file: &Path, checked: anyhow::Result<Findings>) -> anyhow::Result<()> {
        let name = file.display().to_string();
        if self.json {
            let object = match &checked {
                Ok(findings) => json!({
                    "file": name,
                    "ok": findings.faults.is_empty(),
                    "samples": findings.samples,
                    "facts": findings.facts,
                    "faults": findings.faults,
                }),
                Err(error) => {
                    let mut object = failure::object("file", &name, error);
                    object["ok"] = false.into();
                    object
                }
            };
            print(&format!("{object}\n"))?;
        }
        match checked {
            Err(error) => message::error(&error.context(name)),
            Ok(_) if self.json => {}
            Ok(findings) => {
                let word = if findings.faults.is_empty() { "ok" } else { "FAULTY" };
                let mut text = format!("{}: {word}: {}\n", text::printable(&name), findings.facts.join(", "));
                for fault in &findings.faults {
                    text.push_str(&format!("  {}\n", text::printable(fault)));
                }
                print(&text)?;
            }
        }
        Ok(())
    }
}

/// Prints; a reader who has left does not stop the check, for its result is how the program ends.
fn print(text: &str) -> anyhow::Result<()> {
    match DataOut.write_all(text.as_bytes()).and_then(|()| DataOut.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

#[derive(Default)]
struct Findings {
    samples: u64,
    facts: Vec<String>,
    faults: Vec<String>,
}

impl VerifyArguments {
    /// Looks at every checksum, then decodes everything; without the model of a network, checksums must do.
    fn check(&self, file: &Path) -> anyhow::Result<Findings> {
        let source = Source::of(file)?;
        let structure = inspect_reader(source.open()?.reader)?;
        let mut length = input::length_of(&structure);
        let header = &structure.header;
        let rate_hz = header.sample_rate_hz;
        let mut findings = Findings::default();
        findings.facts.push(text::count(structure.sections.len(), "section"));
        let codec = match Codec::of(header, self.model.as_deref()) {
            Err(error) if self.model.is_some() || self.against.is_some() => return Err(error),
            codec => codec.ok(),
        };
        let (mut samples, mut damage) = (structure.samples, structure.damage.clone());
        let mut comparison = None;
        if let Some(codec) = &codec {
            let mut sound = codec.play(source.open()?)?;
            comparison = self.comparison(header)?;
            samples = 0;
            while let Some(block) = sound.next_block()? {
                samples += block.samples() as u64;
                if let Some(comparison) = &mut comparison {
                    comparison.push(&block)?;
                }
            }
            // The decoder sees what checksums see, and the symbol checks; the structure sees what it stepped over.
            if !sound.damage().is_empty() {
                damage = sound.damage().to_vec();
            }
        }
        findings.length(samples, rate_hz);
        if let Some(network) = header.network() {
            findings.facts.push(match codec {
                Some(_) => format!("model {}", network.model),
                None => format!("checksums only, for model {} is not here", network.model),
            });
        }
        length.samples = Some(samples);
        findings.faults.extend(describe_all(&damage, length));
        findings.end(&structure);
        match structure.trailer {
            None => {}
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

    fn comparison(&self, header: &Header) -> anyhow::Result<Option<Comparison>> {
        let Some(path) = &self.against else { return Ok(None) };
        Ok(Some(Comparison::open(path, header).with_context(|| path.display().to_string())?))
    }
}

/// A file that is read twice.
enum Source {
    File(Input),
    /// Standard input comes by once, so it is kept.
    Memory(Vec<u8>),
}

impl Source {
    fn of(file: &Path) -> anyhow::Result<Self> {
        Ok(match Input::from_argument(file.as_os_str()) {
            Input::Stdin => {
                let mut bytes = Vec::new();
                std::io::stdin().read_to_end(&mut bytes).context("cannot read standard input")?;
                Self::Memory(bytes)
            }
            path @ Input::Path(_) => Self::File(path),
        })
    }

    fn open(&self) -> anyhow::Result<Opened> {
        match self {
            Self::File(input) => input::open(input),
            Self::Memory(bytes) => Opened::from_bytes(bytes.clone()),
        }
    }
}

impl Findings {
    /// What is wrong behind the music, where the trailer is there.
    fn end(&mut self, structure: &Inspection) {
        if structure.trailer.is_none() {
            return;
        }
        if !structure.has_end_marker {
            self.faults.push("the end marker, the last 8 bytes, is not as it was written".to_owned());
        }
        if structure.foreign_bytes > 0 {
            self.faults
                .push(format!("{} foreign bytes stand behind the end of the file", structure.foreign_bytes));
        }
    }

    fn length(&mut self, samples: u64, rate_hz: u32) {
        self.facts.push(text::clock(samples as f64 / f64::from(rate_hz.max(1))));
        self.facts.push(format!("{samples} samples"));
        self.samples = samples;
    }
}

/// The original, read in step with the decoded music.
struct Comparison {
    source: AudioSource,
    /// Read but not yet compared.
    ahead: Pcm,
    /// To the rate of the original, where the codec resampled by itself.
    resampler: Option<Resampler>,
    /// Samples that are still to be compared, where resampling could give some too many.
    left: u64,
    original_samples: u64,
    decoded_samples: u64,
    signal: f64,
    noise: f64,
}

impl Comparison {
    /// Opens the original of a file with this header, as when it was encoded.
    fn open(path: &Path, header: &Header) -> anyhow::Result<Self> {
        let network = header.network();
        let options = OpenOptions::default().with_downmix(true).with_any_rate(network.is_some());
        let source = AudioSource::open(&Input::Path(path.to_path_buf()), &options)?;
        let (rate_hz, channels) = (source.sample_rate_hz(), source.channel_count());
        let original = header.original_sample_rate_hz.zip(network.map(|network| network.original_samples));
        let (coded_hz, left) = original.unwrap_or((header.sample_rate_hz, u64::MAX));
        let coded_channels = header.channel_count;
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
            resampler: match original {
                Some((original_hz, _)) => Some(Resampler::new(header.sample_rate_hz, original_hz, channels)?),
                None => None,
            },
            left,
            original_samples: 0,
            decoded_samples: 0,
            signal: 0.0,
            noise: 0.0,
        })
    }

    fn push(&mut self, decoded: &Pcm) -> anyhow::Result<()> {
        match &mut self.resampler {
            None => self.compare(decoded),
            Some(resampler) => {
                let resampled = resampler.push(decoded)?;
                self.compare_within_length(resampled)
            }
        }
    }

    fn compare_within_length(&mut self, mut decoded: Pcm) -> anyhow::Result<()> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        decoded.channels.iter_mut().for_each(|channel| channel.truncate(most));
        self.left -= decoded.samples() as u64;
        self.compare(&decoded)
    }

    fn compare(&mut self, decoded: &Pcm) -> anyhow::Result<()> {
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
        if let Some(resampler) = self.resampler.take() {
            let tail = resampler.finish()?;
            self.compare_within_length(tail)?;
        }
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
