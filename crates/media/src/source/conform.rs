//! Blocks of any format to those of one: the rate and the channels that the caller gets.
//!
//! A stream that changes its format on the way is brought to that of its beginning. Numbers that no
//! loudspeaker and no codec could make anything of are replaced, with a note of where they are.

use melisma_signal::Pcm;

use super::reader::{Notes, clock};
use super::timeline::Planes;
use crate::downmix::to_stereo;
use crate::{MediaError, Resampler, Speaker};

/// Beyond this (24 dB over full scale) a sample is a fault and no music: decoders of hot masters
/// overshoot by some decibels, and a float file that was mixed without care by some more.
const LARGEST_SAMPLE: f32 = 16.0;
/// Rates below this lack what can be heard of a higher one.
const AUDIBLE_RATE_HZ: u32 = 40_000;

/// Brings blocks to one format.
pub struct Conform {
    channel_count: usize,
    output_rate_hz: u32,
    /// Format of the blocks that come in.
    rate_hz: u32,
    layout: Vec<Speaker>,
    resampler: Option<Resampler>,
    given_samples: u64,
    odd: Odd,
}

/// Samples that were replaced.
#[derive(Default)]
struct Odd {
    not_numbers: u64,
    too_large: u64,
    first_not_number: u64,
    first_too_large: u64,
}

impl Conform {
    /// For a stream that starts with the given format.
    pub fn new(
        rate_hz: u32,
        layout: &[Speaker],
        output_rate_hz: u32,
        channel_count: usize,
    ) -> Result<Self, MediaError> {
        Ok(Self {
            channel_count,
            output_rate_hz,
            rate_hz,
            layout: layout.to_vec(),
            resampler: make_resampler(rate_hz, output_rate_hz, channel_count)?,
            given_samples: 0,
            odd: Odd::default(),
        })
    }

    /// The next block, which has the format given; maybe nothing comes out yet.
    pub fn push(
        &mut self,
        planes: Planes,
        rate_hz: u32,
        layout: &[Speaker],
        notes: &mut Notes,
    ) -> Result<Pcm, MediaError> {
        let mut output = Pcm::empty(self.output_rate_hz, self.channel_count);
        if rate_hz != self.rate_hz {
            if let Some(resampler) = self.resampler.take() {
                output.append(&resampler.finish()?);
            }
            self.resampler = make_resampler(rate_hz, self.output_rate_hz, self.channel_count)?;
        }
        if rate_hz != self.rate_hz || layout.len() != self.layout.len() {
            self.tell_change(rate_hz, layout, notes);
            self.rate_hz = rate_hz;
            self.layout = layout.to_vec();
        }
        let channels = self.mix(planes);
        let pcm = Pcm { sample_rate_hz: rate_hz, channels };
        let pcm = match &mut self.resampler {
            Some(resampler) => resampler.push(&pcm)?,
            None => pcm,
        };
        output.append(&pcm);
        self.given_samples += output.samples() as u64;
        Ok(output)
    }

    /// What is still inside, at the end.
    pub fn finish(&mut self, notes: &mut Notes) -> Result<Pcm, MediaError> {
        self.tell_odd(notes);
        match self.resampler.take() {
            Some(resampler) => resampler.finish(),
            None => Ok(Pcm::empty(self.output_rate_hz, self.channel_count)),
        }
    }

    fn mix(&mut self, planes: Planes) -> Planes {
        let mut planes = if planes.len() > 2 { to_stereo(&planes, &self.layout) } else { planes };
        self.clean(&mut planes);
        match (planes.len(), self.channel_count) {
            (1, 2) => vec![planes[0].clone(), std::mem::take(&mut planes[0])],
            (2, 1) => {
                vec![planes[0].iter().zip(&planes[1]).map(|(left, right)| (left + right) * 0.5).collect()]
            }
            _ => planes,
        }
    }

    /// Replaces what is no sample.
    fn clean(&mut self, planes: &mut Planes) {
        let start = self.given_samples;
        let scale = f64::from(self.output_rate_hz) / f64::from(self.rate_hz);
        let place = |n: usize| start + (n as f64 * scale) as u64;
        for plane in planes {
            // One look over all of it, so that good music costs next to nothing.
            if plane.iter().all(|x| x.abs() <= LARGEST_SAMPLE) {
                continue;
            }
            for (n, x) in plane.iter_mut().enumerate() {
                if x.is_nan() || x.is_infinite() {
                    if self.odd.not_numbers == 0 {
                        self.odd.first_not_number = place(n);
                    }
                    self.odd.not_numbers += 1;
                    *x = 0.0;
                } else if x.abs() > LARGEST_SAMPLE {
                    if self.odd.too_large == 0 {
                        self.odd.first_too_large = place(n);
                    }
                    self.odd.too_large += 1;
                    *x = x.signum();
                }
            }
        }
    }

    fn tell_odd(&self, notes: &mut Notes) {
        let time = |sample: u64| clock(sample as f64 / f64::from(self.output_rate_hz));
        let Odd { not_numbers, too_large, first_not_number, first_too_large } = self.odd;
        if not_numbers > 0 {
            notes.warn(format!(
                "{not_numbers} NaN or infinite samples were taken as silence, the first at {}",
                time(first_not_number)
            ));
        }
        if too_large > 0 {
            notes.warn(format!(
                "{too_large} samples beyond {LARGEST_SAMPLE:.0} times full scale were taken as full scale, the first at {}",
                time(first_too_large)
            ));
        }
    }

    /// A change is told where it can be heard: fewer channels, or a lower rate, than the stream has
    /// from here on.
    fn tell_change(&self, rate_hz: u32, layout: &[Speaker], notes: &mut Notes) {
        let fewer = layout.len().min(2) > self.channel_count || layout.len() > 2;
        let lower = rate_hz > self.output_rate_hz && self.output_rate_hz < AUDIBLE_RATE_HZ;
        if fewer || lower {
            notes.warn(format!(
                "from {} on, the stream's {} channel(s) at {rate_hz} Hz are brought to {} at {} Hz, as it began",
                clock(self.given_samples as f64 / f64::from(self.output_rate_hz)),
                layout.len(),
                self.channel_count,
                self.output_rate_hz
            ));
        }
    }
}

fn make_resampler(from_hz: u32, to_hz: u32, channel_count: usize) -> Result<Option<Resampler>, MediaError> {
    if from_hz == to_hz { Ok(None) } else { Resampler::new(from_hz, to_hz, channel_count).map(Some) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_replaced_and_told_once_with_their_place() {
        let mono = Speaker::usual_layout(1);
        let mut conform = Conform::new(1000, &mono, 1000, 1).unwrap();
        let mut notes = Notes::default();
        conform.push(vec![vec![0.5; 2000]], 1000, &mono, &mut notes).unwrap();
        let block = vec![vec![2.5, -1e30, f32::NAN, f32::INFINITY]];
        let clean = conform.push(block, 1000, &mono, &mut notes).unwrap();
        assert_eq!(clean.channels, [vec![2.5, -1.0, 0.0, 0.0]]);
        conform.finish(&mut notes).unwrap();
        assert_eq!(
            notes.sentences(),
            [
                "2 NaN or infinite samples were taken as silence, the first at 0:02.00",
                "1 samples beyond 16 times full scale were taken as full scale, the first at 0:02.00",
            ]
        );
        assert_eq!(notes.damaged_places(), 0);
    }

    #[test]
    fn another_format_is_brought_to_the_first() {
        let (mono, stereo) = (Speaker::usual_layout(1), Speaker::usual_layout(2));
        let mut notes = Notes::default();
        let mut conform = Conform::new(44_100, &stereo, 44_100, 2).unwrap();
        let mut all = conform.push(vec![vec![0.25; 4410]; 2], 44_100, &stereo, &mut notes).unwrap();
        all.append(&conform.push(vec![vec![0.5; 4800]], 48_000, &mono, &mut notes).unwrap());
        all.append(&conform.finish(&mut notes).unwrap());
        assert_eq!((all.samples(), all.channel_count()), (8820, 2));
        assert!(all.channels.iter().all(|channel| (channel[6600] - 0.5).abs() < 1e-3));
        assert!(notes.sentences().is_empty());
        let mut conform = Conform::new(22_050, &mono, 22_050, 1).unwrap();
        conform.push(vec![vec![0.5; 48]; 2], 48_000, &stereo, &mut notes).unwrap();
        assert_eq!(notes.sentences().len(), 1);
    }
}
