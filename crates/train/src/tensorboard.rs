//! Event files as TensorBoard reads them: scalars and PNG pictures.
//!
//! The one Rust crate for it has not been kept since 2022 and brings an old image library; what is needed is a record
//! frame (length, CRC32C, data, CRC32C: TensorFlow's `tf_record` format) around three small protocol-buffer messages
//! (`Event`, `Summary`, `Summary.Image` of TensorFlow's `event.proto` and `summary.proto`).

use crate::{Error, Named, Result, TrainEvent, Validated};
use std::{
    fs::{File, OpenOptions},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

/// A file of events. A run that goes on begins another one; TensorBoard joins them.
#[derive(Debug)]
pub struct EventFile {
    path: PathBuf,
    file: BufWriter<File>,
}

impl EventFile {
    /// A new file in `folder`, whose events start at `first_step`.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn create(folder: &Path, first_step: u64) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(Error::file("cannot make the folder", folder))?;
        let now = seconds();
        // TensorBoard takes files in the order of their names.
        let path = folder.join(format!("events.out.tfevents.{:010}.{first_step:010}.melisma", now as u64));
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(Error::file("cannot write", &path))?;
        let mut events = Self { path, file: BufWriter::new(file) };
        let mut version = Message::default();
        version.double(1, now);
        version.bytes(3, b"brain.Event:2");
        events.record(&version.0)?;
        if first_step > 0 {
            // A session that starts here makes TensorBoard forget steps behind it.
            let mut session = Message::default();
            session.varint(1, 1);
            let mut event = Message::default();
            event.double(1, now);
            event.varint(2, first_step);
            event.bytes(7, &session.0);
            events.record(&event.0)?;
        }
        Ok(events)
    }

    /// Everything of what happened that is a number.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn event(&mut self, event: &TrainEvent) -> Result<()> {
        match event {
            TrainEvent::Step { step, loss, terms, gradient_norm, learning_rate, .. } => {
                self.losses("training", *step, *loss, terms)?;
                self.scalar("gradient_norm", *step, *gradient_norm)?;
                self.scalar("learning_rate", *step, *learning_rate as f32)
            }
            TrainEvent::Validated(Validated { step, loss, terms, measures }) => {
                self.losses("validation", *step, *loss, terms)?;
                measures.iter().try_for_each(|(name, &value)| {
                    self.scalar(&format!("{name}/validation"), *step, value as f32)
                })
            }
            _ => Ok(()),
        }
    }

    fn losses(&mut self, part: &str, step: u64, loss: f32, terms: &[Named]) -> Result<()> {
        self.scalar(&format!("loss/{part}"), step, loss)?;
        terms.iter().try_for_each(|term| self.scalar(&format!("{}/{part}", term.name), step, term.value))
    }

    /// A number at a step.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn scalar(&mut self, tag: &str, step: u64, value: f32) -> Result<()> {
        let mut summary = Message::default();
        summary.bytes(1, tag.as_bytes());
        summary.float(2, value);
        self.summary(step, &summary)
    }

    /// A PNG picture at a step.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn picture(&mut self, tag: &str, step: u64, png: &[u8]) -> Result<()> {
        // A PNG file states width and height at bytes 16 and 20.
        let size =
            |at: usize| png.get(at..at + 4).map_or(0, |b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]));
        let mut image = Message::default();
        image.varint(1, u64::from(size(20)));
        image.varint(2, u64::from(size(16)));
        image.varint(3, 4);
        image.bytes(4, png);
        let mut summary = Message::default();
        summary.bytes(1, tag.as_bytes());
        summary.bytes(4, &image.0);
        self.summary(step, &summary)
    }

    /// Hands everything to the operating system.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn flush(&mut self) -> Result<()> {
        self.file.flush().map_err(Error::file("cannot write", &self.path))
    }

    fn summary(&mut self, step: u64, value: &Message) -> Result<()> {
        let mut summary = Message::default();
        summary.bytes(1, &value.0);
        let mut event = Message::default();
        event.double(1, seconds());
        event.varint(2, step);
        event.bytes(5, &summary.0);
        self.record(&event.0)
    }

    fn record(&mut self, data: &[u8]) -> Result<()> {
        let length = (data.len() as u64).to_le_bytes();
        let parts: [&[u8]; 4] =
            [&length, &masked_crc(&length).to_le_bytes(), data, &masked_crc(data).to_le_bytes()];
        parts
            .into_iter()
            .try_for_each(|part| self.file.write_all(part))
            .map_err(Error::file("cannot write", &self.path))
    }
}

fn seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// As records have it: so that data which holds checksums of its own is no trouble.
fn masked_crc(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xA282_EAD8)
}

/// A protocol-buffer message under construction.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn raw_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    /// Wire types: 0 varint, 1 eight bytes, 2 bytes with their length, 5 four bytes.
    fn key(&mut self, field: u64, wire_type: u64) {
        self.raw_varint(field << 3 | wire_type);
    }

    fn varint(&mut self, field: u64, value: u64) {
        self.key(field, 0);
        self.raw_varint(value);
    }

    fn double(&mut self, field: u64, value: f64) {
        self.key(field, 1);
        self.0.extend(value.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, value: &[u8]) {
        self.key(field, 2);
        self.raw_varint(value.len() as u64);
        self.0.extend(value);
    }

    fn float(&mut self, field: u64, value: f32) {
        self.key(field, 5);
        self.0.extend(value.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_and_messages_by_hand() {
        // CRC32C of "123456789" is E3069283 (its catalogue check value); rotated by 15 and shifted.
        assert_eq!(masked_crc(b"123456789"), 0xE306_9283u32.rotate_right(15).wrapping_add(0xA282_EAD8));
        let mut message = Message::default();
        message.varint(1, 150);
        message.bytes(2, b"testing");
        // The two examples of the encoding's own documentation.
        assert_eq!(message.0, b"\x08\x96\x01\x12\x07testing");
    }

    #[test]
    fn tensorboard_reads_it_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut events = EventFile::create(folder.path(), 0).unwrap();
        events.scalar("loss/total", 3, 0.5).unwrap();
        events.flush().unwrap();
        let script = "
import sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1]); events.Reload()
[one] = events.Scalars('loss/total')
assert (one.step, one.value) == (3, 0.5), one
";
        let python = std::process::Command::new("python3")
            .args(["-c", "import tensorboard"])
            .output()
            .is_ok_and(|output| output.status.success());
        if !python {
            println!("skipped: Python has no tensorboard");
            return;
        }
        let output =
            std::process::Command::new("python3").arg("-c").arg(script).arg(folder.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
