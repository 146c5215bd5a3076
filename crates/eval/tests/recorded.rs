//! The metrics give the values that the independent numpy implementation gave on a synthesised signal.
//!
//! Recorded by evaluating its `Ref` and `evaluate(.., ("core", "zimt"))`, the latter by the Python package
//! zimtohrli 0.2.1, its `nmr`, and `peaq.py` beside this file, on the signal of [`synthesise`], the same formula in numpy float64 rounded to float32.

use std::f64::consts::TAU;

use melisma_eval::{Metric, Reference};
use melisma_signal::Pcm;

/// Rate, channels, and the figures by name.
type Recorded = (u32, usize, &'static [(&'static str, f64)]);

#[rustfmt::skip]
const RECORDED: [Recorded; 2] = [
    (44100, 2, &[ ("zimtohrli", 0.005184174), ("nmr", 8.92199423), ("peaq_odg", -3.30233293), ("2f", 52.1771051), ("study_ln_8k", 0.553142272), ("study_lin_8k", 0.20343562), ("study_cplx_8k", 0.146637416), ("study_ln_44k", 0.422190788), ("study_lin_44k", 0.408360978), ("mel_l1", 0.650945187), ("ms_stft", 0.575898767), ("snr", 23.0452911), ("si_sdr", 23.649315), ("lsd", 3.6853323), ("lsd_16k", 3.84551406), ("gain_db", -0.245701162), ]),
    (8000, 1, &[ ("zimtohrli", 0.005436957), ("nmr", 2.28291457), ("peaq_odg", -3.39142823), ("2f", 56.1483282), ("study_ln_8k", 0.525400398), ("study_lin_8k", 0.210041128), ("study_cplx_8k", 0.154911494), ("mel_l1", 0.875336289), ("ms_stft", 0.595779657), ("snr", 23.0199852), ("si_sdr", 23.6201362), ("lsd", 3.78619027), ("gain_db", -0.245855137), ]),
];

/// Two seconds of tones and rough noise, and a quieter version with other noise and one more tone.
fn synthesise(rate: u32, channels: usize) -> [Vec<Vec<f32>>; 2] {
    let rough = |i: u32, a: u32, b: u32, speed: f64, over: f64| {
        (speed * f64::from(i % a) * f64::from(i % b) / over).sin()
    };
    let (mut source, mut decoded) = (vec![Vec::new(); channels], vec![Vec::new(); channels]);
    for (channel, (source, decoded)) in source.iter_mut().zip(&mut decoded).enumerate() {
        for i in 0..2 * rate {
            let wave = |hz: f64, phase: f64| (TAU * hz * (f64::from(i) / f64::from(rate)) + phase).sin();
            let c = channel as f64;
            let tones = 0.3 * wave(220.0 + c, 0.0) + 0.1 * wave(1234.5, 1.0 + c);
            let swell = 0.02 * wave(3456.7, 2.0) * (1.0 + wave(3.0, 0.0));
            let x = tones + swell + 0.01 * rough(i, 977, 1013, 0.5, 50.0);
            let y = 0.97 * x + 0.02 * wave(2222.0, 0.5) + 0.003 * rough(i, 991, 1009, 0.3, 40.0);
            source.push(x as f32);
            decoded.push(y as f32);
        }
    }
    [source, decoded]
}

#[test]
fn recorded_values() {
    for (rate, channels, expected) in RECORDED {
        let [source, decoded] = synthesise(rate, channels);
        let scores = Reference::new(Pcm { sample_rate_hz: rate, channels: source }).score(&decoded);
        for &(name, expected) in expected {
            let metric = Metric::by_name(name).expect("a metric of ours");
            let error = (scores[&metric] - expected).abs() / expected.abs().max(1.0);
            let tolerance = match metric {
                // See tests/nmr.rs and tests/peaq.rs.
                Metric::Nmr | Metric::PeaqOdg | Metric::TwoF => 1e-3,
                // f32 transforms on both sides, and logarithms of small bins: see tests/yardstick.rs.
                _ => 1e-4,
            };
            assert!(error < tolerance, "{name} at {rate}: {} instead of {expected}", scores[&metric]);
        }
        assert_eq!(scores.len(), expected.len());
    }
}
