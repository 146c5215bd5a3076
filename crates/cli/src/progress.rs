//! Progress with the time left: a bar over bytes of input, hidden where stderr is no terminal, and one
//! over things counted, which there becomes a line now and then.

use indicatif::{ProgressBar, ProgressStyle};
use std::time::{Duration, Instant};

/// A bar over all inputs.
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A bar of `total_bytes` of input, or a spinner if that is unknown (a pipe).
    pub fn new(total_bytes: Option<u64>, quiet: bool) -> Self {
        let bar = match (quiet, total_bytes) {
            (true, _) => ProgressBar::hidden(),
            (false, Some(total)) => ProgressBar::new(total).with_style(style(
                "{bar:32.cyan/blue} {percent:>3} %  {elapsed} elapsed, {eta} left  {wide_msg}",
            )),
            (false, None) => ProgressBar::new_spinner().with_style(style("{spinner} {elapsed}  {wide_msg}")),
        };
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar }
    }

    /// The share of one input of `bytes`.
    pub fn file(&self, bytes: u64) -> FileProgress<'_> {
        FileProgress { bar: &self.bar, bytes, reported: 0 }
    }

    /// So much of so much is done, where the total is learned on the way.
    #[cfg(feature = "fetch")]
    pub fn set(&self, done: u64, total: Option<u64>) {
        self.bar.set_length(total.unwrap_or(done.max(1)));
        self.bar.set_position(done);
    }

    /// Names what is being worked on.
    pub fn name(&self, text: &str) {
        self.bar.set_message(crate::text::printable(text));
    }

    /// Prints around the bar.
    pub fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

/// A bar over things that are counted.
pub struct Counter {
    bar: ProgressBar,
    what: &'static str,
    /// When the last line was said, where lines stand in for the bar.
    said: Option<Instant>,
}

/// Where there is no bar, one line in so much time.
const BETWEEN_LINES: Duration = Duration::from_secs(15);

impl Counter {
    /// A bar of `total` things that are called `what`.
    pub fn new(total: usize, what: &'static str, quiet: bool) -> Self {
        let bar = if quiet || total == 0 { ProgressBar::hidden() } else { ProgressBar::new(total as u64) };
        let said = (!quiet && bar.is_hidden() && total > 0).then(Instant::now);
        bar.set_length(total as u64);
        bar.set_style(style(&format!(
            "{{bar:32.cyan/blue}} {{pos}} of {{len}} {what}  {{elapsed}} elapsed, {{eta}} left  {{wide_msg}}"
        )));
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, what, said }
    }

    /// One more is done, the one called `name`.
    pub fn one_more(&mut self, name: &str) {
        self.bar.inc(1);
        self.bar.set_message(crate::text::printable(name));
        let (done, total) = (self.bar.position(), self.bar.length().unwrap_or(0));
        if self.said.is_some_and(|said| said.elapsed() >= BETWEEN_LINES || done == total) {
            self.said = Some(Instant::now());
            let left_s = self.bar.elapsed().as_secs_f64() / done as f64 * total.saturating_sub(done) as f64;
            let left = format!("{}:{:02}", left_s as u64 / 60, left_s as u64 % 60);
            crate::report::say(&format!("{done} of {total} {}, {left} left", self.what));
        }
    }

    /// Prints around the bar.
    pub fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    // The templates are constants; a typo in them costs the looks, not the work.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// One input's part of the bar; complete when dropped, however it ended.
pub struct FileProgress<'a> {
    bar: &'a ProgressBar,
    bytes: u64,
    reported: u64,
}

impl FileProgress<'_> {
    /// So much of the input is done, 0..=1.
    pub fn at(&mut self, part: f64) {
        self.report((part.clamp(0.0, 1.0) * self.bytes as f64) as u64);
    }

    fn report(&mut self, bytes: u64) {
        self.bar.inc(bytes.saturating_sub(self.reported));
        self.reported = self.reported.max(bytes);
    }
}

impl Drop for FileProgress<'_> {
    fn drop(&mut self) {
        self.report(self.bytes);
    }
}
