//! Coding section by section is coding the whole: for every family, on a recording of several sections.

use crate::common::{codec, made_up_phases, named, rms, system, tensor};
use melisma_neural::Target;
use melisma_signal::Pcm;

/// Two sections and a half.
const SAMPLES: usize = 10_100;

/// Steps so fine that quantisation is far below what is looked for.
const FINE: Target = Target::Step(1.0 / 8192.0);

/// What the system makes of the whole recording at once.
fn whole(name: &str, sound: &[f32]) -> Vec<f32> {
    let config = crate::common::config(name);
    let (system, _) = system(&config, 1);
    let receptive_field = config.receptive_field();
    let mut padded = sound.to_vec();
    padded.resize(receptive_field.padded_samples(sound.len()), 0.0);
    let samples = padded.len();
    let latents = system.encode(tensor(&padded));
    assert_eq!(latents.dims()[1], receptive_field.latents(samples), "{name}");
    let frames = system.decode(latents);
    let [_, count, values] = frames.dims();
    let frames = frames.slice([0..1, 0..count.min(receptive_field.frames(samples)), 0..values]);
    let mut decoded: Vec<f32> = system.sound(frames, samples).into_data().to_vec().unwrap();
    decoded.truncate(sound.len());
    decoded
}

#[test]
fn sections_are_the_whole() {
    for (name, config) in named() {
        if made_up_phases(&config) {
            continue;
        }
        let sound = crate::common::sound(3, SAMPLES);
        let codec = codec(name);
        assert!(
            codec.model().section_latents() * config.receptive_field().latent_samples < SAMPLES / 2,
            "{name}"
        );
        let pcm = Pcm { sample_rate_hz: crate::common::RATE_HZ, channels: vec![sound.clone()] };
        let file = codec.encode(&codec.analyse(&pcm).unwrap(), FINE).unwrap();
        let found = codec.decode(&file).unwrap();
        assert_eq!(found.damage, [], "{name}");
        let (found, expected) = (&found.pcm.channels[0], whole(name, &sound));
        assert_eq!(found.len(), expected.len(), "{name}");
        // Steps 8192 times finer than those that add 5 % to the error, which random weights make as large as the input:
        // 1e-3 of the input at worst. A section whose margin was too short would be wrong by more of the output, unless that
        // is next to nothing.
        let loudness = rms(expected.iter().copied()).max(0.1 * rms(sound.iter().copied()));
        let worst = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(f64::from(worst) < 3e-3 * loudness, "{name}: {worst} of {loudness}");
    }
}

/// Shortest-time differences: a click stands out of them.
fn steepest(sound: &[f32]) -> f32 {
    sound.windows(3).map(|n| (n[0] - 2.0 * n[1] + n[2]).abs()).fold(0.0, f32::max)
}

#[test]
fn made_up_phases_have_no_seams() {
    for (name, config) in named().into_iter().filter(|(_, config)| made_up_phases(config)) {
        let sound = crate::common::sound(3, SAMPLES);
        let codec = codec(name);
        let pcm = Pcm { sample_rate_hz: crate::common::RATE_HZ, channels: vec![sound.clone()] };
        let file = codec.encode(&codec.analyse(&pcm).unwrap(), FINE).unwrap();
        let found = codec.decode(&file).unwrap().pcm.channels.remove(0);
        assert_eq!(codec.decode(&file).unwrap().pcm.channels[0], found, "{name}: not the same twice");
        let expected = whole(name, &sound);
        // The magnitudes of both are about as far from each other as those of two runs of the iteration: compared in the
        // loudness of windows of 64 samples around the seams and elsewhere.
        let section = codec.model().section_latents() * config.receptive_field().latent_samples;
        let loudness = |sound: &[f32], at: usize| rms(sound[at - 32..at + 32].iter().copied());
        let ratio = |at: usize| loudness(&found, at) / loudness(&expected, at);
        let elsewhere: Vec<f64> = (1..100).map(|i| ratio(i * 100)).collect();
        let spread = elsewhere.iter().map(|ratio| ratio.ln().abs()).fold(0.0, f64::max);
        for seam in (1..=2).map(|index| index * section) {
            assert!(
                ratio(seam).ln().abs() <= spread,
                "{name}: {} at {seam}, elsewhere {spread}",
                ratio(seam)
            );
            let (around, all) = (steepest(&found[seam - 40..seam + 60]), steepest(&expected));
            assert!(around < 1.5 * all, "{name}: a click of {around} at {seam}, elsewhere {all}");
        }
    }
}

#[test]
fn blocks_of_any_size_give_the_same() {
    let codec = codec("freq-ae-plus");
    let pcm = crate::common::stereo(6001);
    let whole = codec.encode(&codec.analyse(&pcm).unwrap(), Target::Step(1.0)).unwrap();
    for size in [1, 7, 999, 6001] {
        let mut analysis = codec.analysis(pcm.sample_rate_hz, 2).unwrap();
        for begin in (0..pcm.samples()).step_by(size) {
            let end = (begin + size).min(pcm.samples());
            let channels = pcm.channels.iter().map(|channel| channel[begin..end].to_vec()).collect();
            analysis.push(&Pcm { sample_rate_hz: pcm.sample_rate_hz, channels }).unwrap();
        }
        let file = codec.encode(&analysis.finish().unwrap(), Target::Step(1.0)).unwrap();
        assert_eq!(file, whole, "{size}");
    }
    let (mut playback, mut joined) = (codec.playback(&whole).unwrap(), Pcm::empty(crate::common::RATE_HZ, 2));
    while let Some(block) = playback.next_block().unwrap() {
        joined.append(&block);
    }
    assert_eq!(joined, codec.decode(&whole).unwrap().pcm);
    for sample in [0, 1, 3999, 4000, 4001, 6000, 6001, 9999] {
        let mut playback = codec.playback(&whole).unwrap();
        playback.skip_to(sample);
        let mut rest = Pcm::empty(crate::common::RATE_HZ, 2);
        while let Some(block) = playback.next_block().unwrap() {
            rest.append(&block);
        }
        let expected = &joined.channels[1][(sample as usize).min(6001)..];
        assert_eq!(rest.channels[1], expected, "{sample}");
    }
}
