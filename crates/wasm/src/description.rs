//! What a file says about itself, as JSON for a script: header, tags, end, damage.

use melisma_codec::{Damage, Header, Trailer};
use std::fmt::Write;

/// A JSON string.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            control if control < ' ' => _ = write!(out, "\\u{:04x}", u32::from(control)),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// A JSON number; null for what JSON has no number for.
fn number(value: f32) -> String {
    if value.is_finite() { value.to_string() } else { "null".to_owned() }
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

/// `{"sampleRate", "originalSampleRate", "channels", "declaredSamples", "sectionSamples", "tags", "coverType"}`.
pub(crate) fn header(header: &Header) -> String {
    let or_null = |value: Option<u64>| value.map_or("null".to_owned(), |value| value.to_string());
    let tags =
        list(header.metadata.tags.iter().map(|(key, value)| format!("[{},{}]", quoted(key), quoted(value))));
    let cover = header.metadata.picture.as_ref().map_or("null".to_owned(), |picture| quoted(&picture.mime));
    format!(
        "{{\"sampleRate\":{},\"originalSampleRate\":{},\"channels\":{},\"declaredSamples\":{},\"sectionSamples\":{},\"tags\":{tags},\"coverType\":{cover}}}",
        header.sample_rate_hz,
        or_null(header.original_sample_rate_hz.map(u64::from)),
        header.channel_count,
        or_null(header.declared_samples),
        header.section_samples(),
    )
}

/// `{"samples", "loudness": {"integrated", "truePeak"}, "sections"}`.
pub(crate) fn trailer(trailer: &Trailer) -> String {
    let loudness = trailer.loudness.map_or("null".to_owned(), |loudness| {
        format!(
            "{{\"integrated\":{},\"truePeak\":{}}}",
            number(loudness.integrated_lufs),
            number(loudness.true_peak)
        )
    });
    format!(
        "{{\"samples\":{},\"loudness\":{loudness},\"sections\":{}}}",
        trailer.total_samples,
        trailer.section_bytes.len()
    )
}

/// A list of `{"byteOffset", "position", "samples", "what"}`.
pub(crate) fn damage<'a>(places: impl Iterator<Item = &'a Damage>) -> String {
    list(places.map(|place| {
        format!(
            "{{\"byteOffset\":{},\"position\":{},\"samples\":{},\"what\":{}}}",
            place.byte_offset,
            place.first_sample,
            place.samples,
            quoted(&place.what)
        )
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_survive_json() {
        assert_eq!(quoted("a\"b\\c\n\u{1}ä"), "\"a\\\"b\\\\c\\u000a\\u0001ä\"");
        assert_eq!((number(-14.5), number(f32::NEG_INFINITY)), ("-14.5".to_owned(), "null".to_owned()));
    }
}
