//! Files of trained networks: what any build says of them, and what a build with networks does with them.

mod common;
use common::Desk;
use melisma_codec::latent::{Header, ModelHash, Tables, encode_section, write_file};
use melisma_signal::Metadata;

/// Two sections of a model that does not exist.
fn orphan() -> Vec<u8> {
    let header = Header {
        sample_rate_hz: 16_000,
        original: Some((44_100, 27_563)),
        channel_count: 2,
        sequence_count: 2,
        total_samples: 10_000,
        system: "time-ae".to_owned(),
        model: ModelHash([0xAB; 16]),
        latent_samples: 256,
        latent_channels: 3,
        section_latents: 20,
        total_latents: 39,
    };
    let sections: Vec<Vec<u8>> = [20, 19]
        .into_iter()
        .enumerate()
        .map(|(index, latents)| {
            let symbols: Vec<i32> = (0..latents * 3).map(|i| i * i % 7 - 3).collect();
            encode_section(&Tables::blank(3), index as u64, 544, &[&symbols, &symbols])
        })
        .collect();
    let tags = Metadata { tags: vec![("TITLE".to_owned(), "Orphan".to_owned())], picture: None };
    write_file(&header, &tags, None, &sections)
}

const ID: &str = "abababababababababababababababab";

#[test]
fn info_needs_no_model() {
    let desk = Desk::new();
    desk.write("o.mlsm", &orphan());
    let text = desk.run(&["info", "o.mlsm"]).ends(0).text();
    for part in
        ["time-ae", ID, "0:00.625 (10000 samples)", "from 44100 Hz, stereo", "2.000 times", "TITLE=Orphan"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
    let json: serde_json::Value =
        serde_json::from_str(&desk.run(&["info", "--json", "o.mlsm"]).ends(0).text()).unwrap();
    assert_eq!((json["format_version"].as_u64(), json["model_id"].as_str()), (Some(2), Some(ID)));
    assert_eq!((json["samples"].as_u64(), json["damage"].as_array().map(Vec::len)), (Some(10_000), Some(0)));
    assert_eq!(desk.pipe(&["info", "-"], &orphan()).ends(0).text().replace("-\n", "o.mlsm\n"), text);

    // Without its beginning, and cut off.
    let mut damaged = orphan();
    damaged[..5].fill(0);
    desk.write("d.mlsm", &damaged);
    assert!(desk.run(&["info", "d.mlsm"]).ends(3).text().contains("damaged"));
    desk.write("c.mlsm", &orphan()[..150]);
    assert!(desk.run(&["info", "c.mlsm"]).ends(3).text().contains("incomplete"));
}

#[test]
fn without_the_model_checksums_are_verified_and_decoding_says_what_is_missing() {
    let desk = Desk::new();
    desk.write("o.mlsm", &orphan());
    let ok = desk.run(&["verify", "o.mlsm"]).ends(0).text();
    assert!(ok.contains("ok") && ok.contains("checksums only") && ok.contains(ID), "{ok}");
    let mut damaged = orphan();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    desk.write("d.mlsm", &damaged);
    let faulty = desk.run(&["verify", "d.mlsm"]).ends(1).text();
    assert!(faulty.contains("FAULTY") && faulty.contains("silent from"), "{faulty}");

    for run in [
        desk.run(&["decode", "o.mlsm"]).ends(1),
        desk.pipe(&["decode", "-", "-o", "x.wav"], &orphan()).ends(1),
    ] {
        for part in ["time-ae", ID, "hint:", "--model"] {
            assert!(run.stderr.contains(part), "{part} in {}", run.stderr);
        }
    }
    assert_eq!(desk.files(), ["d.mlsm", "o.mlsm"]);
}

#[cfg(not(feature = "train"))]
#[test]
fn a_build_without_networks_says_how_to_get_one() {
    let desk = Desk::new();
    desk.wav("m.wav", &common::music(8000, 0.1));
    let run = desk.run(&["encode", "m.wav", "--model", "somewhere"]).ends(1);
    assert!(run.stderr.contains("--features train"), "{}", run.stderr);
    desk.write("o.mlsm", &orphan());
    assert!(desk.run(&["decode", "o.mlsm"]).ends(1).stderr.contains("--features train"));
    let run = desk.run(&["bench", "m.wav", "--model", "somewhere"]).ends(1);
    assert!(run.stderr.contains("--features train"), "{}", run.stderr);
}

#[test]
fn flags_that_contradict_each_other() {
    let desk = Desk::new();
    for wrong in [
        &["encode", "m.wav", "--step", "2"] as &[&str],
        &["encode", "m.wav", "--system", "time-ae"],
        &["encode", "m.wav", "--model", "x", "--quality", "3"],
        &["encode", "m.wav", "--model", "x", "--size", "1MB"],
        &["encode", "m.wav", "--model", "x", "--tune", "mse"],
        &["encode", "m.wav", "--model", "x", "--step", "2", "--bitrate", "8k"],
        &["encode", "m.wav", "--model", "x", "--step", "0"],
    ] {
        desk.run(wrong).ends(2);
    }
}

#[cfg(feature = "train")]
mod with_networks {
    use super::common::{Desk, music};
    use super::orphan;
    use melisma_nets::{
        bottleneck::BottleneckConfig,
        device::Cpu,
        frames::{FramesConfig, FramesKind, Standardise},
        networks::{Activation, DenseAeConfig, NetworkConfig},
        pca::Covariance,
        statistics::Statistics,
        stft::StftConfig,
        system::SystemConfig,
    };
    use melisma_neural::{ModelConfig, NeuralModel};
    use melisma_signal::Pcm;

    /// Principal components of the music, at 8 kHz: the one network that needs no training.
    fn model(desk: &Desk, folder: &str, latents: usize) -> String {
        let frames = FramesConfig {
            kind: FramesKind::Complex,
            stft: StftConfig { fft_samples: 64, hop_samples: 32 },
            standardise: Standardise::Nothing,
        };
        let dense = DenseAeConfig { latents, hidden: vec![], activation: Activation::Identity };
        let system = SystemConfig {
            frames,
            network: NetworkConfig::Dense(dense),
            bottleneck: BottleneckConfig::default(),
            corruption: Default::default(),
        };
        let device = Default::default();
        let clips = music(8000, 3.0).channels;
        let network = system.init::<Cpu>(&Statistics::default(), 1, &device).unwrap();
        let mut covariance = Covariance::new(frames.values()).unwrap();
        for clip in &clips {
            let data = melisma_nets::burn::tensor::TensorData::new(clip.clone(), [1, clip.len()]);
            let sound = melisma_nets::burn::tensor::Tensor::<Cpu, 2>::from_data(data, &device);
            covariance.push(&network.modelled(sound).into_data().to_vec::<f32>().unwrap());
        }
        let network = network.with_components(&covariance.components().unwrap()).unwrap();
        let config = ModelConfig {
            name: "linear".to_owned(),
            description: "Principal components.".to_owned(),
            sample_rate_hz: 8000,
            system,
            trained_on: "a sweep and castanets".to_owned(),
        };
        let model = NeuralModel::fit(config, &network, &Statistics::default(), &clips, &device).unwrap();
        model.write(&desk.path(folder)).unwrap();
        model.id().to_string()
    }

    fn size(desk: &Desk, name: &str) -> f64 {
        desk.read(name).len() as f64
    }

    #[test]
    fn there_and_back() {
        let desk = Desk::new();
        let id = model(&desk, "models/small", 40);
        model(&desk, "models/other", 20);
        let (seconds, samples) = (5.0, 220_500);
        desk.wav("m.wav", &music(44_100, seconds));
        desk.run(&["encode", "m.wav", "--model", "models/small", "--system", "linear"]).ends(0);
        let info = desk.run(&["info", "m.mlsm"]).ends(0).text();
        assert!(info.contains(&id) && info.contains("from 44100 Hz"), "{info}");
        desk.run(&["encode", "m.wav", "--model", "models/small", "--system", "time-ae", "-o", "x.mlsm"])
            .ends(1);

        // By its folder, by a folder of models, by the environment.
        desk.run(&["decode", "m.mlsm", "--model", "models/small", "-o", "a.wav"]).ends(0);
        desk.run(&["decode", "m.mlsm", "--model", "models", "-o", "b.wav", "--original-rate"]).ends(0);
        let ended = desk
            .command(&["decode", "m.mlsm", "-o", "c.flac"])
            .env("MELISMA_MODELS", desk.path("models"))
            .output()
            .unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        let wrong = desk.run(&["decode", "m.mlsm", "--model", "models/other", "-o", "d.wav"]).ends(1);
        assert!(wrong.stderr.contains(&id), "{}", wrong.stderr);
        desk.write("orphan.mlsm", &orphan());
        desk.run(&["decode", "orphan.mlsm", "--model", "models/small"]).ends(1);

        let decoded = desk.load("a.wav");
        assert_eq!((decoded.sample_rate_hz, decoded.samples(), decoded.channel_count()), (8000, 40_000, 2));
        assert!(desk.load("c.flac") == decoded);
        let original = desk.load("b.wav");
        assert_eq!((original.sample_rate_hz, original.samples()), (44_100, samples));

        desk.run(&[
            "decode",
            "m.mlsm",
            "--model",
            "models",
            "--start",
            "1.5",
            "--duration",
            "2",
            "-o",
            "p.wav",
        ])
        .ends(0);
        let expected = Pcm {
            sample_rate_hz: 8000,
            channels: decoded.channels.iter().map(|channel| channel[12_000..28_000].to_vec()).collect(),
        };
        assert!(desk.load("p.wav") == expected);

        let verified = desk.run(&["verify", "m.mlsm", "--model", "models"]).ends(0).text();
        assert!(verified.contains(&format!("model {id}")), "{verified}");
        let compared =
            desk.run(&["verify", "m.mlsm", "--model", "models", "--against", "m.wav"]).ends(0).text();
        assert!(compared.contains("as long as the original") && compared.contains("SNR"), "{compared}");
    }

    #[test]
    fn rates() {
        let desk = Desk::new();
        model(&desk, "model", 40);
        let seconds = 6.0;
        desk.wav("m.wav", &music(8000, seconds));
        let encode = |arguments: &[&str]| {
            let mut all = vec!["encode", "m.wav", "-o", "m.mlsm", "--force", "--model", "model"];
            all.extend(arguments);
            desk.run(&all).ends(0);
            size(&desk, "m.mlsm") * 8.0 / seconds
        };
        let (fine, coarse) = (encode(&["--step", "0.5"]), encode(&["--step", "8"]));
        assert!(fine > 1.5 * coarse, "{fine} {coarse}");
        let wanted = (fine + coarse) / 2.0;
        let found = encode(&["--bitrate", &format!("{wanted:.0}")]);
        assert!(found <= wanted && found > 0.97 * wanted, "{found} for {wanted}");
        // From a pipe, to a pipe.
        let piped = desk
            .pipe(&["encode", "-", "--model", "model", "--step", "8"], &desk.read("m.wav"))
            .ends(0)
            .stdout;
        encode(&["--step", "8"]);
        assert!(piped == desk.read("m.mlsm"));
        let wav = desk.pipe(&["decode", "-", "--model", "model"], &piped).ends(0).stdout;
        desk.write("piped.wav", &wav);
        assert_eq!(desk.load("piped.wav").samples(), 48_000);
        // Damage is told.
        let mut damaged = piped;
        let middle = damaged.len() / 2;
        damaged[middle] ^= 1;
        desk.write("d.mlsm", &damaged);
        let told = desk.run(&["decode", "d.mlsm", "--model", "model"]).ends(3);
        assert!(told.stderr.contains("silent from"), "{}", told.stderr);
        assert_eq!(desk.load("d.wav").samples(), 48_000);
    }

    #[test]
    fn measured_beside_other_codecs() {
        let desk = Desk::new();
        model(&desk, "model", 40);
        desk.wav("m.wav", &music(8000, 4.0));
        let codecs = ["--codecs", "downsample", "--model", "model", "--rates", "8,16"];
        let words = [&["bench", "m.wav", "--track", "study", "-o", "out"], &codecs[..]].concat();
        desk.run(&words).ends(0);
        let results: serde_json::Value = serde_json::from_slice(&desk.read("out/results.json")).unwrap();
        let figures = |codec: &str| -> Vec<(f64, f64)> {
            let rows = results["rows"].as_array().unwrap().iter().filter(|row| row["codec"] == codec);
            let figure = |row: &serde_json::Value| {
                (row["kbps"].as_f64().unwrap(), row["metrics"]["study_cplx_8k"].as_f64().unwrap())
            };
            let mut found: Vec<(f64, f64)> = rows.map(figure).collect();
            found.sort_by(|a, b| a.0.total_cmp(&b.0));
            found
        };
        let (ours, theirs) = (figures("linear"), figures("downsample"));
        assert_eq!((ours.len(), theirs.len()), (2, 2));
        for ((kbps, error), wanted) in ours.iter().zip([8.0, 16.0]) {
            assert!(*kbps <= wanted && *kbps > 0.8 * wanted, "{kbps} for {wanted}");
            assert!(*error > 0.0 && *error < 2.0, "{error}");
        }
        assert!(ours[1].1 < ours[0].1, "{ours:?}");
    }
}
