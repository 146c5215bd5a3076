//! `melisma train`: from nothing to a model, ended and gone on with; and what a build without it says.

mod common;

#[cfg(not(feature = "train"))]
#[test]
fn a_build_without_training_says_how_to_get_it() {
    let desk = common::Desk::new();
    let run = desk.run(&["train", "a.toml", "--data", "music"]).ends(1);
    assert!(run.stderr.contains("--features train"), "{}", run.stderr);
}

#[cfg(feature = "train")]
mod built_in {
    use super::common::{Desk, Run};
    use serde_json::Value;
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    const CONFIG: &str = r#"
name = "small"
seed = 3
run = { steps = 60, validate_every = 20, checkpoint_every = 5, statistics_batches = 2, fitted_clips = 3 }
optimiser = { learning_rate = 3e-3 }
data = { sample_rate_hz = 8000, channels = 1, crop_samples = 8192, batch_size = 4 }

[system.frames]
kind = "samples"
standardise = "whole"

[system.network]
kind = "time-ae"
"#;
    const TRAIN: [&str; 9] = ["train", "small.toml", "--data", "toy", "--cache", "cache", "-j", "1", "-o"];

    fn desk() -> Desk {
        let desk = Desk::new();
        desk.write("small.toml", CONFIG.as_bytes());
        desk.run(&[
            "data",
            "synth",
            "toy",
            "--tracks",
            "15",
            "--seconds",
            "3",
            "--rate",
            "8000",
            "--format",
            "wav",
        ])
        .ends(0);
        desk
    }

    /// Losses of the steps, as they stand in the log.
    fn losses(desk: &Desk, run: &str) -> Vec<String> {
        let text = String::from_utf8(desk.read(&format!("{run}/log.jsonl"))).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["event"] == "step").map(|line| line["loss"].to_string()).collect()
    }

    fn train(desk: &Desk, run: &str) -> Run {
        desk.run(&[&TRAIN[..], &[run]].concat())
    }

    #[test]
    fn killed_and_gone_on_with_it_gives_the_same() {
        let desk = desk();
        let whole = train(&desk, "whole").ends(0);
        // There already: what is told of it costs nothing.
        let told = desk.run(&[&TRAIN[..], &["whole", "--json"]].concat()).ends(0);
        let facts: Value = serde_json::from_str(&told.text()).unwrap();
        assert_eq!(
            (&facts["name"], &facts["interrupted"], told.stderr.as_str()),
            (&"small".into(), &false.into(), "")
        );
        assert_eq!(facts["steps"].as_u64(), Some(60), "{facts}");
        assert!(desk.path(facts["model"].as_str().unwrap()).exists(), "{facts}");
        assert!(whole.stderr.contains("small is in"), "{}", whole.stderr);
        let expected = losses(&desk, "whole");
        assert_eq!(expected.len(), 60);
        assert!(desk.path("whole/model/model.safetensors").exists());

        // Killed as soon as it has a checkpoint; then again, until it is through.
        for signal in ["KILL", "INT"] {
            let run = format!("ended-by-{signal}");
            let mut rounds = 0;
            loop {
                let mut child = desk
                    .command(&[&TRAIN[..], &[&run]].concat())
                    .stdin(Stdio::null())
                    .stderr(Stdio::null())
                    .spawn()
                    .unwrap();
                let checkpoints = desk.path(&run).join("checkpoint");
                let newest = || {
                    let entries = std::fs::read_dir(&checkpoints).ok()?;
                    entries.filter_map(|entry| entry.ok().map(|entry| entry.file_name())).max()
                };
                let before = newest();
                let start = Instant::now();
                let code = loop {
                    if let Some(status) = child.try_wait().unwrap() {
                        break status.code();
                    }
                    if newest() > before && rounds < 2 {
                        let id = child.id().to_string();
                        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
                        break child.wait().unwrap().code();
                    }
                    assert!(start.elapsed() < Duration::from_secs(300), "it hangs");
                    std::thread::sleep(Duration::from_millis(1));
                };
                rounds += 1;
                match code {
                    Some(0) => break,
                    Some(130) if signal == "INT" => {}
                    None if signal == "KILL" => {}
                    other => panic!("ended with {other:?}"),
                }
            }
            assert_eq!(losses(&desk, &run), expected, "{signal}");
            assert_eq!(
                desk.read(&format!("{run}/model/model.safetensors")),
                desk.read("whole/model/model.safetensors"),
                "{signal}"
            );
        }
    }

    #[test]
    fn a_classifier_tells_the_test_part() {
        let desk = desk();
        desk.run(&["data", "fma", "toy", "-o", "toy.jsonl"]).ends(0);
        let config = concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs/genre/mel-cnn.toml");
        let train = |manifest: &str, run: &str| {
            desk.run(&[
                "train",
                config,
                "--data",
                manifest,
                "--cache",
                "cache",
                "-o",
                run,
                "--set",
                "run.epochs=2",
                "--set",
                "data.crop_samples=16384",
                "--set",
                "classifier.channels=[4, 4]",
            ])
        };
        let ended = train("toy.jsonl", "run").ends(0);
        assert!(ended.stderr.contains("run/model/told.csv"), "{}", ended.stderr);
        let manifest = String::from_utf8(desk.read("toy.jsonl")).unwrap();
        let tested = manifest.lines().filter(|line| line.contains("\"split\":\"test\"")).count();
        let told = String::from_utf8(desk.read("run/model/told.csv")).unwrap();
        // Each track in three ways, below a line of names.
        assert_eq!(told.lines().count(), 1 + 3 * tested, "{told}");
        assert!(tested > 0 && told.starts_with("path,id,label,way,"), "{told}");
    }

    #[test]
    fn what_is_wrong_is_said() {
        let desk = desk();
        desk.write("typo.toml", CONFIG.replace("time-ae", "time-ea").as_bytes());
        for (arguments, said) in [
            (&["train", "none.toml", "--data", "toy"][..], "none.toml"),
            (&["train", "typo.toml", "--data", "toy"], "time-ea"),
            (&["train", "small.toml", "--data", "nowhere"], "nowhere"),
            (&["train", "small.toml", "--data", "toy", "--set", "run.stepz=1"], "stepz"),
            (
                &["train", "small.toml", "--data", "toy", "--cache", "c", "--cache-limit", "1k"],
                "raise its limit",
            ),
        ] {
            let run = desk.run(arguments).ends(1);
            assert!(run.stderr.contains(said), "{arguments:?}: {}", run.stderr);
        }
        if !cfg!(feature = "cuda") {
            let run = desk.run(&["train", "small.toml", "--data", "toy", "--device", "cuda"]).ends(1);
            assert!(run.stderr.contains("--features cuda"), "{}", run.stderr);
        }
        if !cfg!(feature = "mpi") {
            let run = desk.run(&["train", "small.toml", "--data", "toy", "--mpi"]).ends(1);
            assert!(run.stderr.contains("--features mpi"), "{}", run.stderr);
        }
    }
}
