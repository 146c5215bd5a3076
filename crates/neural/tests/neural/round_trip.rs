//! Files of any length, rate and channel count; rates met; tags kept; contradictions refused.

use crate::common::{codec, config, model_of, mono, named, stereo};
use melisma_codec::inspect;
use melisma_neural::{Error, NeuralCodec, Target};
use melisma_signal::{Loudness, Metadata, Pcm, Picture};

#[test]
fn every_length_is_exact_in_every_family() {
    for (name, config) in named() {
        let codec = codec(name);
        let step = config.receptive_field().latent_samples;
        for samples in [0, 1, 2, step - 1, step, step + 1, 2 * step, 1000, 4000, 4001, 4033] {
            for pcm in [mono(samples), stereo(samples)] {
                let file = codec.encode(&codec.analyse(&pcm).unwrap(), Target::Step(1.0)).unwrap();
                let decoded = codec.decode(&file).unwrap();
                assert_eq!(decoded.damage, [], "{name}, {samples}");
                let found = (decoded.pcm.channel_count(), decoded.pcm.samples());
                assert_eq!(found, (pcm.channel_count(), samples), "{name}");
                assert!(decoded.pcm.channels.iter().flatten().all(|sample| sample.is_finite()), "{name}");
            }
        }
    }
}

#[test]
fn every_rate_comes_back_in_its_length() {
    let codec = codec("linear");
    for rate_hz in [700, 1000, 1001, 8000, 44_100] {
        for samples in [0, 1, 2, 4999] {
            let pcm = Pcm { sample_rate_hz: rate_hz, channels: vec![crate::common::sound(1, samples)] };
            let file = codec.encode(&codec.analyse(&pcm).unwrap(), Target::Step(1.0)).unwrap();
            let decoded = codec.decode(&file).unwrap();
            assert_eq!(decoded.pcm.samples(), (samples * 1000).div_ceil(rate_hz as usize), "{rate_hz}");
            let back = decoded.at_original_rate().unwrap();
            assert_eq!((back.sample_rate_hz, back.samples()), (rate_hz, samples));
        }
    }
}

#[test]
fn better_than_nothing() {
    // Principal components of the frames would be best; random weights are only asked for what survives of loudness, in
    // a system whose output is far from silence.
    let codec = codec("time-ae-plus");
    let pcm = stereo(9000);
    let coarse = codec.encode(&codec.analyse(&pcm).unwrap(), Target::Step(4.0)).unwrap();
    let fine = codec.encode(&codec.analyse(&pcm).unwrap(), Target::Step(0.25)).unwrap();
    let limit =
        codec.decode(&codec.encode(&codec.analyse(&pcm).unwrap(), Target::Step(1e-3)).unwrap()).unwrap();
    let distance = |file: &[u8]| {
        let pcm = codec.decode(file).unwrap().pcm;
        let all = pcm.channels.iter().flatten().zip(limit.pcm.channels.iter().flatten());
        crate::common::rms(all.map(|(a, b)| a - b))
    };
    assert!(coarse.len() < fine.len());
    assert!(distance(&fine) < 0.3 * distance(&coarse), "{} {}", distance(&fine), distance(&coarse));
}

#[test]
fn equal_channels_cost_once() {
    let codec = codec("freq-ae");
    let one = mono(9000);
    let two = Pcm { channels: vec![one.channels[0].clone(), one.channels[0].clone()], ..one.clone() };
    let encode = |pcm: &Pcm| codec.encode(&codec.analyse(pcm).unwrap(), Target::Step(1.0)).unwrap();
    let (mono, stereo) = (encode(&one), encode(&two));
    assert_eq!(mono.len(), stereo.len());
    let decoded = codec.decode(&stereo).unwrap().pcm;
    assert_eq!(decoded.channels[0], decoded.channels[1]);
    assert_eq!(decoded.channels[0], codec.decode(&mono).unwrap().pcm.channels[0]);
    let silent = Pcm { channels: vec![vec![f32::NAN; 5000]; 2], ..one };
    assert!(encode(&silent).len() < mono.len());
}

#[test]
fn bitrates_are_met_and_not_exceeded() {
    for (name, _) in named() {
        let codec = codec(name);
        let analysed = codec.analyse(&mono(12_000)).unwrap();
        let bitrate = |file: &[u8]| file.len() as f64 * 8.0 / analysed.seconds();
        let of = |multiplier| bitrate(&codec.encode(&analysed, Target::Step(multiplier)).unwrap());
        let (most, least) = (of(1.0 / 64.0), of(64.0));
        for share in [0.2, 0.5, 0.9] {
            let wanted = least + share * (most - least);
            let found = bitrate(&codec.encode(&analysed, Target::BitrateBps(wanted)).unwrap());
            // A step of 1/32 octave is worth 1/32 bit a value at most: of 750 latents of 6 in 12 s, 12 bit/s.
            let granularity = analysed.samples() as f64 / 16.0 * 6.0 / 32.0 / analysed.seconds();
            assert!(found <= wanted && found > 0.97 * wanted - granularity, "{name}: {found} for {wanted}");
        }
        let impossible = bitrate(&codec.encode(&analysed, Target::BitrateBps(1.0)).unwrap());
        assert!(impossible > 1.0 && impossible <= least, "{name}");
    }
}

#[test]
fn tags_are_kept_and_not_counted() {
    let codec = codec("time-ae");
    let mut analysed = codec.analyse(&stereo(5000)).unwrap();
    let bare = codec.encode(&analysed, Target::BitrateBps(3000.0)).unwrap();
    analysed.metadata = Metadata {
        tags: vec![("TITLE".into(), "Ärger".into())],
        picture: Some(Picture { mime: "image/png".into(), data: vec![9; 5000] }),
    };
    analysed.loudness = Some(Loudness { integrated_lufs: -20.0, true_peak: 0.5 });
    let tagged = codec.encode(&analysed, Target::BitrateBps(3000.0)).unwrap();
    let decoded = codec.decode(&tagged).unwrap();
    assert_eq!((decoded.header.metadata, decoded.loudness), (analysed.metadata, analysed.loudness));
    // But for the loudness, which is a few bytes.
    let steps = |file: &[u8]| inspect(file).unwrap().sections[0].step_index;
    assert!(steps(&tagged).abs_diff(steps(&bare)) <= 2);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let codec = codec("linear");
    let many = Pcm { sample_rate_hz: 1000, channels: vec![vec![0.0; 10]; 3] };
    assert!(matches!(codec.analyse(&many), Err(Error::Unsupported { .. })));
    let none = Pcm { sample_rate_hz: 1000, channels: vec![] };
    assert!(matches!(codec.analyse(&none), Err(Error::Unsupported { .. })));
    assert!(matches!(codec.analyse(&Pcm { sample_rate_hz: 0, ..mono(3) }), Err(Error::Resample(_))));
    let analysed = codec.analyse(&mono(100)).unwrap();
    for number in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        for target in [Target::Step(number), Target::BitrateBps(number)] {
            assert!(matches!(codec.encode(&analysed, target), Err(Error::Unsupported { .. })), "{target:?}");
        }
    }
}

#[test]
fn another_model_is_refused_by_name() {
    let codec = codec("linear");
    let other = NeuralCodec::new(model_of("linear", &config("linear"), 2)).unwrap();
    let file = codec.encode(&codec.analyse(&mono(3000)).unwrap(), Target::Step(1.0)).unwrap();
    let refused = other.decode(&file).unwrap_err();
    let text = refused.to_string();
    assert!(matches!(refused, Error::WrongModel { .. }));
    for id in [codec.model().id(), other.model().id()] {
        assert!(text.contains(&id.to_string()), "{text}");
    }
    let analysed = codec.analyse(&mono(100)).unwrap();
    assert!(matches!(other.encode(&analysed, Target::Step(1.0)), Err(Error::WrongModel { .. })));
}
