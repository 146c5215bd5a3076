//! Which systems there are, from `configs/`: the plan `reproduce.toml` and one file a system, all built in.

use crate::{Error, Result};
use melisma_train::TrainConfig;
use serde::{Deserialize, Serialize};

/// Systems that are compared with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// The study's network on spectra, one system for each latent size.
    FreqAe,
    /// Our network on spectra, one system for each rate.
    FreqAePlus,
    /// The study's network on samples.
    TimeAe,
    /// The study's network on samples with its other losses.
    TimeAeLosses,
    /// Our network on samples, one system for each rate.
    TimeAePlus,
    /// The families of Roche et al., one system for each latent size.
    Families,
}

impl Group {
    /// Name in results and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::FreqAe => "freq-ae",
            Self::FreqAePlus => "freq-ae-plus",
            Self::TimeAe => "time-ae",
            Self::TimeAeLosses => "time-ae-losses",
            Self::TimeAePlus => "time-ae-plus",
            Self::Families => "families",
        }
    }

    /// Whether its systems model sound at 44.1 kHz; all others model 8 kHz.
    #[must_use]
    pub fn is_full_rate(self) -> bool {
        matches!(self, Self::TimeAe | Self::TimeAeLosses | Self::TimeAePlus)
    }
}

/// One system to train.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// What is trained, and how.
    pub config: TrainConfig,
    /// Name of its config below `configs/`, without extension.
    pub file: String,
    /// Which systems it is compared with.
    pub group: Group,
    /// How much of the time for training it is given beside the others: time is divided by weight.
    pub weight: f64,
}

impl Planned {
    /// Number of values in a latent.
    #[must_use]
    pub fn latents(&self) -> usize {
        self.config.system.latent_channels()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    system: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    config: String,
    group: Group,
    weight: f64,
    #[serde(default)]
    latents: Vec<usize>,
    #[serde(default)]
    quick: bool,
    #[serde(default)]
    quick_latents: Vec<usize>,
    #[serde(default)]
    quick_set: Vec<String>,
}

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../configs/", $name, ".toml")))),*]
    };
}

const PLAN: &str = include_str!("../configs/reproduce.toml");

/// Every config that comes with the program: its name and its text.
pub const CONFIGS: &[(&str, &str)] = files![
    "study/freq-ae-512",
    "study/freq-ae-256",
    "study/freq-ae-128",
    "study/freq-ae-64",
    "study/freq-ae-32",
    "study/time-ae",
    "study/time-ae-l1",
    "study/time-ae-magnitude-mse",
    "study/time-ae-magnitude-l1",
    "study/time-ae-log-power-mse",
    "study/time-ae-log-power-l1",
    "study/time-ae-total-variation",
    "improved/freq-ae-plus-8",
    "improved/freq-ae-plus-16",
    "improved/freq-ae-plus-32",
    "improved/freq-ae-plus-64",
    "improved/time-ae-plus-32",
    "improved/time-ae-plus-64",
    "families/linear",
    "families/linear-gradient",
    "families/shallow",
    "families/deep",
    "families/recurrent",
    "families/variational",
    "families/denoising",
];

/// Every system of the study, or, `quick`, one of each kind at small sizes.
///
/// # Errors
/// [`Error::Plan`], [`Error::Config`].
pub fn study(quick: bool) -> Result<Vec<Planned>> {
    let file: File = toml::from_str(PLAN).map_err(|error| Error::Plan(error.to_string()))?;
    let mut planned = Vec::new();
    for entry in file.system {
        if quick && !entry.quick {
            continue;
        }
        let text = CONFIGS.iter().find(|(name, _)| *name == entry.config);
        let (_, text) = text.ok_or_else(|| Error::Plan(format!("there is no config {:?}", entry.config)))?;
        let sizes =
            if quick && !entry.quick_latents.is_empty() { &entry.quick_latents } else { &entry.latents };
        for mut overrides in variants(text, sizes)? {
            if quick {
                overrides.extend(entry.quick_set.iter().cloned());
            }
            let config = TrainConfig::with_overrides(text, &overrides)?;
            planned.push(Planned {
                config,
                file: entry.config.clone(),
                group: entry.group,
                weight: entry.weight,
            });
        }
    }
    Ok(planned)
}

/// What to change in a config for each size; nothing, once, where there is but one.
fn variants(text: &str, sizes: &[usize]) -> Result<Vec<Vec<String>>> {
    if sizes.is_empty() {
        return Ok(vec![Vec::new()]);
    }
    let name = TrainConfig::from_toml(text)?.name;
    let variant =
        |size: &usize| vec![format!("name={name}-{size}"), format!("system.network.latents={size}")];
    Ok(sizes.iter().map(variant).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn every_file_is_built_in_and_planned() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs");
        let mut there = BTreeSet::new();
        for group in ["study", "improved", "families"] {
            for file in std::fs::read_dir(folder.join(group)).expect("a folder") {
                let path = file.expect("a file").path();
                there.insert(format!("{group}/{}", path.file_stem().expect("a name").to_string_lossy()));
            }
        }
        let built_in: BTreeSet<String> = CONFIGS.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(built_in, there);
        let planned: BTreeSet<String> = study(false).expect("a plan").into_iter().map(|p| p.file).collect();
        assert_eq!(planned, there);
    }

    #[test]
    fn systems_have_names_of_their_own_and_descriptions() {
        for quick in [false, true] {
            let planned = study(quick).expect("a plan");
            let names: BTreeSet<&str> = planned.iter().map(|p| p.config.name.as_str()).collect();
            assert_eq!(names.len(), planned.len());
            for one in &planned {
                assert!(one.config.description.len() > 200, "{}", one.config.name);
                assert!(one.weight > 0.0);
                let rate_hz = if one.group.is_full_rate() { 44_100 } else { 8000 };
                assert_eq!(one.config.data.sample_rate_hz, rate_hz, "{}", one.config.name);
                let others = one.config.expected.iter().flat_map(|expected| &expected.better_than);
                for other in others {
                    assert!(study(false).unwrap().iter().any(|p| p.config.name == *other), "{other}");
                }
            }
        }
        let sizes: Vec<usize> = study(false).expect("a plan").iter().map(Planned::latents).collect();
        assert!(sizes.contains(&4) && sizes.contains(&512));
    }
}
