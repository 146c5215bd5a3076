//! Any sound through encoder and decoder: the length is exact, nothing is damaged, every sample is finite.
#![no_main]

use libfuzzer_sys::{
    arbitrary::{Result, Unstructured},
    fuzz_target,
};
use melisma_codec::{Encoder, EncoderConfig, RateTarget, ScaleGrid, StreamFormat, Tune, Tuning, decode};
use melisma_fuzz::single_thread;
use melisma_signal::{Loudness, Metadata, Pcm};

/// Longest sound: beyond it a run takes too long to find anything.
const MAX_SECONDS: f32 = 1.5;

fuzz_target!(|data: &[u8]| {
    single_thread();
    // Input that ends early is no sound at all.
    let _ = round_trip(&mut Unstructured::new(data));
});

fn round_trip(input: &mut Unstructured<'_>) -> Result<()> {
    let sample_rate_hz = *input.choose(&[8_000, 11_025, 16_000, 22_050, 32_000, 37_800, 44_100, 48_000])?;
    let channel_count = input.int_in_range(1..=2usize)?;
    let most = (sample_rate_hz as f32 * MAX_SECONDS) as usize;
    // Short ones mostly: they are quick, and hold as many odd ends as long ones.
    let share = f32::from(input.arbitrary::<u16>()?) / 65_535.0;
    let samples = (share.powi(4) * most as f32) as usize;
    let config = config(input)?;
    let format = StreamFormat {
        sample_rate_hz,
        channel_count,
        original_sample_rate_hz: input.arbitrary::<bool>()?.then_some(96_000),
        total_samples: Some(samples as u64),
    };
    let loudness =
        input.arbitrary::<bool>()?.then_some(Loudness { integrated_lufs: f32::NAN, true_peak: 9.0 });
    let pieces = input.int_in_range(1..=4usize)?;
    let channels: Vec<Vec<f32>> = (0..channel_count).map(|_| sound(input, samples)).collect::<Result<_>>()?;

    let Ok(mut encoder) = Encoder::new(config, format, &Metadata::default()) else { return Ok(()) };
    let mut file = Vec::new();
    let piece = samples.div_ceil(pieces).max(1);
    for begin in (0..samples).step_by(piece) {
        let end = (begin + piece).min(samples);
        let channels = channels.iter().map(|channel| channel[begin..end].to_vec()).collect();
        encoder.push(&Pcm { sample_rate_hz, channels }, &mut file).expect("format as announced");
    }
    let summary = encoder.finish(loudness, &mut file).expect("nothing can fail");
    let odd = channels.iter().flatten().filter(|sample| !sample.is_finite()).count();
    assert_eq!(summary.non_finite_samples, odd as u64);
    assert_eq!((summary.total_samples, summary.total_bytes), (samples as u64, file.len() as u64));

    let decoded = decode(&file).expect("what was written is read");
    assert_eq!(decoded.damage, []);
    assert_eq!(decoded.pcm.samples(), samples);
    assert_eq!(decoded.trailer.map(|trailer| trailer.total_samples), Some(samples as u64));
    assert!(decoded.pcm.channels.iter().flatten().all(|sample| sample.is_finite()));
    Ok(())
}

fn config(input: &mut Unstructured<'_>) -> Result<EncoderConfig> {
    let mut config = EncoderConfig::default();
    config.tune = if input.arbitrary()? { Tune::Music } else { Tune::Mse };
    config.rate = match input.int_in_range(0..=2)? {
        0 => RateTarget::Quality(f32::from(input.int_in_range(0..=100u8)?) / 10.0),
        1 => RateTarget::Bitrate(input.arbitrary()?),
        _ => RateTarget::SizeBytes(input.arbitrary()?),
    };
    config.block_switching = input.arbitrary()?;
    config.section_seconds = 0.5 + f32::from(input.int_in_range(0..=10u8)?) / 10.0;
    if input.ratio(1u8, 4u8)? {
        let mut tuning = Tuning::new(config.tune);
        (tuning.shaping, tuning.tilt, tuning.noise) =
            (input.arbitrary()?, input.arbitrary()?, input.arbitrary()?);
        let period: u8 = input.arbitrary()?;
        tuning.grid = if period == 0 { ScaleGrid::PerBlock } else { ScaleGrid::PerSuperframes(period) };
        tuning.lambda = f32::from(input.arbitrary::<u8>()?) / 100.0;
        config.tuning = Some(tuning);
    }
    Ok(config)
}

/// A channel of stretches: raw bits, a tone, noise, a constant, silence.
fn sound(input: &mut Unstructured<'_>, samples: usize) -> Result<Vec<f32>> {
    let mut out = Vec::with_capacity(samples);
    while out.len() < samples {
        if input.is_empty() {
            out.resize(samples, 0.0);
            break;
        }
        let room = samples - out.len();
        match input.int_in_range(0..=4u8)? {
            0 => {
                for _ in 0..input.int_in_range(0..=64usize)?.min(room) {
                    out.push(f32::from_bits(input.arbitrary()?));
                }
            }
            1 => {
                let (pitch, gain) = (f32::from(input.arbitrary::<u8>()?) / 81.0, gain(input)?);
                let count = stretch(input, room)?;
                out.extend((0..count).map(|n| (n as f32 * pitch).sin() * gain));
            }
            2 => {
                let (mut state, gain) = (input.arbitrary::<u32>()?, gain(input)?);
                let count = stretch(input, room)?;
                out.extend((0..count).map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state as i32 as f32) / 2_147_483_648.0 * gain
                }));
            }
            3 => {
                let value = gain(input)?;
                let count = stretch(input, room)?;
                out.resize(out.len() + count, value);
            }
            _ => {
                let count = stretch(input, room)?;
                out.resize(out.len() + count, 0.0);
            }
        }
    }
    Ok(out)
}

fn stretch(input: &mut Unstructured<'_>, room: usize) -> Result<usize> {
    Ok(usize::from(input.arbitrary::<u16>()?).min(room))
}

/// From far below the quietest scale to far beyond full scale.
fn gain(input: &mut Unstructured<'_>) -> Result<f32> {
    Ok(*input.choose(&[1e-30, 1e-6, 1e-3, 0.1, 0.5, 1.0, -1.0, 10.0, 1e6, 1e18, 1e38])?)
}
