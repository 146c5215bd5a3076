//! Writes the demo piece as headerless 32-bit float, left and right interleaved, to stdout:
//! `cargo run --release -p melisma-synth --example render -- 44100 | ffmpeg -f f32le -ar 44100 -ac 2 -i - demo.wav`

use std::io::Write;

fn main() -> std::io::Result<()> {
    let sample_rate_hz = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(44_100);
    let piece = melisma_synth::demo_piece(sample_rate_hz);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for index in 0..piece.samples() {
        for channel in &piece.channels {
            out.write_all(&channel[index].to_le_bytes())?;
        }
    }
    out.flush()
}
