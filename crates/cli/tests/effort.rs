//! `encode --effort high`: better at equal size, and clear about what it cannot do.

mod common;
use common::{Desk, music};
use melisma_eval::{
    Reference,
    objective::{Difference, Heard},
};

#[test]
fn settings_that_were_tried_are_heard_less_at_equal_size() {
    let desk = Desk::new();
    let pcm = music(44_100, 3.0);
    desk.wav("m.wav", &pcm);
    let reference = Reference::new(pcm);
    let coded = |arguments: &[&str]| {
        let mut all = vec!["encode", "m.wav", "-o", "m.mlsm", "--force"];
        all.extend(arguments);
        desk.run(&all).ends(0);
        desk.run(&["decode", "m.mlsm", "-o", "out.wav", "--format", "wavf32", "--force"]).ends(0);
        let heard = Heard::of(&reference.score(&desk.load("out.wav").channels)).expect("scored");
        (desk.read("m.mlsm").len() as f64, heard)
    };
    for rate in [["-b", "24k"], ["-q", "4"]] {
        let (usual_bytes, usual) = coded(&rate);
        let (bytes, tried) = coded(&[&rate[..], &["--effort", "high"]].concat());
        assert!((bytes / usual_bytes - 1.0).abs() < 0.03, "{rate:?}: {bytes} bytes, usually {usual_bytes}");
        let cost = Difference::between(&tried, &usual).cost();
        assert!(cost < -0.005, "{rate:?}: {cost}");
    }
}

#[test]
fn pipes_and_the_least_squared_error_are_refused() {
    let desk = Desk::new();
    desk.wav("m.wav", &music(44_100, 1.0));
    let piped = desk.pipe(&["encode", "-", "-o", "m.mlsm", "--effort", "high"], &desk.read("m.wav")).ends(1);
    assert!(piped.stderr.contains("reads the music twice"), "{}", piped.stderr);
    let squared = desk.run(&["encode", "m.wav", "-o", "m.mlsm", "--effort", "high", "--tune", "mse"]).ends(2);
    assert!(squared.stderr.contains("--tune mse"), "{}", squared.stderr);
    assert_eq!(desk.files(), ["m.wav"]);
}

#[test]
fn silence_and_next_to_nothing_are_coded_as_usual() {
    let desk = Desk::new();
    let mut pcm = music(44_100, 0.5);
    pcm.channels.iter_mut().flatten().for_each(|sample| *sample = 0.0);
    desk.wav("silence.wav", &pcm);
    pcm.channels.iter_mut().for_each(|channel| channel.truncate(1));
    desk.wav("one.wav", &pcm);
    pcm.channels.iter_mut().for_each(Vec::clear);
    desk.wav("none.wav", &pcm);
    for name in ["silence", "one", "none"] {
        let (wav, mlsm) = (format!("{name}.wav"), format!("{name}.mlsm"));
        for rate in [["-b", "24k"], ["-q", "5"]] {
            let arguments =
                [&["encode", &wav, "-o", &mlsm, "--force", "--effort", "high"], &rate[..]].concat();
            desk.run(&arguments).ends(0);
        }
        desk.run(&["verify", &mlsm]).ends(0);
    }
}
