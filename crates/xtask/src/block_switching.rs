//! What block switching brings on castanets: the same bitrates with and without short blocks, as a table on stdout.
//!
//! Pre-echo is the energy of the error in the 20 ms before each stroke, against that of the stroke itself.

use melisma_codec::{EncoderConfig, RateTarget, Tune, decode, encode};
use melisma_eval::{Metric, Reference};
use melisma_signal::{Metadata, Pcm};
use melisma_synth::signals;

const SAMPLE_RATE_HZ: u32 = 44_100;
const SECONDS: f64 = 12.0;

/// Codes the castanets at each rate with and without short blocks, and prints the table.
pub fn run() -> anyhow::Result<()> {
    let pcm = signals::castanets(SAMPLE_RATE_HZ, SECONDS);
    let reference = Reference::new(pcm.clone());
    println!("{SECONDS} s of synthesised castanets, 44.1 kHz, `--tune music`.\n");
    println!("| kbit/s | blocks | SI-SDR dB | mel L1 | pre-echo dB |\n|---|---|---|---|---|");
    for kbps in [16, 32, 64, 96] {
        for (blocks, block_switching) in [("switched", true), ("long only", false)] {
            let mut config = EncoderConfig::default();
            config.tune = Tune::Music;
            config.rate = RateTarget::Bitrate(kbps * 1000);
            config.block_switching = block_switching;
            let file = encode(&pcm, &config, &Metadata::default())?;
            let decoded = decode(&file)?.pcm;
            let scores = reference.score(&decoded.channels);
            println!(
                "| {:.1} | {blocks} | {:.1} | {:.3} | {:.1} |",
                file.len() as f64 * 8e-3 / pcm.seconds(),
                scores.get(&Metric::SiSdr).copied().unwrap_or(f64::NAN),
                scores.get(&Metric::MelL1).copied().unwrap_or(f64::NAN),
                pre_echo_db(&pcm, &decoded),
            );
        }
    }
    println!("\nMade by `cargo run --release -p xtask -- block-switching`.");
    Ok(())
}

/// Error in the 20 ms before each stroke over the stroke's first 20 ms, in dB; strokes are where 5 ms are 20 dB louder
/// than the 20 ms before.
fn pre_echo_db(reference: &Pcm, decoded: &Pcm) -> f64 {
    let (x, y) = (&reference.channels[0], &decoded.channels[0]);
    let (before, attack) = (SAMPLE_RATE_HZ as usize / 50, SAMPLE_RATE_HZ as usize / 200);
    let energy = |samples: &[f32]| samples.iter().map(|&s| f64::from(s) * f64::from(s)).sum::<f64>();
    let (mut echo, mut strokes) = (0.0, 0.0);
    let mut at = before;
    while at + before < x.len() {
        let (quiet, loud) = (energy(&x[at - before..at]) / 4.0, energy(&x[at..at + attack]));
        if loud > 1e-3 && loud > 100.0 * quiet {
            echo += (at - before..at).map(|i| f64::from(x[i] - y[i]).powi(2)).sum::<f64>();
            strokes += energy(&x[at..at + before]);
            at += before;
        } else {
            at += 1 + attack / 8;
        }
    }
    10.0 * ((echo + 1e-12) / (strokes + 1e-12)).log10()
}
