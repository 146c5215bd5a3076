//! What travels with the music: tags, the cover picture, the measured loudness.

/// Tags and cover of a track.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Key/value pairs in the order of the source. Keys are upper-case Vorbis-comment names
    /// (`TITLE`, `ARTIST`, `ALBUM`, `TRACKNUMBER`, `DATE`, `GENRE`, ...); a key may repeat.
    pub tags: Vec<(String, String)>,
    /// The cover picture, if the source has one.
    pub picture: Option<Picture>,
}

/// An embedded cover picture, carried byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// MIME type, such as `image/jpeg`.
    pub mime: String,
    /// The encoded image.
    pub data: Vec<u8>,
}

/// Loudness by EBU R128 (ITU-R BS.1770): enough for ReplayGain 2.0 (`-18 LUFS - integrated_lufs`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loudness {
    /// Integrated loudness in LUFS; negative infinity for silence.
    pub integrated_lufs: f32,
    /// Largest true peak of any channel, linear, 1.0 = full scale.
    pub true_peak: f32,
}
