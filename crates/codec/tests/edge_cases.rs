//! Sounds at the borders of what can be encoded: the length is exact, every sample is finite, nothing counts as
//! damaged, and the error of `--tune mse` stays within what its quantiser may do.

mod common;

use common::{config, plucks};
use melisma_codec::{Encoder, RateTarget, StreamFormat, Tune, decode, encode, inspect};
use melisma_signal::{Metadata, Pcm};
use melisma_synth::signals;

/// What came of a sound.
struct Outcome {
    /// Over all samples that were finite.
    squared_error: f64,
    /// The coarsest step of its sections.
    step: f64,
}

/// Encodes, decodes and checks all that holds for every sound.
fn round_trip(name: &str, pcm: &Pcm, tune: Tune, rate: RateTarget) -> Outcome {
    let name =
        format!("{name}, {} Hz, {} channels, {tune:?}, {rate:?}", pcm.sample_rate_hz, pcm.channel_count());
    let format = StreamFormat {
        sample_rate_hz: pcm.sample_rate_hz,
        channel_count: pcm.channel_count(),
        original_sample_rate_hz: None,
        total_samples: Some(pcm.samples() as u64),
    };
    let mut encoder = Encoder::new(config(tune, rate), format, &Metadata::default()).expect(&name);
    let mut file = Vec::new();
    encoder.push(pcm, &mut file).expect(&name);
    let summary = encoder.finish(None, &mut file).expect(&name);
    let odd = pcm.channels.iter().flatten().filter(|sample| !sample.is_finite()).count();
    assert_eq!(summary.non_finite_samples, odd as u64, "{name}");
    assert_eq!(summary.total_bytes, file.len() as u64, "{name}");

    let decoded = decode(&file).expect(&name);
    assert_eq!(decoded.damage, [], "{name}");
    assert_eq!(decoded.pcm.channel_count(), pcm.channel_count(), "{name}");
    assert!(decoded.pcm.channels.iter().all(|channel| channel.len() == pcm.samples()), "{name}");
    assert!(decoded.pcm.channels.iter().flatten().all(|sample| sample.is_finite()), "{name}");
    let pairs = pcm.channels.iter().flatten().zip(decoded.pcm.channels.iter().flatten());
    let finite = pairs.filter(|(was, _)| was.is_finite());
    let squared_error = finite.map(|(&was, &is)| (f64::from(was) - f64::from(is)).powi(2)).sum();
    let sections = inspect(file.as_slice()).expect(&name).sections;
    // Steps are 1/16 octave apart, the first is 2^-18.
    let steps = sections.iter().map(|section| (f64::from(section.step_index) / 16.0 - 18.0).exp2());
    Outcome { squared_error, step: steps.fold(0.0, f64::max) }
}

/// Both tunes, at the lowest, middle and highest quality.
///
/// The transform and the rotation are orthonormal, so that squared errors of coefficients and samples sum up to
/// the same. A coefficient becomes its nearest value, or with rate-distortion optimisation the one below it: its
/// error is at most 1.5 steps, and under one step in the mean, as values are no more often just below the
/// upper of two than just above the lower. Coefficients are as many as samples in whole superframes.
fn check(name: &str, pcm: &Pcm) {
    for quality in [0.0, 5.0, 10.0] {
        round_trip(name, pcm, Tune::Music, RateTarget::Quality(quality));
        let outcome = round_trip(name, pcm, Tune::Mse, RateTarget::Quality(quality));
        let coefficients = pcm.samples().next_multiple_of(2048) * pcm.channel_count();
        let most = outcome.step.powi(2) * coefficients as f64;
        let error = outcome.squared_error;
        assert!(error <= most, "{name}: squared error {error} at quality {quality}, at most {most}");
    }
}

fn mono(samples: Vec<f32>) -> Pcm {
    Pcm { sample_rate_hz: 44_100, channels: vec![samples] }
}

#[test]
fn short_sounds_keep_their_length() {
    for samples in [0, 1, 2, 3, 7, 31, 127, 128, 129, 1023, 1025, 2047, 2048, 2049, 3333, 4095, 4097, 4999] {
        for channels in 1..=2 {
            check(&format!("{samples} samples"), &plucks(44_100, channels, samples));
        }
    }
    let empty = plucks(8_000, 2, 0);
    let mut file = Vec::new();
    let format = StreamFormat { sample_rate_hz: 8_000, channel_count: 2, ..StreamFormat::default() };
    let encoder = Encoder::new(config(Tune::Music, RateTarget::Quality(5.0)), format, &Metadata::default());
    assert_eq!(encoder.unwrap().finish(None, &mut file).unwrap().sections, 0);
    assert_eq!(decode(&file).unwrap().pcm, empty);
    assert_eq!(inspect(file.as_slice()).unwrap().sections, []);
}

#[test]
fn every_rate_and_channel_count() {
    for rate in [8_000, 11_025, 16_000, 22_050, 32_000, 37_800, 44_100, 48_000] {
        for channels in 1..=2 {
            check("plucks", &plucks(rate, channels, rate as usize / 3 + 1));
        }
    }
}

#[test]
fn extreme_sounds() {
    let sine = signals::sine(44_100, 0.5, 441.0).channels.remove(0);
    let noise = signals::white_noise(44_100, 0.5, 1).channels.remove(0);
    let inverted = |channel: &[f32]| channel.iter().map(|sample| -sample).collect::<Vec<_>>();
    let stereo =
        |left: &[f32], right: Vec<f32>| Pcm { sample_rate_hz: 44_100, channels: vec![left.to_vec(), right] };
    let scaled = |gain: f32| mono(sine.iter().map(|sample| sample * gain).collect());
    let cases: Vec<(&str, Pcm)> = vec![
        ("silence", signals::silence(44_100, 0.5)),
        ("square wave", signals::square(44_100, 0.5, 1000.0)),
        ("square wave at the highest frequency", signals::square(44_100, 0.3, 22_050.0)),
        ("impulse", signals::impulse(44_100, 0.5, 0.25)),
        ("castanets", signals::castanets(44_100, 0.5)),
        ("white noise", mono(noise.clone())),
        ("direct current", mono(vec![1.0; 22_050])),
        ("one hertz", signals::sine(8_000, 2.0, 1.0)),
        ("far below the quietest scale", scaled(1e-12)),
        ("denormal", scaled(1e-38)),
        ("ten times full scale", scaled(20.0)),
        ("left only", stereo(&sine, vec![0.0; sine.len()])),
        ("right only", stereo(&vec![0.0; sine.len()], sine.clone())),
        ("identical channels", stereo(&noise, noise.clone())),
        ("opposite channels", stereo(&noise, inverted(&noise))),
        ("different channels", stereo(&sine, noise[..sine.len()].to_vec())),
    ];
    for (name, pcm) in &cases {
        check(name, pcm);
    }
}

/// What cannot be kept must still be finite.
#[test]
fn impossible_values_do_no_harm() {
    let sine = |gain: f32| (0..9_000).map(move |n| (n as f32 * 0.05).sin() * gain);
    let odd =
        |odd: f32| mono(sine(0.5).enumerate().map(|(n, x)| if n % 777 == 5 { odd } else { x }).collect());
    let cases = [
        ("a million", mono(sine(1e6).collect())),
        ("near the largest float", mono(sine(3e38).collect())),
        ("the largest float", mono(vec![f32::MAX; 5000])),
        (
            "alternating largest floats",
            mono((0..5000).map(|n| if n % 2 == 0 { f32::MAX } else { f32::MIN }).collect()),
        ),
        ("NaN", odd(f32::NAN)),
        ("infinity", odd(f32::INFINITY)),
        ("negative infinity", odd(f32::NEG_INFINITY)),
        ("nothing but NaN", mono(vec![f32::NAN; 3000])),
    ];
    for (name, pcm) in &cases {
        for tune in [Tune::Music, Tune::Mse] {
            for rate in [RateTarget::Quality(0.0), RateTarget::Quality(10.0), RateTarget::Bitrate(64_000)] {
                round_trip(name, pcm, tune, rate);
            }
        }
    }
}

/// However fine a step the rate allows and however loud the sound, no value may run into the largest codable one.
#[test]
fn more_bits_than_needed_never_harm() {
    let sine = |gain: f32| {
        let tone: Vec<f32> = (0..20_000).map(|n| (n as f32 * 0.14).sin() * gain).collect();
        Pcm { sample_rate_hz: 44_100, channels: vec![tone.clone(), tone] }
    };
    for gain in [1.0, 30.0, 1e6] {
        for rate in
            [RateTarget::Bitrate(2_000_000), RateTarget::SizeBytes(1 << 30), RateTarget::Quality(10.0)]
        {
            let outcome = round_trip("loud tone", &sine(gain), Tune::Mse, rate);
            // A step for the quantiser, as above, and single precision through about 20 stages, on two channels.
            let rms = outcome.step + 20.0 * (-24f64).exp2() * f64::from(gain);
            let most = rms.powi(2) * 2.0 * 20_480.0;
            assert!(
                outcome.squared_error <= most,
                "{} at {gain}, {rate:?}: at most {most}",
                outcome.squared_error
            );
            // The largest coefficient of such a tone is below 64 times its amplitude, and 2^23 steps are always there.
            let finest = 64.0 * f64::from(gain) / (1 << 23) as f64;
            let coarse = matches!(rate, RateTarget::Quality(_)) && gain < 1e3;
            assert!(coarse || outcome.step <= finest.max((-18f64).exp2()), "step {} at {gain}", outcome.step);
        }
    }
}

/// The longest section of the loudest noise at the finest steps would not fit into a chunk.
#[test]
fn no_section_outgrows_its_chunk() {
    let mut noise = signals::white_noise(44_100, 20.0, 3).channels.remove(0);
    noise.iter_mut().for_each(|sample| *sample *= 1e6);
    let pcm =
        Pcm { sample_rate_hz: 44_100, channels: vec![noise.clone(), noise.iter().rev().copied().collect()] };
    let mut config = config(Tune::Mse, RateTarget::Quality(10.0));
    config.section_seconds = 20.0;
    let file = encode(&pcm, &config, &Metadata::default()).expect("valid");
    assert!(file.len() > 3 << 20, "{} bytes put nothing to the test", file.len());
    let structure = inspect(file.as_slice()).expect("valid");
    assert_eq!(structure.damage, []);
    assert_eq!(structure.sections.iter().map(|section| section.samples).sum::<u64>(), pcm.samples() as u64);
}

#[test]
fn settings_out_of_range_are_errors() {
    let format = |sample_rate_hz, channel_count| StreamFormat {
        sample_rate_hz,
        channel_count,
        total_samples: Some(1000),
        ..StreamFormat::default()
    };
    let good = || config(Tune::Music, RateTarget::Quality(5.0));
    let sections = |seconds| {
        let mut config = good();
        config.section_seconds = seconds;
        config
    };
    let rate = |rate| config(Tune::Music, rate);
    let unknown_length = StreamFormat { total_samples: None, ..format(8_000, 1) };
    let cases = [
        (good(), format(7_999, 1)),
        (good(), format(48_001, 1)),
        (good(), format(0, 1)),
        (good(), format(44_100, 0)),
        (good(), format(44_100, 3)),
        (sections(0.4), format(44_100, 1)),
        (sections(20.1), format(44_100, 1)),
        (sections(f32::NAN), format(44_100, 1)),
        (rate(RateTarget::Quality(-0.1)), format(44_100, 1)),
        (rate(RateTarget::Quality(10.1)), format(44_100, 1)),
        (rate(RateTarget::Quality(f32::NAN)), format(44_100, 1)),
        (rate(RateTarget::Bitrate(499)), format(44_100, 1)),
        (rate(RateTarget::Bitrate(2_000_001)), format(44_100, 1)),
        (rate(RateTarget::SizeBytes(1000)), unknown_length),
    ];
    for (config, format) in cases {
        let shown = format!("{config:?} {format:?}");
        assert!(Encoder::new(config, format, &Metadata::default()).is_err(), "{shown}");
    }
    let mut encoder = Encoder::new(good(), format(44_100, 2), &Metadata::default()).unwrap();
    for wrong in [plucks(44_100, 1, 10), plucks(48_000, 2, 10)] {
        assert!(encoder.push(&wrong, &mut Vec::new()).is_err());
    }
}

#[test]
fn superframes_have_the_length_that_is_asked_for_and_no_other_than_the_format_knows() {
    let pcm = plucks(44_100, 2, 22_050);
    let coded = |superframe_log2| {
        let mut config = config(Tune::Music, RateTarget::Bitrate(32_000));
        config.superframe_log2 = superframe_log2;
        encode(&pcm, &config, &Metadata::default())
    };
    for (asked, found) in [(None, 11), (Some(8), 8), (Some(12), 12)] {
        let file = coded(asked).expect("a length that the format knows");
        let header = inspect(file.as_slice()).expect("whole").header;
        assert_eq!(header.music().expect("music").superframe_log2, found);
        assert_eq!(decode(&file).expect("whole").pcm.samples(), pcm.samples());
    }
    for asked in [0, 7, 13, u32::MAX] {
        assert!(coded(Some(asked)).is_err(), "{asked}");
    }
}
