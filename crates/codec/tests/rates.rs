//! Bitrates and sizes are kept, on sounds that cost much and change much; sizes rise with the rate; what cannot be
//! reached is said.

mod common;

use common::config;
use melisma_codec::{EncodeSummary, Encoder, RateTarget, StreamFormat, Tune, decode};
use melisma_signal::{Metadata, Pcm};

const RATE_HZ: u32 = 44_100;
const SECONDS: usize = 7;

/// Uniform numbers from -1 to 1.
fn uniform(state: &mut u32) -> f32 {
    *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    (*state >> 8) as f32 / 8_388_608.0 - 1.0
}

/// Claps at random times over a bed of noise: every block has an attack, and nothing can be predicted.
fn applause() -> Pcm {
    let mut state = 7;
    let mut channels = vec![vec![0f32; SECONDS * RATE_HZ as usize]; 2];
    for _ in 0..SECONDS * 150 {
        let at = ((uniform(&mut state) * 0.5 + 0.5) * channels[0].len() as f32) as usize;
        let (loudness, place) = (0.05 + 0.1 * uniform(&mut state).abs(), 0.5 + 0.5 * uniform(&mut state));
        for (sample, decay) in (at..channels[0].len().min(at + 700)).zip(0u16..) {
            let clap = loudness * uniform(&mut state) * (-f32::from(decay) / 90.0).exp();
            channels[0][sample] += clap * place;
            channels[1][sample] += clap * (1.0 - place);
        }
    }
    for channel in &mut channels {
        channel.iter_mut().for_each(|sample| *sample += 0.01 * uniform(&mut state));
    }
    Pcm { sample_rate_hz: RATE_HZ, channels }
}

/// A click every 11 ms, in silence.
fn clicks() -> Pcm {
    let mut state = 3;
    let channel: Vec<f32> = (0..SECONDS * RATE_HZ as usize)
        .map(|sample| if sample % 487 < 12 { 0.6 * uniform(&mut state) } else { 0.0 })
        .collect();
    Pcm { sample_rate_hz: RATE_HZ, channels: vec![channel.clone(), channel] }
}

/// Chords that swell, with a beat that begins after three seconds.
fn band() -> Pcm {
    let mut state = 11;
    let channels = (0..2usize).map(|channel| {
        let tone = |sample: usize| {
            let time = sample as f32 / RATE_HZ as f32;
            let chord: f32 = [220.0, 277.2, 329.6, 440.0, 1318.5]
                .iter()
                .map(|hz| (std::f32::consts::TAU * (hz + channel as f32) * time).sin() * 0.05)
                .sum();
            chord * (1.0 + (1.3 * time).sin())
        };
        (0..SECONDS * RATE_HZ as usize)
            .map(|sample| {
                let since_beat = (sample % 11_025) as f32;
                let drum =
                    if sample > 3 * RATE_HZ as usize { 0.4 * (-since_beat / 900.0).exp() } else { 0.0 };
                tone(sample) + drum * uniform(&mut state)
            })
            .collect()
    });
    Pcm { sample_rate_hz: RATE_HZ, channels: channels.collect() }
}

fn encode(pcm: &Pcm, rate: RateTarget) -> (Vec<u8>, EncodeSummary) {
    let format = StreamFormat {
        sample_rate_hz: pcm.sample_rate_hz,
        channel_count: pcm.channel_count(),
        original_sample_rate_hz: None,
        total_samples: Some(pcm.samples() as u64),
    };
    let mut encoder = Encoder::new(config(Tune::Music, rate), format, &Metadata::default()).unwrap();
    let mut file = Vec::new();
    encoder.push(pcm, &mut file).unwrap();
    let summary = encoder.finish(None, &mut file).unwrap();
    (file, summary)
}

#[test]
fn bitrates_are_kept_and_sizes_rise_with_them() {
    for (name, pcm) in [("applause", applause()), ("clicks", clicks()), ("band", band())] {
        let mut last = 0;
        for kbps in [6, 7, 8, 10, 12, 16, 24, 48, 96, 160] {
            let (file, summary) = encode(&pcm, RateTarget::Bitrate(kbps * 1000));
            let wanted = kbps as usize * 1000 * SECONDS / 8;
            assert_eq!(summary.wanted_bytes, Some(wanted as u64), "{name} at {kbps} kbit/s");
            let ratio = file.len() as f64 / wanted as f64;
            assert!((0.99..=1.01).contains(&ratio), "{name} at {kbps} kbit/s: {ratio} of the size");
            assert!(file.len() > last, "{name} at {kbps} kbit/s: {} after {last} bytes", file.len());
            assert_eq!(decode(&file).unwrap().pcm.samples(), pcm.samples());
            last = file.len();
        }
    }
}

#[test]
fn sizes_are_kept() {
    let pcm = band();
    for bytes in [9_000u64, 40_000] {
        let (file, summary) = encode(&pcm, RateTarget::SizeBytes(bytes));
        assert_eq!(summary.wanted_bytes, Some(bytes));
        let ratio = file.len() as f64 / bytes as f64;
        assert!((0.99..=1.01).contains(&ratio), "{ratio}");
    }
}

#[test]
fn what_cannot_be_reached_is_said() {
    let silence = Pcm { sample_rate_hz: RATE_HZ, channels: vec![vec![0.0; RATE_HZ as usize]; 2] };
    let (file, summary) = encode(&silence, RateTarget::Bitrate(96_000));
    assert_eq!(summary.wanted_bytes, Some(12_000));
    assert_eq!(summary.missed_by(), Some(1.0 - file.len() as f64 / 12_000.0));
    let (_, summary) = encode(&band(), RateTarget::Bitrate(32_000));
    assert_eq!(summary.missed_by(), None);
    let (_, summary) = encode(&silence, RateTarget::Quality(5.0));
    assert_eq!((summary.wanted_bytes, summary.missed_by()), (None, None));
}
