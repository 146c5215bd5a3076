//! Perceptual distances by well-kept Python packages, in one process that lives as long as its owner:
//! 48 kHz channels in, one figure a metric out.
//!
//! ViSQOL v3 audio mode (pip `visqol-python`; Chinen et al. 2020): MOS-LQO of the mono mixes.
//!
//! A package that is not installed is simply not among [`PerceptualWorker::metrics`].

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::error::EvalError;
use crate::metrics::Metric;

/// Sample rate that these metrics want.
pub const RATE_HZ: u32 = 48_000;
/// Metrics that a worker may be asked for.
pub const METRICS: [Metric; 1] = [Metric::Visqol];
/// The program that Python runs at the other end of the pipe.
const SCRIPT: &str = include_str!("worker.py");

/// A running worker process.
pub struct PerceptualWorker {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    metrics: Vec<Metric>,
}

impl PerceptualWorker {
    /// Starts `python` for the `wanted` metrics and waits until it says which it can do.
    ///
    /// # Errors
    /// [`EvalError::Worker`] if the interpreter does not start or breaks off.
    pub fn start(python: &Path, wanted: &[Metric]) -> Result<Self, EvalError> {
        let names: Vec<&str> = wanted.iter().map(|m| m.name()).collect();
        let mut child = Command::new(python)
            .args(["-c", SCRIPT, &names.join(",")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| EvalError::Worker(format!("{}: {e}", python.display())))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(EvalError::Worker("no pipes".to_string()));
        };
        let mut worker =
            Self { child, input: Some(input), output: BufReader::new(output), metrics: Vec::new() };
        let mut line = String::new();
        worker.output.read_line(&mut line).map_err(|e| EvalError::Worker(e.to_string()))?;
        worker.metrics = line.trim().split(',').filter_map(Metric::by_name).collect();
        Ok(worker)
    }

    /// The metrics that it can compute: those wanted whose packages are installed.
    #[must_use]
    pub fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    /// Sets the reference of the following comparisons, `[channel][sample]` at 48 kHz.
    ///
    /// # Errors
    /// [`EvalError::Worker`] if the process is gone.
    pub fn set_reference(&mut self, channels: &[Vec<f32>]) -> Result<(), EvalError> {
        self.send(1, channels)
    }

    /// Compares a decoded version of the same shape; a figure that could not be had is NaN.
    ///
    /// # Errors
    /// [`EvalError::Worker`] if the process is gone.
    pub fn score(&mut self, channels: &[Vec<f32>]) -> Result<Vec<(Metric, f64)>, EvalError> {
        self.send(2, channels)?;
        let mut scores = Vec::with_capacity(self.metrics.len());
        for &metric in &self.metrics {
            let mut bytes = [0; 8];
            self.output.read_exact(&mut bytes).map_err(|e| EvalError::Worker(e.to_string()))?;
            scores.push((metric, f64::from_le_bytes(bytes)));
        }
        Ok(scores)
    }

    fn send(&mut self, kind: u32, channels: &[Vec<f32>]) -> Result<(), EvalError> {
        let samples = channels.first().map_or(0, Vec::len);
        let mut frame = Vec::with_capacity(12 + 4 * samples * channels.len());
        for word in [kind, channels.len() as u32, samples as u32] {
            frame.extend(word.to_le_bytes());
        }
        frame.extend(channels.iter().flatten().flat_map(|x| x.to_le_bytes()));
        let Some(input) = &mut self.input else {
            return Err(EvalError::Worker("closed".to_string()));
        };
        input.write_all(&frame).and_then(|()| input.flush()).map_err(|e| EvalError::Worker(e.to_string()))
    }
}

impl Drop for PerceptualWorker {
    fn drop(&mut self) {
        // The end of its input ends the worker; a stuck one is ended, for nobody waits for its answer.
        self.input = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
