//! How fast crops come out of the cache: `cargo run --release -p melisma-data --example crops -- MANIFEST CACHE`.
//!
//! Prints, for batches without and with each kind of variation, crops and seconds of music per second on one thread.

use melisma_data::augment::{Augment, Eq, Gain, Mix, Pitch, Swap};
use melisma_data::{Cache, CropConfig, CropSource, Manifest, Split};
use std::path::Path;
use std::time::Instant;

/// 64 GB: a bound for an experiment.
const LIMIT_BYTES: u64 = 64_000_000_000;
const BATCHES: u64 = 60;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(manifest), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err("give a manifest and a folder for the cache".into());
    };
    let manifest = Manifest::read(Path::new(&manifest))?;
    let cache = Cache::new(folder, LIMIT_BYTES);
    let none = Augment::default();
    let kinds = [
        ("none", none.clone()),
        ("gain", Augment { gain: Gain { probability: 1.0, ..Gain::default() }, ..none.clone() }),
        ("mix", Augment { mix: Mix { probability: 1.0, ..Mix::default() }, ..none.clone() }),
        ("eq", Augment { eq: Eq { probability: 1.0, ..Eq::default() }, ..none.clone() }),
        ("pitch", Augment { pitch: Pitch { probability: 1.0, ..Pitch::default() }, ..none.clone() }),
        ("swap", Augment { swap: Swap { probability: 1.0 }, ..none }),
    ];
    for (name, augment) in kinds {
        let config = CropConfig { augment, ..CropConfig::default() };
        let start = Instant::now();
        let (source, prepared) = CropSource::open(&manifest, Split::Train, &config, &cache, 1, &|_| ())?;
        if prepared.decoded > 0 {
            println!("{} clips decoded in {:.1} s", prepared.decoded, start.elapsed().as_secs_f64());
        }
        let start = Instant::now();
        for number in 0..BATCHES {
            source.batch(number)?;
        }
        let seconds = start.elapsed().as_secs_f64();
        let crops = BATCHES as f64 * config.batch_size as f64;
        let music = crops * config.crop_samples as f64 / f64::from(config.sample_rate_hz);
        println!("{name:<6} {:>7.0} crops/s {:>7.0} x real time", crops / seconds, music / seconds);
    }
    Ok(())
}
