//! How much louder or softer music is played: by ReplayGain fields of its tags, or by its measured loudness.
//!
//! A level is changed so far only that no peak is beyond full scale. Fields are written for players that do this
//! themselves; where the level was changed here, they are taken out, lest it be changed twice.
//!
//! Sources: ReplayGain 2.0 (-18 LUFS, names of fields); RFC 7845, section 5.2.1 (`R128_...`: Q7.8, -23 LUFS).

use melisma_signal::{Loudness, Metadata};

/// The level that ReplayGain 2.0 plays everything at.
pub const REPLAYGAIN_LUFS: f32 = -18.0;
/// The level that Opus tags refer to.
const R128_LUFS: f64 = -23.0;

/// `--gain`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum GainArgument {
    /// every track equally loud
    Track,
    /// albums equally loud, their tracks as they are to each other; tracks where the tags name no album's level
    Album,
}

/// The factor that samples are multiplied with; none if nothing is known of the level.
pub fn factor(which: GainArgument, metadata: &Metadata, loudness: Option<Loudness>) -> Option<f64> {
    let measured = loudness.filter(|loudness| loudness.integrated_lufs.is_finite());
    let album = || level(metadata, "ALBUM").map(|db| (db, number(metadata, "REPLAYGAIN_ALBUM_PEAK")));
    let track = || {
        let measured_db = measured.map(|loudness| f64::from(REPLAYGAIN_LUFS - loudness.integrated_lufs));
        let db = level(metadata, "TRACK").or(measured_db)?;
        Some((db, number(metadata, "REPLAYGAIN_TRACK_PEAK")))
    };
    let (db, stated_peak) = match which {
        GainArgument::Album => album().or_else(track)?,
        GainArgument::Track => track()?,
    };
    let measured_peak = measured.map(|loudness| f64::from(loudness.true_peak));
    let peak = stated_peak.unwrap_or(0.0).max(measured_peak.unwrap_or(0.0));
    let wanted = 10f64.powf(db.clamp(-60.0, 60.0) / 20.0);
    Some(if peak > 0.0 { wanted.min(1.0 / peak) } else { wanted })
}

/// The gain in dB that fields state.
fn level(metadata: &Metadata, of: &str) -> Option<f64> {
    let opus = |name: &str| Some(number(metadata, name)? / 256.0 + f64::from(REPLAYGAIN_LUFS) - R128_LUFS);
    number(metadata, &format!("REPLAYGAIN_{of}_GAIN")).or_else(|| opus(&format!("R128_{of}_GAIN")))
}

/// The number that a field begins with: `-6.54 dB`.
fn number(metadata: &Metadata, name: &str) -> Option<f64> {
    let (_, value) = metadata.tags.iter().find(|(known, _)| known == name)?;
    let value = value.trim();
    let end = value.find(|letter: char| !"+-.0123456789".contains(letter)).unwrap_or(value.len());
    value[..end].parse().ok().filter(|number: &f64| number.is_finite())
}

fn is_field(name: &str) -> bool {
    name.starts_with("REPLAYGAIN_") || (name.starts_with("R128_") && name.ends_with("_GAIN"))
}

/// Takes all fields out.
pub fn remove_fields(metadata: &mut Metadata) {
    metadata.tags.retain(|(name, _)| !is_field(name));
}

/// Adds the fields of a track whose tags have none.
pub fn add_fields(metadata: &mut Metadata, loudness: Option<Loudness>) {
    let Some(loudness) = loudness.filter(|loudness| loudness.integrated_lufs.is_finite()) else { return };
    if metadata.tags.iter().any(|(name, _)| is_field(name)) {
        return;
    }
    let gain = format!("{:+.2} dB", REPLAYGAIN_LUFS - loudness.integrated_lufs);
    metadata.tags.push(("REPLAYGAIN_TRACK_GAIN".to_owned(), gain));
    metadata.tags.push(("REPLAYGAIN_TRACK_PEAK".to_owned(), format!("{:.6}", loudness.true_peak)));
}

/// Gives the fields the names and numbers that players of a format look for: `R128_` in Opus, whose standard wants no
/// others there, and `REPLAYGAIN_` everywhere else.
pub fn suit_fields(metadata: &mut Metadata, is_opus: bool) {
    let levels = ["TRACK", "ALBUM"].map(|of| (of, level(metadata, of)));
    let has = |metadata: &Metadata, name: &str| metadata.tags.iter().any(|(known, _)| known == name);
    for (of, db) in levels {
        let Some(db) = db else { continue };
        let (gain, r128) = (format!("REPLAYGAIN_{of}_GAIN"), format!("R128_{of}_GAIN"));
        if is_opus && !has(metadata, &r128) {
            let steps = (256.0 * (db + R128_LUFS - f64::from(REPLAYGAIN_LUFS))).round();
            // Whole numbers of 16 bits.
            let steps = steps.clamp(f64::from(i16::MIN), f64::from(i16::MAX));
            metadata.tags.push((r128, format!("{steps:.0}")));
        } else if !is_opus && !has(metadata, &gain) {
            metadata.tags.push((gain, format!("{db:+.2} dB")));
        }
    }
    metadata.tags.retain(|(name, _)| !is_field(name) || name.starts_with("R128_") == is_opus);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(fields: &[(&str, &str)]) -> Metadata {
        let tags = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Metadata { tags, picture: None }
    }

    #[test]
    fn fields_then_loudness_and_never_beyond_full_scale() {
        let loudness = Some(Loudness { integrated_lufs: -12.0, true_peak: 0.5 });
        let quiet = Some(Loudness { integrated_lufs: -30.0, true_peak: 0.5 });
        let track = tags(&[("REPLAYGAIN_TRACK_GAIN", "-3.00 dB"), ("REPLAYGAIN_TRACK_PEAK", "0.9")]);
        let both = tags(&[("REPLAYGAIN_TRACK_GAIN", "-3 dB"), ("REPLAYGAIN_ALBUM_GAIN", "-9.5 dB")]);
        // -5 dB from -23 LUFS is the same as 0 dB from -18 LUFS.
        let opus = tags(&[("R128_TRACK_GAIN", "-1280")]);
        for (which, metadata, loudness, decibels) in [
            (GainArgument::Track, &tags(&[]), loudness, -6.0),
            (GainArgument::Album, &tags(&[]), loudness, -6.0),
            (GainArgument::Track, &track, loudness, -3.0),
            (GainArgument::Track, &both, loudness, -3.0),
            (GainArgument::Album, &both, loudness, -9.5),
            (GainArgument::Track, &opus, None, 0.0),
            // 12 dB are wanted, a peak of 0.5 allows 6.02.
            (GainArgument::Track, &tags(&[]), quiet, 20.0 * 2f64.log10()),
            (GainArgument::Track, &tags(&[("REPLAYGAIN_TRACK_GAIN", "+1e9 dB")]), None, 1.0),
        ] {
            let found = 20.0 * factor(which, metadata, loudness).unwrap().log10();
            assert!((found - decibels).abs() < 1e-6, "{metadata:?} {found} {decibels}");
        }
        assert_eq!(factor(GainArgument::Track, &tags(&[("REPLAYGAIN_TRACK_GAIN", "loud")]), None), None);
    }

    #[test]
    fn fields_suit_the_format() {
        let opus = [("R128_TRACK_GAIN", "-1280"), ("R128_ALBUM_GAIN", "-1792")];
        let others = [("REPLAYGAIN_TRACK_GAIN", "+0.00 dB"), ("REPLAYGAIN_ALBUM_GAIN", "-2.00 dB")];
        for (from, is_opus, to) in [
            (&opus[..], false, &others[..]),
            (&others, true, &opus),
            (&opus, true, &opus),
            (&others, false, &others),
            (
                &[("REPLAYGAIN_TRACK_GAIN", "-900 dB"), ("REPLAYGAIN_TRACK_PEAK", "1")],
                true,
                &[("R128_TRACK_GAIN", "-32768")],
            ),
            (&[("R128_TRACK_GAIN", "none"), ("TITLE", "T")], false, &[("TITLE", "T")]),
        ] {
            let mut metadata = tags(from);
            suit_fields(&mut metadata, is_opus);
            assert_eq!(metadata, tags(to), "{from:?}");
        }
    }

    #[test]
    fn fields_are_added_once_and_taken_out() {
        let mut metadata = tags(&[("TITLE", "T")]);
        let loudness = Some(Loudness { integrated_lufs: -14.25, true_peak: 0.75 });
        add_fields(&mut metadata, loudness);
        add_fields(&mut metadata, None);
        add_fields(&mut metadata, loudness);
        let expected = tags(&[
            ("TITLE", "T"),
            ("REPLAYGAIN_TRACK_GAIN", "-3.75 dB"),
            ("REPLAYGAIN_TRACK_PEAK", "0.750000"),
        ]);
        assert_eq!(metadata, expected);
        remove_fields(&mut metadata);
        assert_eq!(metadata, tags(&[("TITLE", "T")]));
    }
}
