//! Bytes of coded audio without the container's own: a coded file in, a count out.
//!
//! Containers cost 1 to 5 kbit/s on ten-second clips, which says nothing about the codec. Results
//! carry both figures; the whole file is the rate. A file that does not parse counts whole.
//! Sources: RFC 3533 (Ogg), ISO/IEC 14496-12 (MP4 boxes), ISO/IEC 11172-3 and 13818-3 (MPEG audio
//! frame header).

/// The container of a coded file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// No container that is known: everything is payload.
    None,
    /// MPEG audio frames, possibly behind an ID3 tag, the first possibly a LAME information frame.
    Mpeg,
    /// Ogg pages; header packets (Opus 2, Vorbis 3) do not count.
    Ogg,
    /// MP4 boxes; `mdat` counts.
    Mp4,
}

/// Counts the payload bytes of a coded file.
#[must_use]
pub fn payload_bytes(file: &[u8], container: Container) -> u64 {
    let count = match container {
        Container::None => None,
        Container::Mpeg => mpeg(file),
        Container::Ogg => ogg(file),
        Container::Mp4 => mp4(file),
    };
    count.filter(|&n| n > 0).unwrap_or(file.len()) as u64
}

fn ogg(file: &[u8]) -> Option<usize> {
    let (mut at, mut packet) = (0, 0);
    let mut packets = Vec::new();
    while file.get(at..at + 4) == Some(b"OggS") {
        let segments = usize::from(*file.get(at + 26)?);
        let lacing = file.get(at + 27..at + 27 + segments)?;
        for &length in lacing {
            packet += usize::from(length);
            if length < 255 {
                packets.push(packet);
                packet = 0;
            }
        }
        at += 27 + segments + lacing.iter().map(|&l| usize::from(l)).sum::<usize>();
    }
    let is_opus = file.get(..60)?.windows(8).any(|w| w == b"OpusHead");
    Some(packets.iter().skip(if is_opus { 2 } else { 3 }).sum())
}

fn mp4(file: &[u8]) -> Option<usize> {
    let (mut at, mut payload) = (0_usize, 0);
    while let Some(head) = file.get(at..at.checked_add(8)?) {
        let mut size = usize::try_from(u32::from_be_bytes(head[..4].try_into().ok()?)).ok()?;
        let mut header = 8;
        if size == 1 {
            let long = file.get(at + 8..at + 16)?;
            size = usize::try_from(u64::from_be_bytes(long.try_into().ok()?)).ok()?;
            header = 16;
        } else if size == 0 {
            size = file.len() - at;
        }
        let content = size.checked_sub(header)?;
        if &head[4..] == b"mdat" {
            payload += content;
        }
        at = at.checked_add(size)?;
    }
    Some(payload)
}

/// kbit/s by bitrate index, layer III: MPEG-1, then MPEG-2 and 2.5.
const MPEG_KBPS: [[usize; 15]; 2] = [
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

fn mpeg(file: &[u8]) -> Option<usize> {
    let mut at = 0;
    if file.get(..3) == Some(b"ID3") {
        let size = file.get(6..10)?;
        at = 10 + size.iter().fold(0, |sum, &byte| sum << 7 | usize::from(byte & 0x7f));
    }
    let (mut payload, mut first) = (0, true);
    while let Some(head) = file.get(at..at + 4) {
        let Some(length) = mpeg_frame_bytes([head[0], head[1], head[2]]) else {
            at += 1;
            continue;
        };
        let frame = &file[at..file.len().min(at + length)];
        let information = &frame[..frame.len().min(64)];
        let is_information = first && information.windows(4).any(|w| w == b"Xing" || w == b"Info");
        if !is_information {
            payload += frame.len();
        }
        first = false;
        at += length;
    }
    Some(payload)
}

/// Length of a layer III frame from its header, or `None` if it is none.
fn mpeg_frame_bytes(head: [u8; 3]) -> Option<usize> {
    if head[0] != 0xff || head[1] & 0xe0 != 0xe0 || head[1] >> 1 & 3 != 1 {
        return None;
    }
    let rates = match head[1] >> 3 & 3 {
        3 => [44_100, 48_000, 32_000],
        2 => [22_050, 24_000, 16_000],
        0 => [11_025, 12_000, 8_000],
        _ => return None,
    };
    let is_mpeg1 = head[1] >> 3 & 3 == 3;
    let kbps = *MPEG_KBPS[usize::from(!is_mpeg1)].get(usize::from(head[2] >> 4))?;
    let rate = *rates.get(usize::from(head[2] >> 2 & 3))?;
    let padding = usize::from(head[2] >> 1 & 1);
    (kbps > 0).then(|| if is_mpeg1 { 144 } else { 72 } * kbps * 1000 / rate + padding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_without_containers_and_survives_noise() {
        let mut mp4 = vec![0, 0, 0, 12, b'f', b't', b'y', b'p', 1, 2, 3, 4];
        mp4.extend([0, 0, 0, 11, b'm', b'd', b'a', b't', 1, 2, 3]);
        assert_eq!(payload_bytes(&mp4, Container::Mp4), 3);
        // 128 kbit/s at 44.1 kHz: 417 bytes a frame.
        let mut mp3 = vec![0; 417 * 2];
        for frame in 0..2 {
            mp3[frame * 417..frame * 417 + 4].copy_from_slice(&[0xff, 0xfb, 0x90, 0x00]);
        }
        assert_eq!(payload_bytes(&mp3, Container::Mpeg), 834);
        mp3[36..40].copy_from_slice(b"Info");
        assert_eq!(payload_bytes(&mp3, Container::Mpeg), 417);
        let noise: Vec<u8> = (0..5000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for container in [Container::Mpeg, Container::Ogg, Container::Mp4] {
            assert!(payload_bytes(&noise, container) <= 5000);
            assert_eq!(payload_bytes(b"", container), 0);
        }
    }
}
