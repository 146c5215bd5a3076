//! A made-up run of a bench: two settings, three codecs, hostile names, a failure, excerpts of synthesised sound.

use std::path::Path;

use melisma_eval::Metric;
use melisma_eval::journal::Row;
use melisma_eval::peers::MissingPeer;
use melisma_eval::results::{Listening, Machine, Results, SCHEMA};
use melisma_eval::suite::SuiteConfig;
use melisma_media::{AudioSink, Encoding, Output, SinkOptions};
use melisma_report::ladder::{CodedRung, LadderConfig, Rung};
use melisma_report::listening_test::{ClipSounds, ListeningTest, Stimulus, TestTrial};
use melisma_report::section::{Axis, HeatMap};
use melisma_report::spectrogram::Grid;
use melisma_report::{Block, Page, ReportError, Section};
use melisma_signal::Pcm;
use melisma_synth::signals;

/// A name that ends script elements, opens links and asks for escapes.
pub const HOSTILE: &str =
    "</script><script>window.hacked = 1</script><!-- <a href=\"http://example.org\">x</a> & \u{2028}";

const CODECS: [&str; 3] = ["alpha", "beta<b>", "gamma"];
const RATES: [f64; 4] = [8.0, 16.0, 32.0, 64.0];
const RATE_HZ: u32 = 16_000;

/// Results whose excerpts are written into `folder`.
pub fn results(folder: &Path) -> Results {
    let mut rows = Vec::new();
    for setting in ["S44", "study"] {
        for clip in 0..6 {
            let clip_name = if clip == 0 { HOSTILE.to_owned() } else { format!("clip-{clip}") };
            for (c, codec) in CODECS.iter().enumerate() {
                for rate in RATES {
                    rows.push(row(setting, &clip_name, clip, c, codec, rate));
                }
            }
        }
    }
    let mut failed = Row::empty("S44", "clip-1", "gamma", "128");
    failed.error = Some(format!("decoder: {HOSTILE}"));
    rows.push(failed);
    let sounds = versions();
    let mut listening = Vec::new();
    for (index, (name, pcm)) in sounds.iter().enumerate() {
        let encoding = if index == 1 { Encoding::WavInt16 } else { Encoding::FlacInt16 };
        let file = format!("{name}.{}", if index == 1 { "wav" } else { "flac" });
        let mut options = SinkOptions::new(encoding, RATE_HZ, pcm.channel_count());
        options.overwrite = true;
        let mut sink = AudioSink::create(&Output::Path(folder.join(&file)), &options).expect("a file");
        sink.write(pcm).expect("written");
        sink.finish().expect("finished");
        listening.push(entry(index, file));
    }
    listening.push(entry(1, "lost.flac".to_owned()));
    listening.push(entry(2, "../outside.flac".to_owned()));
    Results {
        schema: SCHEMA,
        version: "0.0.0".to_owned(),
        written_unix_s: 1_800_000_000,
        git_revision: Some("0123456789ab".to_owned()),
        machine: Machine { processor: "a processor".to_owned(), threads: 2, system: "a system".to_owned() },
        settings: SuiteConfig::default(),
        clips: [(format!("S44/{HOSTILE}"), "00112233".to_owned())].into(),
        missing: vec![MissingPeer {
            codec: "delta".to_owned(),
            program: "deltaenc".to_owned(),
            package: "delta-tools".to_owned(),
        }],
        listening,
        rows,
    }
}

fn row(setting: &str, clip_name: &str, clip: usize, c: usize, codec: &str, rate: f64) -> Row {
    let mut row = Row::empty(setting, clip_name, codec, &rate.to_string());
    let kbps = rate * (1.0 + 0.1 * c as f64);
    row.recipe = format!("{codec} at its best");
    row.seconds = 10.0;
    row.kbps = kbps;
    (row.encode.cpu_s, row.decode.cpu_s) = (0.1, 0.02);
    row.encode.peak_bytes = Some(1 << 24);
    for &metric in Metric::ALL.iter() {
        let better = kbps.ln() + 0.05 * clip as f64 - 0.1 * c as f64;
        let value =
            metric.direction().sign() * better + if metric.direction().sign() < 0.0 { 6.0 } else { 0.0 };
        let absent = metric == Metric::Visqol && clip == 2;
        row.metrics.insert(metric, (!absent).then_some(value));
    }
    row
}

fn entry(index: usize, file: String) -> Listening {
    let of_codec = |text: String| (index > 0).then_some(text);
    Listening {
        setting: "S44".to_owned(),
        clip: HOSTILE.to_owned(),
        codec: of_codec(CODECS[index.saturating_sub(1)].to_owned()),
        label: of_codec("16".to_owned()),
        kbps: (index > 0).then_some(16.0 + index as f64),
        start_s: 4.0,
        file,
    }
}

/// Sines, each version lower by an octave, so that what is heard can be told.
pub fn versions() -> Vec<(&'static str, Pcm)> {
    let names = ["original", "alpha", "beta", "gamma"];
    let hz = [2000.0, 1000.0, 500.0, 250.0];
    names.into_iter().zip(hz).map(|(name, hz)| (name, sine(hz, 3.0))).collect()
}

fn sine(hz: f64, seconds: f64) -> Pcm {
    let mono = signals::sine(RATE_HZ, seconds, hz);
    signals::stereo(mono.clone(), mono)
}

/// A ladder of two rates and two codecs, one place empty.
#[allow(dead_code, reason = "not every user of this module makes a ladder")]
pub fn ladder() -> LadderConfig {
    let coded = |index: usize| {
        Rung::Coded(Box::new(CodedRung {
            pcm: versions().swap_remove(index).1,
            kbps: 8.5,
            figures: vec![("study RMSE".to_owned(), "0.1".to_owned())],
        }))
    };
    LadderConfig {
        song: HOSTILE.to_owned(),
        start_s: 30.0,
        original: versions().swap_remove(0).1,
        rates_kbps: vec![1.0, 8.0],
        codecs: vec!["alpha".to_owned(), "beta".to_owned()],
        recipes: vec![("alpha".to_owned(), "alpha at its best".to_owned())],
        rungs: vec![
            vec![Rung::Unavailable("from 8 kbit/s on".to_owned()), coded(1)],
            vec![coded(2), coded(3)],
        ],
    }
}

/// A page with two heat maps, one of hostile name.
pub fn heat_maps() -> Page {
    let map = |title: &str| HeatMap {
        title: title.to_owned(),
        x: Axis { label: "seconds".to_owned(), log: false },
        columns: Grid { first: 0.5, step: 0.25 },
        y: Axis { label: "channel".to_owned(), log: false },
        rows: Grid { first: 0.0, step: 1.0 },
        unit: "latent".to_owned(),
        values: (0..3).map(|row| (0..8).map(|column| (row * column) as f32).collect()).collect(),
        range: [0.0, 10.0],
    };
    let mut section = Section::new("maps", "Maps", &[]);
    section.blocks.push(Block::HeatMaps { maps: vec![map("products"), map(HOSTILE)] });
    Page { title: "Maps".to_owned(), written_unix_s: None, sections: vec![section] }
}

/// A listening test of two clips and two rates; what is heard tells the version: the reference has 2000 Hz, the anchors 250
/// and 125 Hz, the codecs 1000 and 500 Hz.
#[allow(dead_code, reason = "not every user of this module makes a listening test")]
pub fn write_listening_test(folder: &Path) -> Result<(), ReportError> {
    let tones: Vec<Pcm> = [2000.0, 250.0, 125.0, 1000.0, 500.0].into_iter().map(|hz| sine(hz, 3.0)).collect();
    let trial = |nominal_kbps: f64| TestTrial {
        nominal_kbps,
        stimuli: ["reference", "anchor-3.5k", "anchor-7k", "alpha", "beta<b>"]
            .into_iter()
            .enumerate()
            .map(|(sound, condition)| Stimulus {
                condition: condition.to_owned(),
                file_kbps: (sound > 2).then_some(nominal_kbps + 0.5),
                sound,
            })
            .collect(),
    };
    let mut clips = Vec::new();
    for (index, name) in [HOSTILE, "clip-1"].into_iter().enumerate() {
        let sounds = ClipSounds {
            name: name.to_owned(),
            sounds: tones.clone(),
            trials: vec![trial(12.0), trial(48.0)],
        };
        clips.push(sounds.write("sample", index, folder)?);
    }
    let recipes = vec![("alpha".to_owned(), "alpha at its best".to_owned())];
    let test = ListeningTest { title: "Listening test".to_owned(), id: "sample".to_owned(), recipes, clips };
    test.write(folder, true).map(drop)
}
