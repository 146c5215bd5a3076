//! The streaming calls against the whole-file ones: any chunking, any number of threads, any seek, any target.

mod common;

use common::{config, music, plucks};
use melisma_codec::{
    DecodeError, Decoder, Encoder, EncoderConfig, Models, RateTarget, StreamFormat, Tune, decode, encode,
    inspect,
};
use melisma_signal::{Metadata, Pcm};
use proptest::prelude::*;
use std::io::Cursor;

fn short_sections(rate: RateTarget) -> EncoderConfig {
    let mut config = config(Tune::Music, rate);
    config.section_seconds = 0.5;
    config
}

/// Encodes in blocks of the given lengths, over and over.
fn encode_in_pieces(pcm: &Pcm, config: &EncoderConfig, lengths: &[usize]) -> Vec<u8> {
    let format = StreamFormat {
        sample_rate_hz: pcm.sample_rate_hz,
        channel_count: pcm.channel_count(),
        original_sample_rate_hz: None,
        total_samples: Some(pcm.samples() as u64),
    };
    let mut encoder = Encoder::new(config.clone(), format, &Metadata::default()).expect("a valid format");
    let (mut file, mut begin) = (Vec::new(), 0);
    for &length in lengths.iter().cycle() {
        let end = (begin + length).min(pcm.samples());
        let channels = pcm.channels.iter().map(|channel| channel[begin..end].to_vec()).collect();
        let block = Pcm { sample_rate_hz: pcm.sample_rate_hz, channels };
        encoder.push(&block, &mut file).expect("the same format");
        begin = end;
        if begin == pcm.samples() {
            break;
        }
    }
    encoder.finish(None, &mut file).expect("nothing can fail");
    file
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_chunking_gives_the_same_file(
        lengths in prop::collection::vec(0usize..9_000, 1..12),
        samples in 0usize..30_000,
        stereo in any::<bool>(),
        average in any::<bool>(),
    ) {
        prop_assume!(lengths.iter().sum::<usize>() > 40);
        let pcm = plucks(8_000, 1 + usize::from(stereo), samples);
        let rate = if average { RateTarget::Bitrate(12_000) } else { RateTarget::Quality(3.0) };
        let config = short_sections(rate);
        let whole = encode(&pcm, &config, &Metadata::default()).unwrap();
        prop_assert_eq!(encode_in_pieces(&pcm, &config, &lengths), whole);
    }
}

/// Longer than what rate control looks ahead, so that steps are settled while the music still comes in.
#[test]
fn any_number_of_threads_gives_the_same_file_and_the_same_sound() {
    let pcm = plucks(8_000, 1, 95 * 8_000 + 77);
    let targets = [RateTarget::Quality(2.0), RateTarget::Bitrate(8_000), RateTarget::SizeBytes(70_000)];
    for rate in targets {
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            pool.install(|| {
                let file = encode(&pcm, &config(Tune::Music, rate), &Metadata::default()).expect("valid");
                let sound = decode(&file).expect("valid").pcm;
                (file, sound)
            })
        };
        let one = run(1);
        for threads in [2, 3, 5] {
            let more = run(threads);
            assert!(one.0 == more.0, "{rate:?}: the file differs with {threads} threads");
            assert!(one.1 == more.1, "{rate:?}: the sound differs with {threads} threads");
        }
    }
}

/// Within 1 % beyond 30 s, as promised.
#[test]
fn bitrate_and_size_are_met() {
    for (sample_rate_hz, channels, seconds, bits_per_second) in
        [(8_000, 1, 31, 4_000), (8_000, 2, 75, 16_000), (16_000, 1, 45, 12_000), (44_100, 2, 31, 64_000)]
    {
        let pcm = music(sample_rate_hz, channels, seconds * sample_rate_hz as usize);
        let bytes = u64::from(bits_per_second) * seconds as u64 / 8;
        for rate in [RateTarget::Bitrate(bits_per_second), RateTarget::SizeBytes(bytes)] {
            // The target counts the whole file.
            let file = encode(&pcm, &config(Tune::Music, rate), &Metadata::default()).expect("valid");
            let off = file.len() as f64 / bytes as f64 - 1.0;
            assert!(
                off.abs() < 0.01,
                "{sample_rate_hz} Hz, {seconds} s, {rate:?}: off by {:.2} %",
                off * 100.0
            );
        }
    }
}

/// From `sample` to the end.
fn decode_from(file: &[u8], sample: u64) -> Result<Pcm, DecodeError> {
    let mut decoder = Decoder::new(Cursor::new(file), &Models::default())?;
    decoder.seek(sample)?;
    let mut pcm = Pcm::empty(decoder.header().sample_rate_hz, decoder.header().channel_count);
    while let Some(block) = decoder.next_block()? {
        pcm.append(&block);
    }
    Ok(pcm)
}

#[test]
fn a_seek_gives_the_same_samples() {
    for (sample_rate_hz, channels) in [(8_000, 1), (22_050, 2)] {
        let pcm = plucks(sample_rate_hz, channels, 4 * sample_rate_hz as usize + 321);
        let config = short_sections(RateTarget::Quality(3.0));
        let file = encode(&pcm, &config, &Metadata::default()).expect("valid");
        let whole = decode(&file).expect("valid").pcm;
        let structure = inspect(file.as_slice()).expect("valid");
        assert!(structure.sections.len() >= 8);
        let total = whole.samples() as u64;
        let borders = structure.sections.iter().map(|section| section.first_sample);
        let near = borders.flat_map(|border| [border.saturating_sub(1), border, border + 1, border + 700]);
        let trailer = structure.sections.last().map_or(0, |s| s.byte_offset + s.bytes) as usize;
        for sample in near.chain([total - 1, total]).filter(|&sample| sample <= total) {
            // By the seek table, and by looking at every section where it is missing.
            for bytes in [&file[..], &file[..trailer]] {
                let part = decode_from(bytes, sample).expect("valid");
                for (part, whole) in part.channels.iter().zip(&whole.channels) {
                    assert!(part[..] == whole[sample as usize..], "from {sample} of {total}");
                }
            }
        }
        let beyond = decode_from(&file, total + 1);
        assert!(matches!(beyond, Err(DecodeError::BeyondEnd { asked, total: t }) if asked == t + 1));
        // One decoder, back and forth.
        let mut decoder = Decoder::new(Cursor::new(&file), &Models::default()).expect("valid");
        for sample in [total / 2, 5, total - 9, 0, total / 3] {
            decoder.seek(sample).expect("inside");
            let block = decoder.next_block().expect("valid").expect("there is more");
            let begin = sample as usize;
            assert!(block.channels[0][..] == whole.channels[0][begin..begin + block.samples()]);
        }
        assert_eq!(decoder.total_samples().expect("valid"), total);
    }
}
