//! The peers we know, each at its best settings, as its own program.
//!
//! | name | programs | Debian package |
//! |---|---|---|
//! | `mp3` | `lame --abr`, `lame --decode` | lame |
//! | `mp3-cbr` | `lame -b`, `lame --decode` | lame |
//! | `opus` | `opusenc` (complexity 10, VBR), `opusdec` | opus-tools |
//! | `vorbis` | `oggenc -q`, at low rates with `--resample`; `oggdec` | vorbis-tools |
//! | `aac` | `ffmpeg -c:a aac` (LC, at low rates resampled), `ffmpeg` | ffmpeg |
//! | `flac` | `flac -8` | flac |
//! | `codec2` | `c2enc`, `c2dec`: speech at 8 kHz, mono | codec2 |
//!
//! Decoders give floats where they can, so that no codec is charged for dither or rounding.

use super::external::{DEFAULT_LIMIT, ExternalCodec, Ladder, SoundFile};
use super::payload::Container;
use super::template::Template;
use super::{Known, Lookup, MissingPeer};
use crate::process;
use crate::setting::Setting;

/// Names of the built-in peers that are foreign programs.
pub const NAMES: [&str; 7] = ["mp3", "mp3-cbr", "opus", "vorbis", "aac", "flac", "codec2"];

/// The lowest rate that any codec here is asked for, kbit/s.
pub(crate) const LEAST_KBPS: f64 = 0.5;

/// Where a peer's programs come from and how they tell their version.
struct Origin {
    package: &'static str,
    /// The argument that makes it print its version; none where it has no such argument.
    version_flag: Option<&'static str>,
    programs: &'static [&'static str],
}

/// How a built-in peer is run, before its programs are looked for.
struct Recipe {
    encode: &'static str,
    decode: &'static str,
    sound: SoundFile,
    extension: &'static str,
    container: Container,
    ladder: Ladder,
    origin: Origin,
}

/// Every built-in peer.
pub(super) fn known() -> impl Iterator<Item = Known> {
    let of = |name: &'static str| {
        let recipe = recipe(name, Setting::default())?;
        let has_rates = !matches!(recipe.ladder, Ladder::Single(_));
        Some(Known { name, program: recipe.origin.programs.first().copied(), has_rates })
    };
    NAMES.into_iter().filter_map(of)
}

/// Finds a peer; `None` if the name is not one of [`NAMES`].
#[must_use]
pub fn by_name(name: &str, setting: Setting) -> Option<Lookup> {
    let recipe = recipe(name, setting)?;
    Some(recipe.init(name))
}

fn recipe(name: &str, setting: Setting) -> Option<Recipe> {
    let lame = Origin { package: "lame", version_flag: Some("--version"), programs: &["lame"] };
    let is_study = setting == Setting::Study;
    Some(match name {
        "mp3" => Recipe {
            encode: "lame --quiet --abr {kbps} {in} {out}",
            decode: "lame --quiet --decode {in} {out}",
            sound: SoundFile::Wav,
            extension: "mp3",
            container: Container::Mpeg,
            ladder: Ladder::Range(8.0, if is_study { 64.0 } else { 310.0 }),
            origin: lame,
        },
        "mp3-cbr" => Recipe {
            encode: "lame --quiet -b {kbps} {in} {out}",
            decode: "lame --quiet --decode {in} {out}",
            sound: SoundFile::Wav,
            extension: "mp3",
            container: Container::Mpeg,
            ladder: steps(
                [8, 16, 24, 32, 48, 64, 96, 128, 160, 192, 256, 320]
                    .into_iter()
                    .filter(|&kbps| !is_study || kbps <= 64)
                    .map(|kbps| (kbps, "")),
            ),
            origin: lame,
        },
        "opus" => Recipe {
            encode: "opusenc --quiet --bitrate {kbps} {in} {out}",
            decode: if is_study {
                "opusdec --quiet --float --rate 8000 {in} {out}"
            } else {
                "opusdec --quiet --float --rate 48000 {in} {out}"
            },
            sound: SoundFile::Wav,
            extension: "opus",
            container: Container::Ogg,
            ladder: Ladder::Range(6.0, 256.0),
            origin: Origin {
                package: "opus-tools",
                version_flag: Some("--version"),
                programs: &["opusenc", "opusdec"],
            },
        },
        "vorbis" => Recipe {
            encode: "oggenc -Q {options} -o {out} {in}",
            decode: "oggdec -Q -o {out} {in}",
            sound: SoundFile::Wav,
            extension: "ogg",
            container: Container::Ogg,
            ladder: if is_study { steps(VORBIS_STUDY) } else { steps(VORBIS) },
            origin: Origin {
                package: "vorbis-tools",
                version_flag: Some("--version"),
                programs: &["oggenc", "oggdec"],
            },
        },
        "aac" => Recipe {
            encode: "ffmpeg -v error -y -threads 1 -i {in} {options} -c:a aac -b:a {kbps}k {out}",
            decode: "ffmpeg -v error -y -threads 1 -i {in} -c:a pcm_f32le -f wav {out}",
            sound: SoundFile::Wav,
            extension: "m4a",
            container: Container::Mp4,
            ladder: if is_study { steps(AAC_STUDY) } else { steps(AAC) },
            origin: Origin { package: "ffmpeg", version_flag: Some("-version"), programs: &["ffmpeg"] },
        },
        "flac" => Recipe {
            encode: "flac --silent -8 -f -o {out} {in}",
            decode: "flac --silent -d -f -o {out} {in}",
            sound: SoundFile::Wav,
            extension: "flac",
            container: Container::None,
            ladder: Ladder::Single("lossless"),
            origin: Origin { package: "flac", version_flag: Some("--version"), programs: &["flac"] },
        },
        "codec2" => Recipe {
            encode: "c2enc {options} {in} {out}",
            decode: "c2dec {options} {in} {out}",
            sound: SoundFile::RawMono { sample_rate_hz: 8000 },
            extension: "bit",
            container: Container::None,
            ladder: Ladder::Steps(CODEC2.map(|(kbps, mode)| (kbps, mode.to_string())).to_vec()),
            origin: Origin { package: "codec2", version_flag: None, programs: &["c2enc", "c2dec"] },
        },
        _ => return None,
    })
}

/// Quality steps of Vorbis by the whole rate they reach on stereo music, kbit/s.
const VORBIS: [(u32, &str); 12] = [
    (12, "--resample 8000 -q -1"),
    (16, "--resample 11025 -q -1"),
    (24, "--resample 16000 -q -1"),
    (32, "--resample 24000 -q -1"),
    (48, "-q -1"),
    (64, "-q 0"),
    (80, "-q 1"),
    (96, "-q 2"),
    (112, "-q 3"),
    (128, "-q 4"),
    (160, "-q 5"),
    (192, "-q 6"),
];

/// Quality steps of Vorbis by the whole rate they reach on 8 kHz mono.
const VORBIS_STUDY: [(u32, &str); 5] = [(8, "-q -1"), (12, "-q 1"), (16, "-q 4"), (24, "-q 7"), (32, "-q 9")];

/// Rates of AAC, kbit/s, with further options: ffmpeg's encoder overshoots and distorts at low rates unless it is given fewer samples a second; these
/// rates were the best of 8 to 44.1 kHz by mel L1, study RMSE and zimtohrli on validation music.
const AAC: [(u32, &str); 11] = [
    (8, "-ar 8000"),
    (12, "-ar 8000"),
    (16, "-ar 11025"),
    (24, "-ar 16000"),
    (32, "-ar 32000"),
    (48, "-ar 32000"),
    (64, ""),
    (96, ""),
    (128, ""),
    (160, ""),
    (192, ""),
];

/// Rates of AAC at 8 kHz mono, where a frame holds at most 6144 bits: 48 kbit/s.
const AAC_STUDY: [(u32, &str); 6] = [(8, ""), (12, ""), (16, ""), (24, ""), (32, ""), (48, "")];

/// Rates of Codec 2, kbit/s, and its name of each.
const CODEC2: [(f64, &str); 7] =
    [(0.7, "700C"), (1.2, "1200"), (1.3, "1300"), (1.4, "1400"), (1.6, "1600"), (2.4, "2400"), (3.2, "3200")];

fn steps(steps: impl IntoIterator<Item = (u32, &'static str)>) -> Ladder {
    Ladder::Steps(steps.into_iter().map(|(kbps, options)| (f64::from(kbps), options.to_string())).collect())
}

impl Recipe {
    fn init(self, name: &str) -> Lookup {
        let missing = |program: &str| MissingPeer {
            codec: name.to_string(),
            program: program.to_string(),
            package: self.origin.package.to_string(),
        };
        let mut versions = Vec::new();
        for program in self.origin.programs {
            let said = process::version(program, self.origin.version_flag.unwrap_or("--version"));
            let said = said.ok_or_else(|| missing(program))?;
            versions.extend(self.origin.version_flag.map(|_| said));
        }
        versions.dedup();
        // The texts above parse: a test runs over all of them.
        let parse = |text: &str| Template::parse(text).map_err(|_| missing(text));
        Ok(Box::new(ExternalCodec {
            name: name.to_string(),
            encode: parse(self.encode)?,
            decode: parse(self.decode)?,
            sound: self.sound,
            extension: self.extension.to_string(),
            container: self.container,
            ladder: self.ladder,
            versions,
            limit: DEFAULT_LIMIT,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_command_parses() {
        for name in NAMES {
            for setting in [Setting::S44, Setting::Study] {
                let recipe = recipe(name, setting).expect("known");
                for text in [recipe.encode, recipe.decode] {
                    Template::parse(text).expect("parses");
                }
            }
        }
        assert!(by_name("no such codec", Setting::S44).is_none());
    }
}
