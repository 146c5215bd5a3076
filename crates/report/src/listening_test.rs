//! A listening test as a folder that opens from the disk: `index.html` and the sounds of one clip a file.
//!
//! A page that came from the disk may load no sound file, but it may load scripts. The sounds of a clip are therefore a
//! script that hands them over, loaded when the clip is due; a test of twenty clips would be too much for one page. What
//! order things are heard in is drawn by the page, for each listener anew; what they say is saved as CSV with the columns
//! of [`COLUMNS`].

use std::io::Write;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use melisma_eval::listening_test::answers::COLUMNS;
use melisma_media::AtomicFile;
use melisma_signal::Pcm;
use serde::Serialize;

use crate::error::ReportError;
use crate::page::{escaped, filled, written};
use crate::sound::flac;
use crate::waveform::Waveform;

const TEMPLATE: &str = include_str!("../page/listening/listening.html");
/// Those of every page, then those of this one.
const STYLES: [&str; 2] = [include_str!("../page/page.css"), include_str!("../page/listening/listening.css")];
/// In this order they are one script.
const SCRIPTS: [&str; 8] = [
    include_str!("../page/base.js"),
    include_str!("../page/deck.js"),
    include_str!("../page/abx.js"),
    include_str!("../page/listening/plan.js"),
    include_str!("../page/listening/timeline.js"),
    include_str!("../page/listening/rating.js"),
    include_str!("../page/listening/blind.js"),
    include_str!("../page/listening/main.js"),
];
/// Folder of the clips beside the page.
const CLIPS: &str = "clips";

/// A listening test before it is written.
#[derive(Clone, Debug, Serialize)]
pub struct ListeningTest {
    /// Heading and title.
    pub title: String,
    /// What the answers are kept under: another test has another.
    pub id: String,
    /// Name of each codec with its settings and version, shown when all is done.
    pub recipes: Vec<(String, String)>,
    /// The clips, as [`ClipSounds::write`] answered them.
    pub clips: Vec<Clip>,
}

/// What the page knows of a clip before its sounds are loaded.
#[derive(Clone, Debug, Serialize)]
pub struct Clip {
    name: String,
    seconds: f64,
    sample_rate_hz: u32,
    file: String,
    waveform: Waveform,
    trials: Vec<TestTrial>,
}

/// The versions that are heard together.
#[derive(Clone, Debug, Serialize)]
pub struct TestTrial {
    /// The rate that the codecs were asked for, kbit/s.
    pub nominal_kbps: f64,
    /// Reference, anchors and codecs.
    pub stimuli: Vec<Stimulus>,
}

/// One version in a trial.
#[derive(Clone, Debug, Serialize)]
pub struct Stimulus {
    /// Codec, anchor, or hidden reference, as it is named in the answers.
    pub condition: String,
    /// Rate of the file, kbit/s; none of reference and anchors.
    pub file_kbps: Option<f64>,
    /// Index into [`ClipSounds::sounds`].
    pub sound: usize,
}

/// A clip with its sounds.
#[derive(Clone, Debug)]
pub struct ClipSounds {
    /// Name of the clip.
    pub name: String,
    /// The reference first, then every version that a trial names, all of one length and rate.
    pub sounds: Vec<Pcm>,
    /// Trials over these sounds, a rate each.
    pub trials: Vec<TestTrial>,
}

impl ClipSounds {
    /// Writes the sounds as clip `index` of the test `id` into its folder; answers what the page has to know.
    ///
    /// # Errors
    /// [`ReportError::Sound`] if versions differ in length or rate or a trial names one that is not there;
    /// [`ReportError::Media`] if the disk refuses.
    pub fn write(&self, id: &str, index: usize, folder: &Path) -> Result<Clip, ReportError> {
        let Some(reference) = self.sounds.first() else {
            return Err(ReportError::sound(format!("{}: no sounds", self.name)));
        };
        let form = |pcm: &Pcm| (pcm.samples(), pcm.sample_rate_hz);
        if self.sounds.iter().any(|sound| form(sound) != form(reference)) {
            return Err(ReportError::sound(format!("{}: versions differ in length or rate", self.name)));
        }
        if self.trials.iter().flat_map(|trial| &trial.stimuli).any(|each| each.sound >= self.sounds.len()) {
            return Err(ReportError::sound(format!("{}: a trial without its sound", self.name)));
        }
        let flacs: Result<Vec<String>, ReportError> =
            self.sounds.iter().map(|sound| Ok(STANDARD.encode(flac(sound)?))).collect();
        let file = format!("{CLIPS}/{:02}.js", index + 1);
        let script = format!(
            "melismaClip({},{index},{});\n",
            serde_json::to_string(id)?,
            serde_json::to_string(&flacs?)?
        );
        let path = folder.join(&file);
        std::fs::create_dir_all(folder.join(CLIPS)).map_err(ReportError::io(folder))?;
        let mut out = AtomicFile::create(&path, true)?;
        out.write_all(script.as_bytes()).map_err(ReportError::io(&path))?;
        out.commit()?;
        Ok(Clip {
            name: self.name.clone(),
            seconds: reference.seconds(),
            sample_rate_hz: reference.sample_rate_hz,
            file,
            waveform: Waveform::of(reference),
            trials: self.trials.clone(),
        })
    }
}

impl ListeningTest {
    /// Writes `index.html`, last of all; answers its size in bytes.
    ///
    /// # Errors
    /// [`ReportError::Media`] if it exists and must not be replaced or the disk refuses; [`ReportError::Json`].
    pub fn write(&self, folder: &Path, overwrite: bool) -> Result<u64, ReportError> {
        #[derive(Serialize)]
        struct Data<'a> {
            #[serde(flatten)]
            test: &'a ListeningTest,
            columns: &'static [&'static str],
        }
        let data = serde_json::to_string(&Data { test: self, columns: &COLUMNS })?.replace('<', "\\u003c");
        let parts = [
            ("title", &*escaped(&self.title)),
            ("style", &*STYLES.concat()),
            ("data", &*data),
            ("script", &*SCRIPTS.concat()),
        ];
        written(&filled(TEMPLATE, &parts), &folder.join("index.html"), overwrite)
    }
}
