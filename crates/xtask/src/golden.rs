//! Golden vectors: small files with what a decoder must make of them.
//!
//! `tests/vectors/NAME.mlsm` is the file, `NAME.s16` its sound as interleaved little-endian 16-bit PCM, and a line of
//! `expected.tsv` its format and the hash of its symbols. The music is synthesised, so that it has no licence but ours.

use anyhow::{Context, Result, ensure};
use melisma_codec::{
    EncoderConfig, Model, Models, MusicVersion, RateTarget, Tune, decode, encode, symbol_hash,
};
use melisma_signal::{Metadata, Pcm};
use melisma_synth::{castanets, demo_piece};
use std::{fmt::Write, fs, path::Path};

/// What a golden vector is made of.
struct Vector {
    name: &'static str,
    version: MusicVersion,
    sound: Pcm,
    tune: Tune,
    rate: RateTarget,
}

/// Length of a section, short, so that even a second of music has borders between them.
const SECTION_SECONDS: f32 = 0.5;

/// Makes all vectors anew.
pub fn run() -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut table = String::from("# name\tsample_rate_hz\tchannels\tsamples\tsections\tsymbol_hash\tmodel\n");
    for vector in vectors() {
        let mut config = EncoderConfig::default();
        (config.tune, config.rate, config.section_seconds) = (vector.tune, vector.rate, SECTION_SECONDS);
        config.model = Some(Model::embedded(vector.version));
        let metadata =
            Metadata { tags: vec![("TITLE".to_owned(), vector.name.to_owned())], ..Metadata::default() };
        let file = encode(&vector.sound, &config, &metadata)?;
        let (hash, decoded) = (symbol_hash(&file, &Models::default())?, decode(&file)?);
        ensure!(hash.damaged == 0 && decoded.damage.is_empty(), "{}: damaged as made", vector.name);
        let (rate, channels) = (vector.sound.sample_rate_hz, vector.sound.channel_count());
        writeln!(
            table,
            "{}\t{rate}\t{channels}\t{}\t{}\t{:016x}\t{:08x}",
            vector.name,
            decoded.pcm.samples(),
            hash.sections,
            hash.hash,
            decoded.header.music()?.model_id
        )?;
        write(&folder.join(vector.name).with_extension("s16"), &interleaved_s16(&decoded.pcm))?;
        write(&folder.join(vector.name).with_extension("mlsm"), &file)?;
        eprintln!("{}: {} bytes, {} sections", vector.name, file.len(), hash.sections);
    }
    write(&folder.join("expected.tsv"), table.as_bytes())
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

fn vectors() -> Vec<Vector> {
    let mono_8k = mono(&excerpt(&demo_piece(8_000), 5.0, 16_000));
    let transients = with_castanets(excerpt(&demo_piece(44_100), 9.0, 52_920));
    let at_48k = excerpt(&demo_piece(48_000), 12.0, 48_000);
    let at_11k = excerpt(&demo_piece(11_025), 15.0, 13_337);
    let vector = |name, version, sound: &Pcm, tune, rate| {
        let sound = sound.clone();
        Vector { name, version, sound, tune, rate }
    };
    let (kbit, quality) = (|kbps: u32| RateTarget::Bitrate(1000 * kbps), RateTarget::Quality);
    let (one, three) = (MusicVersion::One, MusicVersion::Three);
    vec![
        vector("mono-8k-mse", one, &mono_8k, Tune::Mse, kbit(16)),
        vector("stereo-44k-transients", one, &transients, Tune::Music, kbit(64)),
        vector("stereo-48k-low-rate", one, &at_48k, Tune::Music, kbit(8)),
        vector("stereo-11k-odd-length", one, &at_11k, Tune::Music, quality(9.0)),
        vector("3-mono-8k", three, &mono_8k, Tune::Music, quality(4.0)),
        vector("3-stereo-44k-transients", three, &transients, Tune::Music, kbit(64)),
        vector("3-stereo-48k-low-rate", three, &at_48k, Tune::Music, kbit(8)),
        vector("3-stereo-11k-odd-length", three, &at_11k, Tune::Music, quality(9.0)),
    ]
}

fn excerpt(pcm: &Pcm, from_seconds: f64, samples: usize) -> Pcm {
    let begin = (from_seconds * f64::from(pcm.sample_rate_hz)) as usize;
    let channels = pcm.channels.iter().map(|channel| channel[begin..begin + samples].to_vec()).collect();
    Pcm { sample_rate_hz: pcm.sample_rate_hz, channels }
}

fn mono(pcm: &Pcm) -> Pcm {
    let mean = (0..pcm.samples())
        .map(|i| pcm.channels.iter().map(|channel| channel[i]).sum::<f32>() / pcm.channel_count() as f32)
        .collect();
    Pcm { sample_rate_hz: pcm.sample_rate_hz, channels: vec![mean] }
}

/// Clicks on the left, so that blocks are halved and the stereo plane turns.
fn with_castanets(mut pcm: Pcm) -> Pcm {
    let clicks = castanets(pcm.sample_rate_hz, pcm.seconds() + 0.1);
    for (sample, click) in pcm.channels[0].iter_mut().zip(&clicks.channels[0]) {
        *sample = 0.6 * *sample + 0.4 * click;
    }
    pcm
}

/// `round(x * 2^15)`, clipped: the golden format.
fn interleaved_s16(pcm: &Pcm) -> Vec<u8> {
    (0..pcm.samples())
        .flat_map(|i| pcm.channels.iter().map(move |channel| channel[i]))
        .flat_map(|sample| ((sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16).to_le_bytes())
        .collect()
}
