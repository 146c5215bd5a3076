//! Short calls of `ffmpeg` beside the one that decodes: tags, cover, length, and where time is missing.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use lofty::picture::{Picture, PictureType};

use super::super::tags::{Collected, MAX_PICTURE_BYTES, MAX_TAG_BYTES};

/// Bytes of a report that are looked at: some hours of frames.
const MAX_REPORT_BYTES: usize = 64 << 20;
/// A gap in the time stamps shorter than that, in seconds, is the rounding of a container.
const ROUNDING_SECONDS: f64 = 0.02;

/// `ffmpeg` quiet, local files only, on a file. `is_checked`: what fails its own checksum is left out, where
/// formats have one and `ffmpeg` would play it all the same.
pub fn command(program: &str, path: &Path, is_checked: bool) -> Command {
    let mut command = Command::new(program);
    command.args(["-hide_banner", "-nostdin", "-v", "error", "-protocol_whitelist", "file,pipe"]);
    if is_checked {
        command.args(["-err_detect", "crccheck+explode"]);
    }
    command.arg("-i");
    // The prefix keeps a name with a colon or a dash from being an option or a protocol.
    let mut name = std::ffi::OsString::from("file:");
    name.push(path);
    command.arg(name);
    command
}

/// Selects an audio track by its number from 0, or the one that is flagged as the default.
pub fn select(command: &mut Command, track: Option<usize>) {
    match track {
        Some(track) => command.args(["-map", &format!("0:a:{track}")]),
        None => command.args(["-vn", "-sn", "-dn"]),
    };
}

/// Standard output of a call on a file, up to `limit` bytes; `None` if it exceeds them, or fails where
/// that matters.
fn fetch(mut command: Command, must_succeed: bool, limit: usize) -> Option<Vec<u8>> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let mut output = Vec::new();
    let read = child.stdout.take()?.take(limit as u64 + 1).read_to_end(&mut output);
    let fits = read.is_ok() && output.len() <= limit;
    if !fits {
        let _ = child.kill();
    }
    let status = child.wait().ok()?;
    (fits && (status.success() || !must_succeed)).then_some(output)
}

/// Length that the container states, from the line `Duration: 00:01:02.34, start: ...`.
pub fn stated_seconds(program: &str, path: &Path) -> Option<f64> {
    // Without an output file it fails, after it has said what it knows.
    let output = command(program, path, false).args(["-v", "info"]).stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stderr);
    if text.contains("Estimating duration") {
        return None;
    }
    let (_, line) = text.split_once("Duration: ")?;
    let mut seconds = 0.0;
    for part in line.split(',').next()?.split(':') {
        seconds = seconds * 60.0 + part.trim().parse::<f64>().ok()?;
    }
    Some(seconds)
}

/// Whether there is a stream of audio, from the line `Stream #0:0: Audio: ...`.
pub fn has_audio(program: &str, path: &Path) -> std::io::Result<bool> {
    let output = command(program, path, false).args(["-v", "info"]).stdin(Stdio::null()).output()?;
    Ok(String::from_utf8_lossy(&output.stderr).contains("Audio:"))
}

/// Where frames are missing, in seconds: gaps between the times of those that were decoded.
pub fn gaps(program: &str, path: &Path, is_checked: bool, track: Option<usize>) -> Vec<(f64, f64)> {
    let mut run = command(program, path, is_checked);
    select(&mut run, track);
    run.args(["-c:a", "pcm_s16le", "-f", "framecrc", "pipe:1"]);
    let Some(output) = fetch(run, false, MAX_REPORT_BYTES) else { return Vec::new() };
    parse_gaps(&String::from_utf8_lossy(&output))
}

/// Reads a report of frames: a line `#tb 0: 1/44100`, then `stream, dts, pts, duration, size, sum`.
fn parse_gaps(report: &str) -> Vec<(f64, f64)> {
    let mut tick_seconds = 0.0;
    let mut end: Option<i64> = None;
    let mut gaps = Vec::new();
    for line in report.lines() {
        if let Some(ratio) = line.strip_prefix("#tb 0:") {
            let (over, under) = ratio.trim().split_once('/').unwrap_or(("0", "1"));
            tick_seconds = over.parse().unwrap_or(0.0) / under.parse().unwrap_or(1.0);
        }
        let mut fields = line.split(',').skip(2).map(|field| field.trim().parse::<i64>().ok());
        let (Some(Some(time)), Some(Some(duration))) = (fields.next(), fields.next()) else { continue };
        if let Some(end) =
            end.filter(|end| time.saturating_sub(*end) as f64 * tick_seconds > ROUNDING_SECONDS)
        {
            gaps.push((end as f64 * tick_seconds, time as f64 * tick_seconds));
        }
        end = Some(time.saturating_add(duration));
    }
    gaps
}

/// Tags of the file and of its first audio stream.
pub fn fetch_tags(program: &str, path: &Path) -> Collected {
    let mut run = command(program, path, false);
    run.args(["-map", "0:a:0", "-c", "copy", "-f", "ffmetadata", "pipe:1"]);
    let output = fetch(run, true, MAX_TAG_BYTES).unwrap_or_default();
    parse_ffmetadata(&String::from_utf8_lossy(&output))
}

/// The attached cover; not the first frame of a film.
pub fn fetch_picture(program: &str, path: &Path) -> Option<Picture> {
    let mut run = command(program, path, false);
    run.args(["-map", "0:disp:attached_pic", "-frames:v", "1", "-c", "copy", "-f", "image2pipe", "pipe:1"]);
    let data = fetch(run, true, MAX_PICTURE_BYTES + 1)?;
    (!data.is_empty()).then(|| Picture::unchecked(data).pic_type(PictureType::CoverFront).build())
}

/// Reads `ffmetadata`: `key=value` lines in which a backslash escapes `= ; # \` and the line end, and
/// sections of chapters.
fn parse_ffmetadata(text: &str) -> Collected {
    let mut collected = Collected::default();
    let mut in_chapter = false;
    // Of the present chapter: ticks, seconds of a tick, title.
    let mut chapter: (f64, f64, String) = (0.0, 1e-9, String::new());
    let close = |collected: &mut Collected, chapter: &mut (f64, f64, String)| {
        let start_ms = (chapter.0 * chapter.1 * 1000.0).round().max(0.0) as u64;
        collected.add_chapter(start_ms, &std::mem::take(&mut chapter.2));
    };
    for (key, value) in fields(text) {
        if key.starts_with('[') {
            if in_chapter {
                close(&mut collected, &mut chapter);
            }
            in_chapter = key == "[CHAPTER]";
            chapter = (0.0, 1e-9, String::new());
        } else if in_chapter {
            match key.as_str() {
                "START" => chapter.0 = value.parse().unwrap_or(0.0),
                "TIMEBASE" => {
                    let (over, under) = value.split_once('/').unwrap_or(("1", "1000000000"));
                    chapter.1 = over.parse().unwrap_or(1.0) / under.parse::<f64>().unwrap_or(1e9).max(1.0);
                }
                "title" => chapter.2 = value,
                _ => {}
            }
        } else if !key.eq_ignore_ascii_case("encoder") {
            // ffmpeg names itself there, not the source's encoder.
            collected.add(&key, &value);
        }
    }
    if in_chapter {
        close(&mut collected, &mut chapter);
    }
    collected
}

/// Lines of `ffmetadata`, without escapes; a section's head has no value.
fn fields(text: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let (mut key, mut value, mut in_value) = (String::new(), String::new(), false);
    let mut chars = text.chars();
    loop {
        match chars.next() {
            Some('\\') => (if in_value { &mut value } else { &mut key }).extend(chars.next()),
            Some('=') if !in_value => in_value = true,
            Some('\n') | None if key.is_empty() && !in_value => {
                if chars.as_str().is_empty() {
                    return all;
                }
            }
            end @ (Some('\n') | None) => {
                if !key.starts_with(';') && (in_value || key.starts_with('[')) {
                    all.push((std::mem::take(&mut key), std::mem::take(&mut value)));
                }
                (key, value, in_value) = (String::new(), String::new(), false);
                if end.is_none() {
                    return all;
                }
            }
            Some(c) => (if in_value { &mut value } else { &mut key }).push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::reader::Notes;

    #[test]
    fn ffmetadata_is_unescaped() {
        let text = ";FFMETADATA1\ntitle=a\\=b\\\nc\ntrack=3/9\nencoder=Lavf\n[STREAM]\nmy key=x\\;y\n\
                    [CHAPTER]\nTIMEBASE=1/1000\nSTART=61000\nEND=62000\ntitle=Two\n";
        let expected = [
            ("TITLE", "a=b\nc"),
            ("TRACKNUMBER", "3"),
            ("TRACKTOTAL", "9"),
            ("MY KEY", "x;y"),
            ("CHAPTER000", "00:01:01.000"),
            ("CHAPTER000NAME", "Two"),
        ];
        let expected: Vec<_> = expected.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        assert_eq!(parse_ffmetadata(text).into_metadata(&mut Notes::default()).tags, expected);
    }

    #[test]
    fn gaps_between_frames() {
        let report = "#software: x\n#tb 0: 1/1000\n#sar 0: 0/1\n0, 0, 0, 500, 1, 0x1\n0, 510, 510, 490, 1, 0x1\n0, 1500, 1500, 10, 1, 0x2\n";
        assert_eq!(parse_gaps(report), [(1.0, 1.5)]);
    }
}
