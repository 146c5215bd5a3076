//! `melisma demo`: the codec at work in half a minute, with no file needed.

use crate::exit::Outcome;
use crate::output::{ByteSink, DataOut, Target, make_folder};
use crate::{examples, message, text};
use melisma_codec::{Encoder, EncoderConfig, RateTarget, StreamFormat, decode};
use melisma_media::{AudioSink, Encoding, LoudnessMeter, Output, SinkOptions};
use melisma_signal::{Metadata, Pcm};
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Flags of `demo`.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::DEMO)]
pub struct DemoArguments {
    /// Where to put the files; those of an earlier demo are replaced
    #[arg(short, long, value_name = "DIR", default_value = "melisma-demo")]
    output: PathBuf,
    /// One JSON object a file instead of the table, for programs
    #[arg(long)]
    json: bool,
}

const SAMPLE_RATE_HZ: u32 = 44_100;
/// From a sketch to nearly transparent.
const BITRATES_BPS: [u32; 4] = [12_000, 24_000, 48_000, 96_000];

/// One line of the table.
struct Row {
    file: String,
    bytes: u64,
    seconds: f64,
    snr_db: f64,
    encode_speed: f64,
    decode_speed: f64,
}

impl DemoArguments {
    /// Renders, encodes, decodes, tells.
    pub fn run(self, quiet: bool) -> anyhow::Result<Outcome> {
        let say = |text: &str| {
            if !quiet && !self.json {
                message::say(text);
            }
        };
        say("Rendering a piece of music: guitars, strings, bass, a voice, drums and castanets ...");
        let music = melisma_synth::demo_piece(SAMPLE_RATE_HZ);
        let pcm_bytes = (music.samples() * music.channel_count() * 2) as u64;
        let metadata = Metadata {
            tags: [("TITLE", "Melisma"), ("ARTIST", "melisma demo"), ("GENRE", "Synthesised")]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .to_vec(),
            picture: None,
        };
        write_wav(&self.output.join("melisma-demo-original.wav"), &music, &metadata)?;
        say(&format!(
            "  {} of stereo, {} as 16-bit PCM.\nEncoding it at four rates, and decoding it again ...\n",
            text::clock(music.seconds()),
            text::bytes(pcm_bytes)
        ));

        let mut table = format!(
            "{:<22} {:>9} {:>12} {:>8} {:>8} {:>7} {:>7}\n",
            "file", "size", "rate", "smaller", "SNR", "encode", "decode"
        );
        for bitrate_bps in BITRATES_BPS {
            let row = trial(&music, bitrate_bps, &metadata, &self.output)?;
            if self.json {
                let facts = json!({
                    "file": self.output.join(&row.file).display().to_string(),
                    "bytes": row.bytes,
                    "seconds": row.seconds,
                    "bitrate_bps": text::bitrate_bps(row.bytes, row.seconds),
                    "pcm_bytes": pcm_bytes,
                    "snr_db": row.snr_db,
                    "encode_speed": row.encode_speed,
                    "decode_speed": row.decode_speed,
                });
                writeln!(DataOut, "{facts}")?;
                continue;
            }
            table += &format!(
                "{:<22} {:>9} {:>5.1} kbit/s {:>7.1}x {:>5.1} dB {:>6.0}x {:>6.0}x\n",
                row.file,
                text::bytes(row.bytes),
                text::bitrate_bps(row.bytes, row.seconds) / 1000.0,
                pcm_bytes as f64 / row.bytes as f64,
                row.snr_db,
                row.encode_speed,
                row.decode_speed
            );
        }
        if !self.json {
            DataOut.write_all(table.as_bytes())?;
        }
        DataOut.flush()?;
        say(&epilogue(&self.output));
        Ok(Outcome::Success)
    }
}

fn trial(music: &Pcm, bitrate_bps: u32, metadata: &Metadata, folder: &Path) -> anyhow::Result<Row> {
    let start = Instant::now();
    let file = encode(music, bitrate_bps, metadata)?;
    let encode_seconds = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let decoded = decode(&file)?;
    let decode_seconds = start.elapsed().as_secs_f64();

    let stem = format!("melisma-demo-{}k", bitrate_bps / 1000);
    let name = format!("{stem}.mlsm");
    let mut sink = ByteSink::open(&Target::File(folder.join(&name)), true)?;
    sink.write(&file)?;
    sink.finish()?;
    write_wav(&folder.join(format!("{stem}.wav")), &decoded.pcm, metadata)?;
    Ok(Row {
        file: name,
        bytes: file.len() as u64,
        seconds: music.seconds(),
        snr_db: snr_db(music, &decoded.pcm),
        encode_speed: music.seconds() / encode_seconds,
        decode_speed: music.seconds() / decode_seconds,
    })
}

fn encode(music: &Pcm, bitrate_bps: u32, metadata: &Metadata) -> anyhow::Result<Vec<u8>> {
    let mut config = EncoderConfig::default();
    config.rate = RateTarget::Bitrate(bitrate_bps);
    let format = StreamFormat {
        sample_rate_hz: music.sample_rate_hz,
        channel_count: music.channel_count(),
        original_sample_rate_hz: None,
        total_samples: Some(music.samples() as u64),
    };
    let mut meter = LoudnessMeter::new(music.sample_rate_hz, music.channel_count())?;
    meter.push(music)?;
    let mut encoder = Encoder::new(config, format, metadata)?;
    let mut file = Vec::new();
    encoder.push(music, &mut file)?;
    encoder.finish(meter.finish(), &mut file)?;
    Ok(file)
}

fn write_wav(path: &Path, pcm: &Pcm, metadata: &Metadata) -> anyhow::Result<()> {
    make_folder(path)?;
    let mut options = SinkOptions::new(Encoding::WavInt16, pcm.sample_rate_hz, pcm.channel_count());
    options.metadata = metadata.clone();
    options.overwrite = true;
    let mut sink = AudioSink::create(&Output::Path(path.to_path_buf()), &options)?;
    sink.write(pcm)?;
    Ok(sink.finish()?)
}

/// Signal-to-noise ratio over all channels.
fn snr_db(original: &Pcm, decoded: &Pcm) -> f64 {
    let (mut signal, mut noise) = (0.0, 0.0);
    for (original, decoded) in original.channels.iter().zip(&decoded.channels) {
        for (x, y) in original.iter().zip(decoded) {
            signal += f64::from(*x).powi(2);
            noise += f64::from(x - y).powi(2);
        }
    }
    10.0 * (signal / noise.max(f64::MIN_POSITIVE)).log10()
}

fn epilogue(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "
What happened: each .mlsm file holds a coarse sketch of the music (its spectrum in broad strokes) and
the detail that the rate had room for; where there was none, the decoder filled in noise of the right
loudness. SNR counts every difference, audible or not: the ear is the better judge. Speeds are
multiples of real time on this machine.

Listen, from small to large:
  {folder}/melisma-demo-12k.wav ... melisma-demo-96k.wav, and melisma-demo-original.wav

Next, with music of your own:
  melisma encode song.flac                 song.flac -> song.mlsm
  melisma encode song.flac --bitrate 24k   at a rate you choose
  melisma info {folder}/melisma-demo-24k.mlsm
  melisma decode {folder}/melisma-demo-24k.mlsm -o - | aplay
  melisma encode --help"
    )
}
