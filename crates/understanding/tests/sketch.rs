//! Sketches of files and of sound: alike whatever the rate, the bitrate and the channels.

use melisma_codec::{EncoderConfig, Models, RateTarget, SILENCE_DB, encode};
use melisma_signal::{Metadata, Pcm, Random};
use melisma_understanding::{TrackSketch, embed, sketch::BANDS};

/// Strokes of noise and a tone, the same sound at any rate: band-limited below 3 kHz by construction of its partials.
fn music(sample_rate_hz: u32, channel_count: usize, seconds: usize) -> Pcm {
    let samples = seconds * sample_rate_hz as usize;
    let sound = |shift: f64| {
        (0..samples)
            .map(|n| {
                let t = n as f64 / f64::from(sample_rate_hz);
                let decay = (-2.0 * (t * 2.0).fract()).exp();
                let partials = (1..50)
                    .map(|k| (std::f64::consts::TAU * 55.0 * f64::from(k) * t + shift * f64::from(k)).sin());
                (0.03 * decay * partials.sum::<f64>()) as f32
            })
            .collect::<Vec<f32>>()
    };
    Pcm { sample_rate_hz, channels: (0..channel_count).map(|channel| sound(channel as f64)).collect() }
}

fn file(pcm: &Pcm, bits_per_second: u32) -> TrackSketch {
    let mut config = EncoderConfig::default();
    config.rate = RateTarget::Bitrate(bits_per_second);
    let bytes = encode(pcm, &config, &Metadata::default()).expect("valid");
    TrackSketch::of_file(&bytes, &Models::default()).expect("valid")
}

/// Mean level of each band in which there is music.
fn means(sketch: &TrackSketch) -> Vec<f32> {
    (1..14)
        .map(|band| {
            (0..sketch.frames()).map(|frame| sketch.mid(frame)[band]).sum::<f32>() / sketch.frames() as f32
        })
        .collect()
}

#[test]
fn sound_and_its_files_are_alike_at_every_rate() {
    let reference = TrackSketch::of_pcm(&music(44_100, 2, 3)).expect("valid");
    assert_eq!(reference.frames(), 259); // 3 s of 44,100 samples, 512 a frame, rounded up
    for (rate, bits_per_second) in
        [(44_100, 16_000), (44_100, 64_000), (48_000, 16_000), (32_000, 24_000), (22_050, 16_000)]
    {
        let sketch = file(&music(rate, 2, 3), bits_per_second);
        assert!(sketch.frames().abs_diff(reference.frames()) <= 1, "{rate}: {}", sketch.frames());
        for (band, (found, expected)) in means(&sketch).into_iter().zip(means(&reference)).enumerate() {
            // Scales are rounded by 1 dB at most, and smoothed in time and frequency, by a step of 2 dB or, at the lowest
            // rates, two, where that saves bits.
            assert!(
                (found - expected).abs() < 5.0,
                "{rate} Hz, {bits_per_second} bit/s, band {band}: {found}, {expected}"
            );
        }
        // Coarse scales and frames of another length move the spread of levels more than their means, and the embedding makes
        // much of what differs little in music. Points of unlike tracks lie around a cosine of 0, give or take 0.1 in 96
        // dimensions.
        let cosine = embed(&sketch).cosine(&embed(&reference));
        assert!(cosine > 0.6, "{rate} Hz, {bits_per_second} bit/s: {cosine}");
    }
}

#[test]
fn resampling_in_time_keeps_the_power() {
    let (one, other) = (file(&music(48_000, 1, 6), 32_000), file(&music(44_100, 1, 6), 32_000));
    let power = |sketch: &TrackSketch| {
        let sum: f32 = sketch.mid_db.iter().map(|level| 10f32.powf(level / 10.0)).sum();
        10.0 * (sum / sketch.frames() as f32).log10()
    };
    // Scales are rounded by 1 dB at most.
    assert!((power(&one) - power(&other)).abs() < 1.0, "{} {}", power(&one), power(&other));
    assert!(one.side_db.iter().all(|&level| level == SILENCE_DB));
}

#[test]
fn nothing_and_silence_have_a_sketch() {
    for samples in [0, 1, 100, 44_100] {
        let pcm = Pcm { sample_rate_hz: 44_100, channels: vec![vec![0.0; samples]; 2] };
        let sketch = TrackSketch::of_pcm(&pcm).expect("valid");
        assert_eq!(sketch.frames(), samples.div_ceil(512));
        assert!(embed(&sketch).values.iter().all(|value| value.is_finite()));
        assert_eq!(sketch.excerpt(1..5).mid_db.len() % BANDS, 0);
    }
    assert!(TrackSketch::of_file(b"no file of ours", &Models::default()).is_err());
    assert!(TrackSketch::of_pcm(&Pcm::empty(4_000, 1)).is_err());
}

#[test]
fn a_track_in_another_coding_is_nearer_than_another_track() {
    // Five kinds of sound: where partials lie, how fast strokes follow and die away, how much noise there is.
    let sound = |kind: usize| {
        let (pitch, strokes, decay) =
            (55.0 * (1.0 + kind as f64 * 0.7), 1.0 + kind as f64 * 0.9, 1.0 + 2.0 * kind as f64);
        let mut random = Random::at(kind as u64, &[]);
        let left: Vec<f32> = (0..4 * 44_100)
            .map(|n| {
                let t = f64::from(n) / 44_100.0;
                let tone: f64 = (1..20)
                    .map(|k| (std::f64::consts::TAU * pitch * f64::from(k) * t).sin() / f64::from(k))
                    .sum();
                let noise = f64::from(random.normal()) * 0.1 * kind as f64;
                (0.1 * (-decay * (t * strokes).fract()).exp() * (tone + noise)) as f32
            })
            .collect();
        Pcm { sample_rate_hz: 44_100, channels: vec![left.clone(), left] }
    };
    let tracks: Vec<Vec<_>> = (0..5)
        .map(|kind| {
            let pcm = sound(kind);
            let plain = TrackSketch::of_pcm(&pcm).expect("valid");
            [plain, file(&pcm, 16_000), file(&pcm, 64_000)].iter().map(embed).collect()
        })
        .collect();
    for (one, codings) in tracks.iter().enumerate() {
        let own = codings.iter().map(|coding| coding.cosine(&codings[0])).fold(1.0, f32::min);
        let others = tracks.iter().enumerate().filter(|(other, _)| *other != one);
        let nearest = others
            .flat_map(|(_, codings)| codings)
            .map(|other| other.cosine(&codings[0]))
            .fold(-1.0, f32::max);
        assert!(own > nearest, "track {one}: {own} to its codings, {nearest} to another track");
    }
}
