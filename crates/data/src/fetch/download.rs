//! One file by HTTP: resumed by range after any interruption, checked by SHA-1, in its place only when it is whole.
//!
//! Bytes gather in `NAME.part`; `NAME.part.version` holds the server's word for the version they are of (its `ETag`,
//! else `Last-Modified`), which goes back as `If-Range` so that two versions are never glued together (RFC 9110,
//! sections 13.1.5 and 14). Both stay after a failure, for the next run.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha1::{Digest, Sha1};
use ureq::http::header;

use crate::manifest::hex;
use crate::{DataError, disk_space};

/// How a download behaves.
#[derive(Clone, Debug, PartialEq)]
pub struct DownloadOptions {
    /// Connections in a row that may bring nothing before it is given up.
    pub fruitless_tries: u32,
    /// Pause before the second try; it doubles with each.
    pub pause: Duration,
    /// A connection that lives longer is closed and resumed: some die without a word. Not for servers that cannot
    /// resume.
    pub longest_connection: Duration,
    /// To open a connection and to be answered.
    pub answer_within: Duration,
    /// Bytes that must be free for each byte of the file, beyond the download itself: room to unpack it.
    pub room_ratio: f64,
    /// Ask the environment for a proxy (`HTTPS_PROXY` and its like).
    pub proxy_from_environment: bool,
}

impl Default for DownloadOptions {
    fn default() -> Self {
        Self {
            fruitless_tries: 6,
            pause: Duration::from_secs(1),
            longest_connection: Duration::from_secs(600),
            answer_within: Duration::from_secs(60),
            room_ratio: 0.0,
            proxy_from_environment: true,
        }
    }
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// So many bytes are here, of so many, if the server says.
    Receiving(u64, Option<u64>),
    /// The connection was lost with so many bytes here; it goes on from there.
    Resuming(u64),
    /// So many bytes are checked, of so many.
    Checking(u64, u64),
}

/// Fetches `url` into `target`, whose SHA-1 must be `sha1`. A target that is there and right is left alone.
///
/// # Errors
/// [`DataError::Download`] with what the server said, or when it brings nothing any more; [`DataError::Checksum`], after
/// which nothing is left; [`DataError::Space`] before anything is written; [`DataError::File`], such as a full disk: what
/// has come stays for the next run.
pub fn download(
    url: &str,
    target: &Path,
    sha1: &str,
    options: &DownloadOptions,
    watch: &mut dyn FnMut(Stage),
) -> Result<(), DataError> {
    if target.exists() {
        let found = hash(target, watch)?;
        if found == sha1 {
            return Ok(());
        }
        return Err(DataError::Archive {
            path: target.to_path_buf(),
            what: format!("is there already, with the checksum {found} instead of {sha1}; move it away"),
        });
    }
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder).map_err(DataError::file("cannot make the folder", folder))?;
    }
    let part = Part::new(target);
    receive(url, &part, options, watch)?;
    let found = hash(&part.path, watch)?;
    if found != sha1 {
        part.remove()?;
        return Err(DataError::Checksum { path: target.to_path_buf(), expected: sha1.to_owned(), found });
    }
    let finish = || -> std::io::Result<()> {
        File::open(&part.path)?.sync_all()?;
        fs::rename(&part.path, target)
    };
    finish().map_err(DataError::file("cannot finish", target))?;
    // Of no use any more, and of no harm.
    let _ = fs::remove_file(&part.version);
    Ok(())
}

/// The unfinished file and the version that it is of.
struct Part {
    path: PathBuf,
    version: PathBuf,
}

impl Part {
    fn new(target: &Path) -> Self {
        let beside = |suffix: &str| {
            let mut name = target.file_name().unwrap_or_default().to_os_string();
            name.push(suffix);
            target.with_file_name(name)
        };
        Self { path: beside(".part"), version: beside(".part.version") }
    }

    fn bytes(&self) -> u64 {
        fs::metadata(&self.path).map_or(0, |data| data.len())
    }

    fn remove(&self) -> Result<(), DataError> {
        // The version of nothing is of no harm.
        let _ = fs::remove_file(&self.version);
        fs::remove_file(&self.path).map_err(DataError::file("cannot remove", &self.path))
    }
}

/// What the server answers, as far as it matters.
enum Answer {
    /// From that byte on; and the length of the whole, if known.
    Body { from: u64, total: Option<u64>, reader: Box<dyn Read> },
    /// All bytes are here.
    Complete,
    /// What is here is not of the server's file.
    StartAnew,
    /// It may work later.
    Busy(String),
    /// It will not work.
    Refused(String),
}

fn receive(
    url: &str,
    part: &Part,
    options: &DownloadOptions,
    watch: &mut dyn FnMut(Stage),
) -> Result<(), DataError> {
    let agent = agent(options);
    let failed = |what: String| DataError::Download { url: url.to_owned(), what };
    let mut can_resume = true;
    let (mut fruitless, mut last_words) = (0, String::new());
    let mut restarts = 0;
    while fruitless < options.fruitless_tries {
        if fruitless > 0 {
            std::thread::sleep(options.pause.saturating_mul(1 << (fruitless - 1).min(6)));
        }
        let here = part.bytes();
        fruitless += 1;
        let answer = match ask(&agent, url, part, here, can_resume.then_some(options.longest_connection)) {
            Ok(answer) => answer,
            Err(error) => {
                last_words = error.to_string();
                continue;
            }
        };
        let (from, total, mut reader) = match answer {
            Answer::Body { from, total, reader } => (from, total, reader),
            Answer::Complete => return Ok(()),
            Answer::StartAnew if restarts < options.fruitless_tries => {
                restarts += 1;
                part.remove()?;
                continue;
            }
            Answer::StartAnew => {
                return Err(failed("the server contradicts itself about the length".to_owned()));
            }
            Answer::Busy(what) => {
                last_words = what;
                continue;
            }
            Answer::Refused(what) => return Err(failed(what)),
        };
        can_resume = from == here && (here > 0 || can_resume);
        if let (Some(total), Some(folder)) = (total, part.path.parent()) {
            let room = (total as f64 * options.room_ratio) as u64;
            disk_space::check(folder, total.saturating_sub(from).saturating_add(room))?;
        }
        let ended = append(part, from, total, reader.as_mut(), watch)?;
        let now = part.bytes();
        match total {
            Some(total) if now == total => return Ok(()),
            // Without a length, the end of the connection is the end of the file; the checksum decides.
            None if ended.is_ok() => return Ok(()),
            _ => {}
        }
        last_words = match ended {
            Ok(()) => "the connection was closed early".to_owned(),
            Err(error) => error.to_string(),
        };
        if now > here {
            fruitless = 0;
        }
        watch(Stage::Resuming(now));
    }
    Err(failed(format!("{last_words}; {} bytes are here, run it again to go on", part.bytes())))
}

fn agent(options: &DownloadOptions) -> ureq::Agent {
    let mut config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(options.answer_within))
        .timeout_recv_response(Some(options.answer_within))
        .user_agent(concat!("melisma/", env!("CARGO_PKG_VERSION")));
    if !options.proxy_from_environment {
        config = config.proxy(None);
    }
    config.build().into()
}

fn ask(
    agent: &ureq::Agent,
    url: &str,
    part: &Part,
    here: u64,
    longest: Option<Duration>,
) -> Result<Answer, ureq::Error> {
    let mut request = agent.get(url).config().timeout_recv_body(longest).build();
    if here > 0 {
        request = request.header(header::RANGE, format!("bytes={here}-"));
        if let Ok(version) = fs::read_to_string(&part.version) {
            request = request.header(header::IF_RANGE, version);
        }
    }
    let response = request.call()?;
    let status = response.status().as_u16();
    let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let range = text(header::CONTENT_RANGE);
    let length = text(header::CONTENT_LENGTH).and_then(|text| text.parse::<u64>().ok());
    let answer = match status {
        200 => {
            // Of no great consequence if it fails: then a later change of the file is found by the checksum.
            let version = text(header::ETAG).filter(|tag| !tag.starts_with("W/"));
            let _ = match version.or_else(|| text(header::LAST_MODIFIED)) {
                Some(version) => fs::write(&part.version, version),
                None => fs::remove_file(&part.version),
            };
            let reader = Box::new(response.into_body().into_reader());
            return Ok(Answer::Body { from: 0, total: length, reader });
        }
        206 => match range.as_deref().and_then(content_range) {
            Some((from, total)) if from == here => {
                let total = total.or_else(|| length.map(|length| from + length));
                let reader = Box::new(response.into_body().into_reader());
                return Ok(Answer::Body { from, total, reader });
            }
            _ => Answer::StartAnew,
        },
        // What was asked for lies behind the end.
        416 => match range.as_deref().and_then(|text| text.strip_prefix("bytes */")?.parse::<u64>().ok()) {
            Some(total) if here == total => Answer::Complete,
            _ => Answer::StartAnew,
        },
        408 | 425 | 429 | 500..=599 => Answer::Busy(format!("the server answers {}", response.status())),
        _ => Answer::Refused(format!("the server answers {}", response.status())),
    };
    Ok(answer)
}

/// `bytes 100-199/1000` or `bytes 100-199/*`: first byte, and length of the whole.
fn content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (from, _) = range.split_once('-')?;
    Some((from.trim().parse().ok()?, total.trim().parse().ok()))
}

/// Writes what comes behind the first `from` bytes. The outer error is the disk's, the inner one the network's.
fn append(
    part: &Part,
    from: u64,
    total: Option<u64>,
    reader: &mut dyn Read,
    watch: &mut dyn FnMut(Stage),
) -> Result<std::io::Result<()>, DataError> {
    let refused = |error| DataError::file("cannot write", &part.path)(error);
    let mut file = OpenOptions::new().create(true).append(true).open(&part.path).map_err(refused)?;
    file.set_len(from).map_err(refused)?;
    let mut buffer = vec![0; 1 << 16];
    let mut here = from;
    watch(Stage::Receiving(here, total));
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(Ok(())),
            Ok(count) => {
                // A server that sends more than it announced is cut short: a disk is not endless.
                let wanted = total.map_or(count, |total| count.min(total.saturating_sub(here) as usize));
                file.write_all(&buffer[..wanted]).map_err(refused)?;
                here += wanted as u64;
                watch(Stage::Receiving(here, total));
                if wanted < count {
                    return Ok(Ok(()));
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Ok(Err(error)),
        }
    }
}

fn hash(path: &Path, watch: &mut dyn FnMut(Stage)) -> Result<String, DataError> {
    let refused = |error| DataError::file("cannot read", path)(error);
    let mut file = File::open(path).map_err(refused)?;
    let total = file.metadata().map_err(refused)?.len();
    let mut hash = Sha1::new();
    let mut buffer = vec![0; 1 << 20];
    let mut here = 0;
    loop {
        let count = file.read(&mut buffer).map_err(refused)?;
        if count == 0 {
            return Ok(hex(&hash.finalize()));
        }
        hash.update(&buffer[..count]);
        here += count as u64;
        watch(Stage::Checking(here, total));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges() {
        for (text, expected) in [
            ("bytes 100-199/1000", Some((100, Some(1000)))),
            ("bytes 0-0/*", Some((0, None))),
            ("bytes */1000", None),
            ("items 0-1/2", None),
            ("", None),
        ] {
            assert_eq!(content_range(text), expected, "{text}");
        }
    }
}
