//! How far decoded sound is from its reference, by the metrics that results are reported in.

use crate::{arrays, errors::Failure};
use melisma_codec::Pcm;
use melisma_eval::{Direction, Metric, ScoreOptions, Scores, metrics::Metric as M};
use pyo3::{prelude::*, types::PyDict};

/// A reference, with everything computed once that does not depend on what it is compared with.
///
/// >>> import melisma.bench, numpy as np
/// >>> rng = np.random.default_rng(1)
/// >>> x = rng.normal(0, 0.1, (44_100, 2))
/// >>> reference = melisma.bench.Reference(x, 44_100)
/// >>> scores = reference.scores(x + rng.normal(0, 0.01, x.shape))
/// >>> round(scores["snr"])
/// 20
#[pyclass(frozen, module = "melisma.bench")]
pub struct Reference {
    inner: melisma_eval::Reference,
}

#[pymethods]
impl Reference {
    /// Of sound of shape (samples, channels).
    #[new]
    fn new(py: Python<'_>, x: &Bound<'_, PyAny>, sample_rate: u32) -> PyResult<Self> {
        let pcm = arrays::pcm_of(x, sample_rate)?;
        check(&pcm, "the reference")?;
        Ok(py.detach(|| Self { inner: melisma_eval::Reference::new(pcm) }))
    }

    /// Compare: a dict from names of metrics to values. What cannot be had of so short or so silent a
    /// clip is not in it.
    ///
    /// With `align`, delay and a small constant gain are taken out first, a rate is brought to the
    /// reference's, and length need not be the same; without, shape and rate must be the reference's.
    /// `only` names the metrics that are wanted: zimtohrli, nmr, peaq_odg and 2f come at a fraction of
    /// the work of all.
    #[pyo3(signature = (y, sample_rate=None, *, align=true, only=None))]
    fn scores<'py>(
        &self,
        py: Python<'py>,
        y: &Bound<'py, PyAny>,
        sample_rate: Option<u32>,
        align: bool,
        only: Option<Vec<String>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let decoded = arrays::pcm_of(y, sample_rate.unwrap_or(self.inner.pcm().sample_rate_hz))?;
        check(&decoded, "what is compared")?;
        let wanted = only.map(|names| names.iter().map(|name| metric(name)).collect::<Result<Vec<_>, _>>());
        let wanted = wanted.transpose()?;
        let scores = py.detach(|| self.compare(&decoded, align, wanted.as_deref()))?;
        let dict = PyDict::new(py);
        for (metric, value) in scores {
            dict.set_item(metric.name(), value)?;
        }
        Ok(dict)
    }
}

impl Reference {
    fn compare(&self, decoded: &Pcm, align: bool, wanted: Option<&[Metric]>) -> Result<Scores, Failure> {
        let reference = self.inner.pcm();
        let shape = |pcm: &Pcm| (pcm.samples(), pcm.channel_count(), pcm.sample_rate_hz);
        let channels = if align {
            self.inner.prepare(decoded, ScoreOptions::default()).channels
        } else if shape(decoded) == shape(reference) {
            decoded.channels.clone()
        } else {
            let told = |pcm: &Pcm| {
                let (samples, channels, rate) = shape(pcm);
                format!("shape ({samples}, {channels}) at {rate} Hz")
            };
            let what = format!("{} is compared with {}", told(decoded), told(reference));
            return Err(Failure::Input(format!("{what}; align=True brings one to the other")));
        };
        let mut scores = match wanted {
            Some([M::Zimtohrli]) => {
                self.inner.zimtohrli(&channels).map(|value| (M::Zimtohrli, value)).into_iter().collect()
            }
            Some([M::Nmr]) => self.inner.nmr(&channels).map(|value| (M::Nmr, value)).into_iter().collect(),
            Some([M::PeaqOdg | M::TwoF]) => {
                let grades = self.inner.peaq(&channels);
                let two_f = grades.as_ref().map(|grades| (M::TwoF, grades.two_f));
                let odg = grades.and_then(|grades| grades.odg).map(|odg| (M::PeaqOdg, odg));
                two_f.into_iter().chain(odg).collect()
            }
            _ => self.inner.score(&channels),
        };
        if let Some(wanted) = wanted {
            scores.retain(|metric, _| wanted.contains(metric));
        }
        Ok(scores)
    }
}

fn metric(name: &str) -> Result<Metric, Failure> {
    Metric::by_name(name).filter(|metric| here().any(|known| known == *metric)).ok_or_else(|| {
        let names: Vec<&str> = here().map(Metric::name).collect();
        Failure::Input(format!("{name:?} is no metric; there are {}", names.join(", ")))
    })
}

/// Those that need no program of others.
fn here() -> impl Iterator<Item = Metric> {
    Metric::ALL.iter().copied().filter(|&metric| metric != Metric::Visqol)
}

/// The metrics: for each name its unit, and "lower", "higher" or "neither" for what is better.
#[pyfunction]
pub fn metrics(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    for metric in here() {
        let better = match metric.direction() {
            Direction::Lower => "lower",
            Direction::Higher => "higher",
            Direction::Neutral => "neither",
        };
        dict.set_item(metric.name(), (metric.unit(), better))?;
    }
    Ok(dict)
}

/// Refuses what no metric makes sense of.
fn check(pcm: &Pcm, which: &str) -> Result<(), Failure> {
    if pcm.is_empty() {
        return Err(Failure::Input(format!("{which} has no samples")));
    }
    if !RATES_HZ.contains(&pcm.sample_rate_hz) {
        let (rate, allowed) = (pcm.sample_rate_hz, "8000 to 192000 Hz");
        return Err(Failure::Input(format!("{which} has a sample rate of {rate} Hz, allowed is {allowed}")));
    }
    if pcm.channels.iter().flatten().any(|sample| !sample.is_finite()) {
        return Err(Failure::Input(format!("{which} has samples that are no numbers")));
    }
    Ok(())
}

/// Rates that the metrics are meant for.
const RATES_HZ: std::ops::RangeInclusive<u32> = 8_000..=192_000;
