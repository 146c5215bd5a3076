//! The progress bar: bytes of input worked through, with the time left. Hidden where stderr is no
//! terminal.

use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

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
