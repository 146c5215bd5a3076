//! Writes the test signal as a WAV file: `fixture_signal RATE CHANNELS SAMPLES FILE`.

#[path = "../tests/common/signal.rs"]
mod signal;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [rate, channels, samples, file] = arguments.as_slice() else {
        return Err("usage: fixture_signal RATE CHANNELS SAMPLES FILE".into());
    };
    let rate = rate.parse()?;
    let pcm = signal::synthesise(rate, channels.parse()?, samples.parse()?);
    Ok(std::fs::write(file, signal::wav16(rate, &pcm))?)
}
