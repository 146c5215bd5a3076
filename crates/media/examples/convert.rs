//! Any readable file to WAV or FLAC, by the output's extension: `convert INPUT OUTPUT`.

use melisma_media::{AudioSink, AudioSource, Encoding, Input, OpenOptions, Output, SinkOptions};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [input, output] = arguments.as_slice() else { return Err("usage: convert INPUT OUTPUT".into()) };
    let mut source =
        AudioSource::open(&Input::from_argument(input), &OpenOptions::default().with_downmix(true))?;
    let flac = output.to_string_lossy().ends_with(".flac");
    let encoding = if flac { Encoding::FlacInt16 } else { Encoding::WavInt16 };
    let mut options = SinkOptions::new(encoding, source.sample_rate_hz(), source.channel_count());
    options.metadata = source.metadata().clone();
    options.total_samples = source.total_samples();
    options.overwrite = true;
    let mut sink = AudioSink::create(&Output::Path(output.into()), &options)?;
    while let Some(block) = source.next_block()? {
        sink.write(&block)?;
    }
    Ok(sink.finish()?)
}
