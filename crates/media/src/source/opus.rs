//! Opus packets to PCM at 48 kHz.
//!
//! Symphonia splits Ogg into packets but has no Opus decoder; `opus-pure` decodes them. Sources: RFC 7845, section 5.1 (identification header, output gain, channel
//! mapping); RFC 6716.

use opus_pure::{MAX_PACKET_SAMPLES, OpusMSDecoder};

use crate::{MediaError, Speaker};

/// Opus always decodes at this rate; its pre-skip counts such samples.
const RATE_HZ: u32 = 48_000;

/// Decodes the packets of one Opus stream.
pub struct OpusPackets {
    decoder: OpusMSDecoder,
    interleaved: Vec<f32>,
    channel_count: usize,
    gain: f32,
    layout: Vec<Speaker>,
}

impl OpusPackets {
    /// A decoder for the stream whose `OpusHead` is given.
    pub fn new(head: &[u8]) -> Result<Self, MediaError> {
        let bad = || MediaError::Damaged("the Opus identification header is cut off".into());
        let [b'O', b'p', b'u', b's', b'H', b'e', b'a', b'd', _, channels, rest @ ..] = head else {
            return Err(bad());
        };
        let [_, _, _, _, _, _, gain_low, gain_high, family, table @ ..] = rest else { return Err(bad()) };
        let channel_count = usize::from(*channels);
        if channel_count == 0 {
            return Err(bad());
        }
        let refused = |reason: &dyn std::fmt::Display| MediaError::Unsupported(format!("Opus: {reason}"));
        let decoder =
            OpusMSDecoder::new(RATE_HZ as i32, channel_count, *family).map_err(|error| refused(&error))?;
        if *family != 0 {
            let [streams, coupled, mapping @ ..] = table else { return Err(bad()) };
            let expected = decoder.layout();
            let standard = usize::from(*streams) == expected.nb_streams
                && usize::from(*coupled) == expected.nb_coupled_streams
                && mapping.get(..channel_count) == Some(&expected.mapping[..]);
            if !standard {
                return Err(refused(&"channels in an unusual order"));
            }
        }
        // Q7.8 decibels.
        let gain_db = f32::from(i16::from_le_bytes([*gain_low, *gain_high])) / 256.0;
        Ok(Self {
            decoder,
            interleaved: vec![0.0; MAX_PACKET_SAMPLES * channel_count],
            channel_count,
            gain: 10f32.powf(gain_db / 20.0),
            layout: vorbis_layout(channel_count),
        })
    }

    /// Rate and speakers.
    pub fn layout(&self) -> (u32, Vec<Speaker>) {
        (RATE_HZ, self.layout.clone())
    }

    /// Decodes one packet into `[channel][sample]`.
    pub fn decode(&mut self, packet: &[u8], planes: &mut Vec<Vec<f32>>) -> Result<(), String> {
        let samples = self
            .decoder
            .decode(packet, MAX_PACKET_SAMPLES, &mut self.interleaved)
            .map_err(|error| error.to_string())?;
        planes.clear();
        planes.resize_with(self.channel_count, || Vec::with_capacity(samples));
        for frame in self.interleaved.chunks_exact(self.channel_count).take(samples) {
            for (plane, x) in planes.iter_mut().zip(frame) {
                plane.push(x * self.gain);
            }
        }
        Ok(())
    }
}

/// Samples at 48 kHz that a packet holds by its first bytes; `None` if they make no sense.
/// Source: RFC 6716, section 3.1 (the configurations) and 3.2 (the number of frames).
pub fn packet_samples(packet: &[u8]) -> Option<u64> {
    let toc = *packet.first()?;
    let frame = match toc >> 3 {
        config @ 0..=11 => [480, 960, 1920, 2880][usize::from(config & 3)],
        config @ 12..=15 => [480, 960][usize::from(config & 1)],
        config => [120, 240, 480, 960][usize::from(config & 3)],
    };
    let count = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u64::from(packet.get(1)? & 63),
    };
    (count > 0 && count * frame <= MAX_PACKET_SAMPLES as u64).then_some(count * frame)
}

/// Channel orders of Vorbis I, section 4.3.9, which Opus mapping family 1 shares.
fn vorbis_layout(channel_count: usize) -> Vec<Speaker> {
    use Speaker as S;
    match channel_count {
        3 => vec![S::FrontLeft, S::FrontCentre, S::FrontRight],
        5 => vec![S::FrontLeft, S::FrontCentre, S::FrontRight, S::RearLeft, S::RearRight],
        6 => vec![S::FrontLeft, S::FrontCentre, S::FrontRight, S::RearLeft, S::RearRight, S::LowFrequency],
        7 => vec![
            S::FrontLeft,
            S::FrontCentre,
            S::FrontRight,
            S::SideLeft,
            S::SideRight,
            S::RearCentre,
            S::LowFrequency,
        ],
        8 => vec![
            S::FrontLeft,
            S::FrontCentre,
            S::FrontRight,
            S::SideLeft,
            S::SideRight,
            S::RearLeft,
            S::RearRight,
            S::LowFrequency,
        ],
        other => S::usual_layout(other),
    }
}
