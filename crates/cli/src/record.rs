//! What a `.mlsm` file remembers of how it was made, beside the tags of its music: tags of our own that no command shows
//! as such, and none carries into other formats.
//!
//! ```text
//! tags of a file -take-> tags of the music, record -put-> tags of a file
//! ```

use melisma_signal::Metadata;

/// Names of our own tags begin so.
const OWN: &str = "MELISMA_";
const SETTINGS: &str = "MELISMA_SETTINGS";
const MADE_OF: &str = "MELISMA_MADE_OF";
const SOUND: &str = "MELISMA_SOUND";
const ORIGINAL_SAMPLES: &str = "MELISMA_ORIGINAL_SAMPLES";

/// What is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The settings that a result in a mirror was made with, in words.
    pub settings: Option<String>,
    /// The name of the file that a result in a mirror was made of: `a.wav.mlsm` can be that of `a.wav` or of `a.wav.flac`.
    pub made_of: Option<String>,
    /// The fingerprint of the sound that a result in a mirror was made from; see [`melisma_media::Fingerprint`].
    pub sound: Option<String>,
    /// Samples per channel that the music had before it was resampled.
    pub original_samples: Option<u64>,
}

/// Whether a tag of this name is one of ours.
pub fn is_own(name: &str) -> bool {
    name.starts_with(OWN)
}

impl Record {
    /// Removes the record from the tags of a file.
    pub fn take(metadata: &mut Metadata) -> Self {
        let mut record = Self::default();
        metadata.tags.retain(|(name, value)| {
            match name.as_str() {
                SETTINGS => record.settings = Some(value.clone()),
                MADE_OF => record.made_of = Some(value.clone()),
                SOUND => record.sound = Some(value.clone()),
                ORIGINAL_SAMPLES => record.original_samples = value.parse().ok(),
                _ => {}
            }
            !is_own(name)
        });
        record
    }

    /// Adds the record to the tags of the music.
    pub fn put(&self, metadata: &mut Metadata) {
        let samples = self.original_samples.map(|samples| format!("{samples:020}"));
        for (name, value) in [
            (SETTINGS, &self.settings),
            (MADE_OF, &self.made_of),
            (SOUND, &self.sound),
            (ORIGINAL_SAMPLES, &samples),
        ] {
            if let Some(value) = value {
                metadata.tags.push((name.to_owned(), value.clone()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_taken_and_the_tags_of_the_music_stay() {
        let music = Metadata { tags: vec![("TITLE".into(), "T".into())], picture: None };
        let full = Record {
            settings: Some("quality 5".into()),
            made_of: Some("a.wav".into()),
            sound: Some("0123".into()),
            original_samples: Some(88_201),
        };
        for record in [full, Record::default()] {
            let mut metadata = music.clone();
            record.put(&mut metadata);
            assert_eq!(Record::take(&mut metadata), record);
            assert_eq!(metadata, music);
        }
    }
}
