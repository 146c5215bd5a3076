//! What is seen of a training: on a terminal a view that keeps still, elsewhere a line now and then.

use crate::{report, text};
use indicatif::{ProgressBar, ProgressStyle};
use melisma_train::{Named, TrainEvent, Validated};
use std::time::{Duration, Instant};

/// What is shown of a running training.
pub struct Live {
    bar: ProgressBar,
    quiet: bool,
    is_terminal: bool,
    said: Instant,
    /// Loss, averaged over the last steps: what one batch happens to hold is noise.
    smooth: Option<f32>,
    steps: u64,
    first_step: u64,
    latest: String,
    validation: String,
}

/// Elsewhere than on a terminal, one line in so much time.
const BETWEEN_LINES: Duration = Duration::from_secs(15);
/// Weight of earlier steps in the averaged loss, 0..1.
const SMOOTHING: f32 = 0.95;

impl Live {
    /// Nothing is shown before the first event.
    pub fn new(quiet: bool) -> Self {
        let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(0) };
        let is_terminal = !bar.is_hidden();
        Self {
            bar,
            quiet,
            is_terminal,
            said: Instant::now(),
            smooth: None,
            steps: 0,
            first_step: 0,
            latest: String::new(),
            validation: String::new(),
        }
    }

    /// Shows an event of the training.
    pub fn show(&mut self, event: &TrainEvent) {
        match event {
            TrainEvent::Preparing { done, total } => {
                self.bar.set_length(*total as u64);
                self.bar.set_style(style("{bar:32.cyan/blue} {pos} of {len} clips decoded, {eta} left"));
                self.bar.set_position(*done as u64);
            }
            TrainEvent::Started { name, weights, steps, first_step, training_clips, validation_clips } => {
                (self.steps, self.first_step) = (*steps, *first_step);
                let going_on =
                    if *first_step > 0 { format!(", from step {first_step}") } else { String::new() };
                self.say(&format!(
                    "{name}: {weights} weights, {} to learn from, {} to validate with, {steps} steps{going_on}",
                    text::count(*training_clips, "clip"),
                    text::count(*validation_clips, "clip"),
                ));
                self.bar.reset();
                self.bar.set_length(*steps);
                self.bar.set_position(*first_step);
                self.bar.reset_eta();
                self.bar.set_style(style(
                    "{bar:32.cyan/blue} {pos} of {len} steps  {elapsed} elapsed, {eta} left\n{msg}",
                ));
            }
            TrainEvent::Step { step, epoch, loss, terms, gradient_norm, learning_rate, seconds } => {
                let smooth = self.smooth.map_or(*loss, |past| SMOOTHING * past + (1.0 - SMOOTHING) * loss);
                self.smooth = Some(smooth);
                let done = step + 1 - self.first_step;
                self.latest = format!(
                    "epoch {epoch}  loss {smooth:.4}{}  gradient {gradient_norm:.3}  rate {learning_rate:.2e}  \
                     {:.2} steps/s",
                    parts(terms),
                    done as f64 / seconds.max(1e-9),
                );
                self.bar.set_position(step + 1);
                self.bar.set_message(format!("{}\n{}", self.latest, self.validation));
                if !self.is_terminal && self.said.elapsed() >= BETWEEN_LINES {
                    let left_s = seconds / done as f64 * (self.steps - step - 1) as f64;
                    let line = format!(
                        "{} of {} steps, {} left: {}",
                        step + 1,
                        self.steps,
                        text::clock(left_s),
                        self.latest
                    );
                    self.say(&line);
                }
            }
            TrainEvent::Validated(Validated { step, loss, terms, measures }) => {
                let snr_db = measures.get("snr_db").map(|snr_db| format!("  SNR {snr_db:.2} dB"));
                self.validation = format!(
                    "validation after {step} steps: loss {loss:.4}{}{}",
                    parts(terms),
                    snr_db.unwrap_or_default()
                );
                self.bar.set_message(format!("{}\n{}", self.latest, self.validation));
                if !self.is_terminal {
                    self.say(&self.validation.clone());
                }
            }
            TrainEvent::Preview { .. } | TrainEvent::Checkpoint { .. } | TrainEvent::Finished { .. } => {}
        }
    }

    /// Takes the view away; what was last validated stays.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
        if self.is_terminal && !self.validation.is_empty() {
            report::say(&self.validation);
        }
    }

    fn say(&mut self, line: &str) {
        if !self.quiet {
            self.bar.suspend(|| report::say(line));
            self.said = Instant::now();
        }
    }
}

/// The terms of a loss, where there are several.
fn parts(terms: &[Named]) -> String {
    if terms.len() < 2 {
        return String::new();
    }
    let parts: Vec<String> = terms.iter().map(|term| format!("{} {:.4}", term.name, term.value)).collect();
    format!(" ({})", parts.join(", "))
}

fn style(template: &str) -> ProgressStyle {
    // The templates are constants; a typo in them costs the looks, not the work.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
