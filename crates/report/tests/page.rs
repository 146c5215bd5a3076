//! The page as a file: self-contained, safe against names, complete.

mod common;

use melisma_eval::Metric;
use melisma_eval::results::Results;
use melisma_report::section::Block;
use melisma_report::{Heard, Page, ReportConfig, ReportError, chart_files, report};

fn page_of(change: impl FnOnce(&mut ReportConfig)) -> Page {
    let folder = tempfile::tempdir().expect("folder");
    let mut config = ReportConfig::default();
    // Enough for intervals that hold their median.
    config.bootstrap.resamples = 100;
    change(&mut config);
    let results = common::results(folder.path());
    report(&results, Heard { results: &results, folder: folder.path() }, &config).expect("a page")
}

fn notes(page: &Page) -> Vec<&str> {
    let blocks = page.sections.iter().flat_map(|section| &section.blocks);
    blocks.filter_map(|b| if let Block::Note(note) = b { Some(note.text.as_str()) } else { None }).collect()
}

fn players(page: &Page) -> usize {
    let blocks = page.sections.iter().flat_map(|section| &section.blocks);
    blocks.filter(|block| matches!(block, Block::Player(_))).count()
}

#[test]
fn nothing_is_loaded_from_elsewhere() {
    for page in [page_of(|_| ()), common::ladder().init().expect("a page"), common::heat_maps()] {
        let html = page.html().expect("a file");
        let policy =
            "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:";
        assert!(html.contains(&format!("content=\"{policy}\"")));
        // The title holds a name; the rest of the head is ours.
        let head =
            html.split_once("</title>").expect("a title").1.split("id=\"data\"").next().expect("a head");
        for reference in [" src=", " href=", "@import", "url("] {
            assert!(!head.contains(reference), "{reference}");
        }
    }
}

#[test]
fn names_cannot_leave_the_data() {
    for page in [page_of(|_| ()), common::ladder().init().expect("a page"), common::heat_maps()] {
        let html = page.html().expect("a file");
        let element = html.split_once("id=\"data\">").expect("data").1;
        let data = element.split_once("</script>").expect("an end").0;
        assert!(!data.contains('<'));
        let value: serde_json::Value = serde_json::from_str(data).expect("JSON");
        assert!(value.to_string().contains("window.hacked"), "the name is there, as data");
        assert_eq!(html.matches("<script").count(), 2, "data, script");
        assert_eq!(html.matches("</script>").count(), 2);
        let title = html.split_once("<title>").expect("a title").1.split_once("</title>").expect("an end").0;
        assert!(!title.contains('<'));
    }
}

#[test]
fn every_metric_has_a_chart_in_every_setting() {
    let page = page_of(|_| ());
    let charts = page.charts();
    assert_eq!(charts.len(), 2 * Metric::ALL.len());
    for setting in ["S44", "study"] {
        for metric in Metric::ALL {
            let id = format!("{setting}-{}", metric.name());
            let chart = charts.iter().find(|chart| chart.id == id).unwrap_or_else(|| panic!("no {id}"));
            assert_eq!(chart.series.len(), 3);
            assert!(chart.series.iter().all(|series| series.points.len() == 4), "{id}");
            for point in chart.series.iter().flat_map(|series| &series.points) {
                assert!(point.low <= point.y && point.y <= point.high, "{id}: {point:?}");
            }
        }
    }
}

#[test]
fn charts_become_svg_and_png_files() {
    let (page, folder) = (page_of(|_| ()), tempfile::tempdir().expect("folder"));
    let charts: Vec<_> = page.charts().into_iter().take(2).collect();
    let files = chart_files::write(&charts, folder.path(), false).expect("written");
    assert_eq!(files.len(), 4);
    for file in files {
        let bytes = std::fs::read(&file).expect("a file");
        if file.extension().is_some_and(|extension| extension == "png") {
            assert!(bytes.starts_with(b"\x89PNG"));
        } else {
            let svg = String::from_utf8(bytes).expect("text");
            assert!(svg.contains("gamma") && svg.contains("beta&lt;b&gt;") && svg.contains("kbit/s"));
        }
    }
}

#[test]
fn failures_and_absences_are_told() {
    let page = page_of(|_| ());
    let notes = notes(&page);
    for expected in [
        "1 of 145 measurements failed.",
        "lost.flac",
        "not a file beside the results (../outside.flac)",
        "visqol has no finite value in 24 measurements.",
    ] {
        assert!(notes.iter().any(|note| note.contains(expected)), "{expected}: {notes:#?}");
    }
    let json = serde_json::to_string(&page).expect("JSON");
    for expected in ["delta-tools", "0123456789ab", "beta<b> at its best", "00112233", "gain_matching"] {
        assert!(json.contains(expected), "{expected}");
    }
}

#[test]
fn audio_is_limited_and_says_so() {
    assert_eq!(players(&page_of(|_| ())), 1);
    for page in [page_of(|c| c.listening.audio_bytes = 1000), page_of(|c| c.listening.clips = 0)] {
        assert_eq!(players(&page), 0);
        assert!(notes(&page).iter().any(|note| note.starts_with("Left out")));
    }
}

#[test]
fn results_without_measurements_are_refused() {
    let folder = tempfile::tempdir().expect("folder");
    let mut results = common::results(folder.path());
    results.rows.clear();
    let heard = Heard { results: &results, folder: folder.path() };
    let refused = report(&results, heard, &ReportConfig::default());
    assert!(matches!(refused, Err(ReportError::Empty)));
}

#[test]
fn excerpts_may_come_from_other_results() {
    let folder = tempfile::tempdir().expect("folder");
    let other = common::results(folder.path());
    let mut results = other.clone();
    results.listening.clear();
    let players_of = |results: &Results, heard: &Results| {
        let heard = Heard { results: heard, folder: folder.path() };
        players(&report(results, heard, &ReportConfig::default()).expect("a page"))
    };
    assert_eq!(players_of(&results, &results), 0);
    assert_eq!(players_of(&results, &other), players_of(&other, &other));
    // Those of the page's own results, which are not to be passed on, stay out.
    assert_eq!(players_of(&other, &results), 0);
}

#[test]
fn a_page_replaces_another_only_when_told() {
    let (page, folder) = (page_of(|_| ()), tempfile::tempdir().expect("folder"));
    let path = folder.path().join("page.html");
    let bytes = page.write(&path, false).expect("written");
    assert_eq!(std::fs::metadata(&path).expect("there").len(), bytes);
    assert!(page.write(&path, false).is_err());
    page.write(&path, true).expect("replaced");
}
