//! `melisma listen`: the folder that it prepares, and what it makes of answers.

mod common;
use common::{Desk, music};
use serde_json::Value;

/// What the page was given.
fn data(desk: &Desk, page: &str) -> Value {
    let html = std::fs::read_to_string(desk.path(page)).unwrap();
    let (_, rest) = html.split_once("id=\"data\">").unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

#[test]
fn a_folder_has_every_clip_at_every_rate() {
    let desk = Desk::new();
    for name in ["a", "b", "c"] {
        desk.wav(&format!("music/{name}.wav"), &music(44_100, 3.0));
    }
    let arguments =
        ["listen", "prepare", "music", "-o", "test", "--clips", "2", "--seconds", "2", "--rates", "12,48"];
    let arguments = [&arguments[..], &["--codecs", "melisma", "--title", "A </script> & B"]].concat();
    let run = desk.run(&arguments).ends(0);
    assert!(run.stderr.contains("2 clips, 4 trials"), "{}", run.stderr);
    let mut files = desk.files();
    files.retain(|name| name.starts_with("test"));
    assert_eq!(files, ["test/clips/01.js", "test/clips/02.js", "test/index.html"]);

    let data = data(&desk, "test/index.html");
    assert_eq!(data["title"], "A </script> & B");
    let clips = data["clips"].as_array().unwrap();
    // Two of three, evenly spread: the first and the second.
    assert!(
        clips[0]["name"].as_str().unwrap().contains('a') && clips[1]["name"].as_str().unwrap().contains('b')
    );
    for clip in clips {
        assert!((clip["seconds"].as_f64().unwrap() - 2.0).abs() < 1e-3);
        let trials = clip["trials"].as_array().unwrap();
        assert_eq!(trials.len(), 2);
        for (trial, rate) in trials.iter().zip([12.0, 48.0]) {
            assert_eq!(trial["nominal_kbps"], rate);
            let stimuli = trial["stimuli"].as_array().unwrap();
            let names: Vec<&str> = stimuli.iter().map(|each| each["condition"].as_str().unwrap()).collect();
            assert_eq!(names, ["reference", "anchor-3.5k", "anchor-7k", "melisma"]);
            // A file of 2 s has head and trailer that weigh more than in a song.
            let kbps = stimuli[3]["file_kbps"].as_f64().unwrap();
            assert!((0.9 * rate..1.3 * rate).contains(&kbps), "{kbps} instead of {rate}");
        }
    }
    let script = std::fs::read_to_string(desk.path("test/clips/02.js")).unwrap();
    let inside = script.strip_prefix("melismaClip(").unwrap().trim_end().strip_suffix(");").unwrap();
    let call: Value = serde_json::from_str(&format!("[{inside}]")).unwrap();
    assert_eq!((&call[0], &call[1]), (&data["id"], &Value::from(1)));
    // Reference, two anchors, two rates.
    assert_eq!(call[2].as_array().unwrap().len(), 5);

    let again = desk.run(&arguments).ends(1);
    assert!(again.stderr.contains("--force"), "{}", again.stderr);
    desk.run(&[&arguments[..], &["--force"]].concat()).ends(0);
    assert!(
        desk.run(&["listen", "prepare", "music", "-o", "new", "--seconds", "1"])
            .ends(1)
            .stderr
            .contains("2 to 20")
    );
}

const HEADING: &str =
    "test,listener,method,trial,clip,nominal_kbps,condition,file_kbps,score,other,right,seconds,answered\r\n";

#[test]
fn answers_become_scores() {
    let desk = Desk::new();
    let mut good = HEADING.to_owned();
    for (trial, [reference, melisma, opus]) in [[100, 80, 60], [100, 90, 75], [95, 70, 55]].iter().enumerate()
    {
        for (condition, kbps, score) in
            [("reference", "", reference), ("melisma", "12.4", melisma), ("opus", "12.1", opus)]
        {
            good += &format!(
                "t,good,mushra,{trial},clip {trial},12,{condition},{kbps},{score},,,30,2026-01-01T10:0{trial}:00Z\r\n"
            );
        }
    }
    for trial in 0..10 {
        good += &format!(
            "t,good,abx,{trial},clip,12,reference,,,melisma,{},5,2026-01-01T11:0{trial}:00Z\r\n",
            u8::from(trial > 0)
        );
    }
    let bad = format!(
        "{HEADING}t,bad,mushra,1,clip 1,12,reference,,40,,,9,2026-01-01T10:00:00Z\r\nt,bad,mushra,1,clip 1,12,melisma,12.4,5,,,9,2026-01-01T10:00:00Z\r\n"
    );
    std::fs::create_dir(desk.path("answers")).unwrap();
    std::fs::write(desk.path("answers/good.csv"), &good).unwrap();
    std::fs::write(desk.path("answers/bad.csv"), bad).unwrap();
    std::fs::write(desk.path("again.csv"), &good).unwrap();

    // Saved twice, counted once.
    let run = desk.run(&["listen", "analyse", "answers", "again.csv", "--json"]).ends(0);
    assert!(run.stderr.contains("1 listener not counted"), "{}", run.stderr);
    let found: Value = serde_json::from_str(&run.text()).unwrap();
    let melisma = found["scores"].as_array().unwrap().iter().find(|s| s["condition"] == "melisma").unwrap();
    assert_eq!((&melisma["score"]["mean"], &melisma["score"]["clips"]), (&80.0.into(), &3.into()));
    // 20, 15, 15: their mean 16.67, with 2 degrees of freedom 4.3027 standard errors of 1.6667 to both sides.
    let difference = &found["differences"][0];
    let interval = difference["difference"]["interval"].as_array().unwrap();
    for (end, expected) in interval.iter().zip([9.4956, 23.8378]) {
        assert!((end.as_f64().unwrap() - expected).abs() < 1e-3, "{interval:?}");
    }
    assert_eq!((&found["told"][0]["right"], &found["told"][0]["trials"]), (&9.into(), &10.into()));
    assert_eq!(found["listeners"][0]["passes"], false);

    let text = desk.run(&["listen", "analyse", "answers", "--no-screening"]).ends(0).text();
    for part in ["opus - melisma", "9 of 10", "fails", "61.2"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(desk.run(&["listen", "analyse", "answers", "--markdown"]).ends(0).text().contains("|---:|"));
    std::fs::write(desk.path("no.csv"), "a,b\n1,2\n").unwrap();
    assert!(desk.run(&["listen", "analyse", "no.csv"]).ends(1).stderr.contains("no.csv, line 1"));
    std::fs::write(desk.path("none.csv"), HEADING).unwrap();
    assert!(desk.run(&["listen", "analyse", "none.csv"]).ends(1).stderr.contains("no answers"));
}
