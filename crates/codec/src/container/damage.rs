//! Which parts of a file are damaged, and what that costs: the book that a parser keeps while sections go by.
//!
//! Sections have numbers, so that what is missing between two intact ones is known, and with it the place of everything
//! behind. A damaged place is open until the next intact section, or the end, tells how many sections it took.
//! `docs/format.md`, section 4.

use super::{header::Header, trailer::Trailer};
use std::ops::Range;

/// One damaged place, and what it cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The first section lost, if any was.
    pub section: Option<u64>,
    /// Where in the file, in bytes.
    pub byte_offset: u64,
    /// First sample lost.
    pub first_sample: u64,
    /// Samples lost per channel.
    pub samples: u64,
    /// What was found, for people.
    pub what: String,
}

impl Damage {
    /// Damage that cost no sound.
    pub(super) fn harmless(byte_offset: u64, what: String) -> Self {
        Self { section: None, byte_offset, first_sample: 0, samples: 0, what }
    }
}

/// Counts sections and settles damaged places.
#[derive(Clone, Debug)]
pub(super) struct Book {
    header: Header,
    /// The section that should come next.
    expected: u64,
    /// File offset behind the last section that was taken.
    reached: u64,
    /// Offset and reason of damage whose extent is not known yet.
    open: Option<(u64, String)>,
    /// Sections in all, once the end is known.
    sections: Option<u64>,
}

impl Book {
    /// The book of a file with this header, whose next section should be number `expected`.
    pub(super) fn new(header: Header, expected: u64) -> Self {
        Self { header, expected, reached: 0, open: None, sections: None }
    }

    /// The section that should come next.
    pub(super) fn expected(&self) -> u64 {
        self.expected
    }

    /// Sections in all, lost ones included; known at the end.
    pub(super) fn sections(&self) -> Option<u64> {
        self.sections
    }

    /// Goes on with section `expected`; damage that is open is forgotten.
    pub(super) fn go_on_at(&mut self, expected: u64) {
        (self.expected, self.open, self.sections) = (expected, None, None);
    }

    /// Notes a fault. Until the next intact section, further ones belong to the same damage.
    pub(super) fn fault(&mut self, offset: u64, what: impl Into<String>) {
        self.open.get_or_insert_with(|| (offset, what.into()));
    }

    /// Whether section `number`, whose chunk lies at `chunk` in the file, comes at its turn. If so, sections missing
    /// before it are settled; if not, that is a fault.
    pub(super) fn accept(&mut self, number: u64, chunk: &Range<u64>, damage: &mut Vec<Damage>) -> bool {
        if number < self.expected || !self.believes(number, chunk) {
            let what = format!("section {number} where section {} should be", self.expected);
            self.fault(chunk.start, what);
            return false;
        }
        if number > self.expected {
            self.fault(chunk.start, "a section is missing");
        }
        damage.extend(self.settle(number));
        (self.expected, self.reached) = (number + 1, chunk.end);
        true
    }

    /// Whether so many sections can have been lost: a number must not promise hours of silence in a few bytes.
    fn believes(&self, number: u64, chunk: &Range<u64>) -> bool {
        match self.header.sections_within(chunk.end) {
            Some(sections) => number < sections,
            None => {
                let lost_from = self.open.as_ref().map_or(chunk.start, |(offset, _)| *offset);
                let lost_bytes = chunk.start - lost_from;
                number - self.expected <= lost_bytes / self.header.least_section_bytes() + 1
            }
        }
    }

    /// Settles open damage, which cost the sections from the expected one to `next`.
    fn settle(&mut self, next: u64) -> Option<Damage> {
        let (byte_offset, what) = self.open.take()?;
        let first_sample = self.header.samples_of(self.expected).start;
        let samples = match next.checked_sub(1) {
            Some(last) if next > self.expected => self.header.samples_of(last).end - first_sample,
            _ => 0,
        };
        Some(Damage {
            section: (samples > 0).then_some(self.expected),
            byte_offset,
            first_sample,
            samples,
            what,
        })
    }

    /// Settles everything at the end, at `offset` in the file.
    pub(super) fn end(&mut self, offset: u64, trailer: Option<&Trailer>) -> Vec<Damage> {
        let Some(announced) = self.header.announced_sections() else {
            self.sections = Some(self.expected);
            let mut damage = self.settle(self.expected);
            if let (Some(damage), Some(trailer)) = (&mut damage, trailer) {
                damage.samples = trailer.total_samples.saturating_sub(damage.first_sample);
                damage.section = (damage.samples > 0).then_some(self.expected);
            }
            return damage.into_iter().collect();
        };
        let sections = self.header.sections_within(offset).unwrap_or(announced).max(self.expected);
        self.sections = Some(sections);
        if self.expected < sections {
            self.fault(self.reached, "a section is missing");
        }
        let mut damage: Vec<Damage> = self.settle(sections).into_iter().collect();
        if sections < announced {
            let what = format!("{announced} sections are announced, more than fit into the file");
            damage.push(Damage::harmless(0, what));
        }
        damage
    }

    /// The damage that section `number`, whose payload lies at `offset`, is if its symbols are not what was written.
    pub(super) fn lost(&self, number: u64, offset: u64, what: String) -> Damage {
        let Range { start, end } = self.header.samples_of(number);
        Damage { section: Some(number), byte_offset: offset, first_sample: start, samples: end - start, what }
    }
}
