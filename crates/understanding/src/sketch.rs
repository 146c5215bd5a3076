//! The canonical picture of a track: levels of the same bands at the same times, whatever sample rate, hop and channels its
//! file has. Files, and sound that never was a file, come out alike.
//!
//! A file's own picture ([`PictureGrid`]) has the bands below half of its sample rate and a hop of 10.7 to 16 ms. Here every
//! frame lasts [`HOP_SECONDS`], which is the hop of files at 44.1 and 22.05 kHz and leaves those untouched; others are
//! averaged in power over the time that they share with a frame. Bands above [`TOP_HZ`] are left out: there MP3 and its kin
//! cut, and what is left tells the encoder, not the music.
//!
//! ```text
//! .mlsm -SketchReader-> pictures of sections -resampling in time-> [frame][band] of mid and side, in dB
//! PCM -Encoder at a low rate-> .mlsm in memory -^
//! ```

use crate::UnderstandingError;
use melisma_codec::{
    BandPicture, Encoder, EncoderConfig, Models, PictureGrid, RateTarget, SILENCE_DB, SketchReader,
    StreamFormat, container::Reader,
};
use melisma_signal::{Metadata, Pcm, bands::BASE_BAND_EDGES_HZ};
use std::io::{Cursor, Read};

/// Seconds from one frame to the next: 512 samples at 44.1 kHz.
pub const HOP_SECONDS: f64 = 512.0 / 44_100.0;

/// Bands of a frame: those of the codec up to [`TOP_HZ`].
pub const BANDS: usize = 24;

/// Upper edge of the highest band in Hz.
pub const TOP_HZ: u32 = BASE_BAND_EDGES_HZ[BANDS - 1];

/// Frames that are kept at most, from the beginning: half an hour, 30 MB. What a longer file holds behind them is not looked
/// at.
pub const MAX_FRAMES: usize = (1800.0 / HOP_SECONDS) as usize;

/// Quality at which sound is encoded to be read back: about 15 kbit/s, near what sketches are mostly read from.
const ANALYSIS_QUALITY: f32 = 2.0;

/// Levels of the bands of a track over time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrackSketch {
    /// Power in dB of half the sum of left and right, or of the one channel; 0 dB is a mean square of 1, silence is
    /// [`SILENCE_DB`].
    ///
    /// # Shapes
    /// `[frame * BANDS + band]`
    pub mid_db: Vec<f32>,
    /// The same of half the difference of left and right; silence if there is one channel.
    pub side_db: Vec<f32>,
}

impl TrackSketch {
    /// Of a `.mlsm` file in memory, also if parts of it are damaged.
    ///
    /// # Errors
    /// [`UnderstandingError::File`] if it is not a file of the music codec, or needs a model that is not among `models`.
    pub fn of_file(bytes: &[u8], models: &Models) -> Result<Self, UnderstandingError> {
        Self::of_reader(SketchReader::over(Reader::open(Cursor::new(bytes))?, models)?)
    }

    /// Of a `.mlsm` file that is read from where `reader` stands to its end, section by section.
    ///
    /// # Errors
    /// [`UnderstandingError::File`] if reading fails. Damage is no error: lost sections are silent.
    pub fn of_reader<R: Read>(mut reader: SketchReader<R>) -> Result<Self, UnderstandingError> {
        let mut canvas = Canvas::new(reader.grid());
        while let Some(picture) = reader.next_picture()? {
            if !canvas.draw(&picture) {
                break;
            }
        }
        Ok(canvas.finish())
    }

    /// Of sound, which is analysed as the encoder would.
    ///
    /// # Errors
    /// [`UnderstandingError::Sound`] unless it has one or two channels at 8 to 48 kHz.
    pub fn of_pcm(pcm: &Pcm) -> Result<Self, UnderstandingError> {
        let mut analyser = SketchAnalyser::new(pcm.sample_rate_hz, pcm.channel_count())?;
        analyser.push(pcm)?;
        analyser.finish()
    }

    /// Number of frames.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.mid_db.len() / BANDS
    }

    /// Length in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.frames() as f64 * HOP_SECONDS
    }

    /// Levels of mid in one frame: `[band]`, in dB.
    ///
    /// # Panics
    /// If there is no such frame.
    #[must_use]
    pub fn mid(&self, frame: usize) -> &[f32] {
        &self.mid_db[frame * BANDS..(frame + 1) * BANDS]
    }

    /// Levels of side in one frame: `[band]`, in dB.
    ///
    /// # Panics
    /// If there is no such frame.
    #[must_use]
    pub fn side(&self, frame: usize) -> &[f32] {
        &self.side_db[frame * BANDS..(frame + 1) * BANDS]
    }

    /// A stretch of it, as far as it is there.
    #[must_use]
    pub fn excerpt(&self, frames: std::ops::Range<usize>) -> Self {
        let values = frames.start.min(self.frames()) * BANDS..frames.end.min(self.frames()) * BANDS;
        if values.start >= values.end {
            return Self::default();
        }
        Self { mid_db: self.mid_db[values.clone()].to_vec(), side_db: self.side_db[values].to_vec() }
    }
}

/// Analyses sound that comes in blocks, as a file that is being decoded does.
pub struct SketchAnalyser {
    encoder: Encoder,
    /// The `.mlsm` file so far.
    file: Vec<u8>,
}

impl SketchAnalyser {
    /// For sound of this rate and number of channels.
    ///
    /// # Errors
    /// [`UnderstandingError::Sound`] unless it has one or two channels at 8 to 48 kHz.
    pub fn new(sample_rate_hz: u32, channel_count: usize) -> Result<Self, UnderstandingError> {
        let mut config = EncoderConfig::default();
        config.rate = RateTarget::Quality(ANALYSIS_QUALITY);
        let format = StreamFormat { sample_rate_hz, channel_count, ..StreamFormat::default() };
        Ok(Self { encoder: Encoder::new(config, format, &Metadata::default())?, file: Vec::new() })
    }

    /// Takes the next samples.
    ///
    /// # Errors
    /// [`UnderstandingError::Sound`] if rate or channels are not those announced.
    pub fn push(&mut self, pcm: &Pcm) -> Result<(), UnderstandingError> {
        Ok(self.encoder.push(pcm, &mut self.file)?)
    }

    /// The sketch of all that was pushed.
    ///
    /// # Errors
    /// [`UnderstandingError::Sound`] if encoding fails.
    pub fn finish(mut self) -> Result<TrackSketch, UnderstandingError> {
        self.encoder.finish(None, &mut self.file)?;
        TrackSketch::of_file(&self.file, &Models::default())
    }
}

/// Where pictures of a file's grid become frames of the canonical one.
struct Canvas {
    /// Frames of ours that a frame of the file's lasts.
    frames_per_frame: f64,
    /// Bands that the file has, at most [`BANDS`].
    bands: usize,
    stereo: bool,
    /// Mean powers if the hops differ, else levels in dB: `[frame * BANDS + band]` of mid and of side.
    planes: [Vec<f32>; 2],
}

impl Canvas {
    fn new(grid: &PictureGrid) -> Self {
        let hop_seconds = f64::from(grid.hop_samples) / f64::from(grid.sample_rate_hz);
        Self {
            frames_per_frame: hop_seconds / HOP_SECONDS,
            bands: grid.band_count().min(BANDS),
            stereo: grid.channel_count == 2,
            planes: [Vec::new(), Vec::new()],
        }
    }

    /// Whether frames of the file are our frames.
    fn same_hop(&self) -> bool {
        (self.frames_per_frame - 1.0).abs() < 1e-9
    }

    /// Draws the picture of a section; false if it lies beyond [`MAX_FRAMES`].
    fn draw(&mut self, picture: &BandPicture) -> bool {
        let first = picture.first_frame as f64 * self.frames_per_frame;
        if first >= MAX_FRAMES as f64 {
            return false;
        }
        let end = first + picture.frames() as f64 * self.frames_per_frame;
        // The last frame of a track may be covered in part; 1e-6 of a frame is rounding.
        let frames = ((end - 1e-6).ceil().max(0.0) as usize).min(MAX_FRAMES);
        let (same_hop, stereo) = (self.same_hop(), self.stereo);
        let blank = if same_hop { SILENCE_DB } else { 0.0 };
        for (channel, plane) in self.planes.iter_mut().enumerate() {
            plane.resize(plane.len().max(frames * BANDS), blank);
            if channel == 1 && !stereo {
                continue;
            }
            for number in 0..picture.frames() {
                let levels = &picture.frame(channel, number)[..self.bands];
                if same_hop {
                    let frame = picture.first_frame as usize + number;
                    if frame < frames {
                        plane[frame * BANDS..][..levels.len()].copy_from_slice(levels);
                    }
                } else {
                    let begin = first + number as f64 * self.frames_per_frame;
                    add_power(&mut plane[..frames * BANDS], levels, begin, self.frames_per_frame);
                }
            }
        }
        true
    }

    fn finish(self) -> TrackSketch {
        let same_hop = self.same_hop();
        let [mid_db, side_db] = self.planes.map(|plane| {
            if same_hop {
                return plane;
            }
            plane.into_iter().map(|power| (10.0 * power.log10()).max(SILENCE_DB)).collect()
        });
        TrackSketch { mid_db, side_db }
    }
}

/// Adds a frame's power to the frames that it overlaps, which begins at frame `begin` and lasts `length` frames.
fn add_power(plane: &mut [f32], levels_db: &[f32], begin: f64, length: f64) {
    let end = begin + length;
    let frames = plane.len() / BANDS;
    for frame in begin as usize..(end.ceil() as usize).min(frames) {
        let shared = end.min(frame as f64 + 1.0) - begin.max(frame as f64);
        for (power, &level) in plane[frame * BANDS..].iter_mut().zip(levels_db) {
            if level > SILENCE_DB {
                *power += shared as f32 * 10f32.powf(level / 10.0);
            }
        }
    }
}
