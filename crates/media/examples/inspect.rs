//! What this crate makes of a file: `inspect FILE [REFERENCE]`.
//!
//! Prints format, length, tags, warnings and decoding speed; with a reference (the uncoded
//! original), also the length difference, the lag of the best correlation, and the SNR.

use std::time::Instant;

use melisma_media::{AudioSource, Input, OpenOptions};
use melisma_signal::Pcm;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [file, reference @ ..] = arguments.as_slice() else {
        return Err("usage: inspect FILE [REFERENCE]".into());
    };
    let options = OpenOptions::default().with_downmix(true);
    let start = Instant::now();
    let mut source = AudioSource::open(&Input::from_argument(file), &options)?;
    let stated = source.total_samples();
    let mut kept = Pcm::empty(source.sample_rate_hz(), source.channel_count());
    let (mut samples, mut peak, mut largest_block) = (0u64, 0f32, 0);
    while let Some(block) = source.next_block()? {
        samples += block.samples() as u64;
        largest_block = largest_block.max(block.samples());
        peak = block.channels.iter().flatten().fold(peak, |peak, x| peak.max(x.abs()));
        if !reference.is_empty() {
            kept.append(&block);
        }
    }
    let elapsed = start.elapsed().as_secs_f64();
    let seconds = samples as f64 / f64::from(source.sample_rate_hz());
    print!(
        "{}: {} Hz x{} {samples} samples (stated {stated:?}) peak {peak:.3} blocks<={largest_block} {:.0}x",
        file.to_string_lossy(),
        source.sample_rate_hz(),
        source.channel_count(),
        seconds / elapsed
    );
    if let [reference, ..] = reference {
        let original = AudioSource::open(&Input::from_argument(reference), &options)?.read_to_end()?;
        let (lag, snr) = align(&kept.channels[0], &original.channels[0]);
        print!(" difference {} lag {lag} snr {snr:.1} dB", samples as i64 - original.samples() as i64);
    }
    println!(" damaged {} {:?}", source.decode_errors(), source.warnings());
    for (key, value) in &source.metadata().tags {
        println!("  {key}={value}");
    }
    if let Some(picture) = &source.metadata().picture {
        println!("  cover {} {} bytes", picture.mime, picture.data.len());
    }
    Ok(())
}

/// Lag within +-3000 samples of the largest correlation, and the SNR at lag 0.
fn align(decoded: &[f32], original: &[f32]) -> (i64, f64) {
    let at =
        |signal: &[f32], n: i64| usize::try_from(n).ok().and_then(|n| signal.get(n)).copied().unwrap_or(0.0);
    let span = original.len().min(20_000) as i64;
    let correlation =
        |lag: i64| (0..span).map(|n| f64::from(at(decoded, n + lag) * at(original, n))).sum::<f64>();
    let lag = (-3000..=3000)
        .map(|lag| (correlation(lag), lag))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map_or(0, |(_, lag)| lag);
    let (mut signal, mut noise) = (0.0, 1e-30);
    for (x, y) in original.iter().zip(decoded) {
        signal += f64::from(x * x);
        noise += f64::from((x - y) * (x - y));
    }
    (lag, 10.0 * (signal / noise).log10())
}
