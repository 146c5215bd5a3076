//! MP4 files made of the packets of another one.

/// A box.
pub fn boxed(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes(), name.as_slice(), body].concat()
}

fn words(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// The body of the box along a path.
fn find<'a>(mut bytes: &'a [u8], path: &[&[u8; 4]]) -> &'a [u8] {
    for name in path {
        while &bytes[4..8] != name.as_slice() {
            bytes = &bytes[word(bytes, 0) as usize..];
        }
        bytes = &bytes[8..word(bytes, 0) as usize];
    }
    bytes
}

/// One track: the set-up of its coding, and its packets.
pub struct Track {
    stsd: Vec<u8>,
    mdhd: Vec<u8>,
    hdlr: Vec<u8>,
    pub packets: Vec<Vec<u8>>,
    pub packet_ticks: u32,
}

/// The track of a file whose packets lie one behind the other.
pub fn take_apart(file: &[u8]) -> Track {
    let media = find(file, &[b"moov", b"trak", b"mdia"]);
    let table = find(media, &[b"minf", b"stbl"]);
    let (sizes, chunks) = (find(table, &[b"stsz"]), find(table, &[b"stco"]));
    let mut at = word(chunks, 8) as usize;
    let packets = sizes[12..].chunks_exact(4).map(|size| {
        let packet = &file[at..at + word(size, 0) as usize];
        at += packet.len();
        packet.to_vec()
    });
    Track {
        packets: packets.collect(),
        stsd: find(table, &[b"stsd"]).to_vec(),
        mdhd: find(media, &[b"mdhd"]).to_vec(),
        hdlr: find(media, &[b"hdlr"]).to_vec(),
        packet_ticks: word(find(table, &[b"stts"]), 12),
    }
}

/// A track of samples as they are, one channel of 24 bits with the most significant byte first, like `other` in all
/// else.
pub fn uncompressed(other: &Track, samples: &[i32]) -> Track {
    let mut entry = b"in24\0\0\0\0\0\0\0\x01".to_vec();
    // No version, revision and vendor; one channel of 24 bits; the rate as 16.16.
    entry.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 24, 0, 0, 0, 0]);
    entry.extend((44_100u32 << 16).to_be_bytes());
    let descriptions = [words(&[0, 1, entry.len() as u32 + 4]), entry].concat();
    let packets = samples.iter().map(|sample| sample.to_be_bytes()[1..].to_vec()).collect();
    Track { stsd: descriptions, mdhd: other.mdhd.clone(), hdlr: other.hdlr.clone(), packets, packet_ticks: 1 }
}

/// A `trak` without packets of its own, played by default or not.
pub fn track_box(track: &Track, id: u32, is_enabled: bool, table: &[u8]) -> Vec<u8> {
    let header = [words(&[u32::from(is_enabled), 0, 0, id]), vec![0; 68]].concat();
    let table = [boxed(b"stsd", &track.stsd), table.to_vec()].concat();
    let media = [
        boxed(b"mdhd", &track.mdhd),
        boxed(b"hdlr", &track.hdlr),
        boxed(b"minf", &[boxed(b"smhd", &[0; 8]), boxed(b"stbl", &table)].concat()),
    ]
    .concat();
    boxed(b"trak", &[boxed(b"tkhd", &header), boxed(b"mdia", &media)].concat())
}

fn movie(inside: &[u8]) -> Vec<u8> {
    // Time scale, no duration, and what stands behind them.
    let header = [words(&[0, 0, 0, 1000, 0]), vec![0; 80]].concat();
    boxed(b"moov", &[boxed(b"mvhd", &header), inside.to_vec()].concat())
}

fn kind() -> Vec<u8> {
    boxed(b"ftyp", b"isom\0\0\x02\0isom")
}

/// A fragmented file, as its head and its parts of `count` packets each.
pub fn fragmented(track: &Track, count: usize) -> (Vec<u8>, Vec<Vec<u8>>) {
    let no_packets = [
        boxed(b"stts", &words(&[0, 0])),
        boxed(b"stsc", &words(&[0, 0])),
        boxed(b"stsz", &words(&[0, 0, 0])),
        boxed(b"stco", &words(&[0, 0])),
    ]
    .concat();
    let extends = boxed(b"mvex", &boxed(b"trex", &words(&[0, 1, 1, track.packet_ticks, 0, 0])));
    let head = [kind(), movie(&[track_box(track, 1, true, &no_packets), extends].concat())].concat();
    let part = |(number, packets): (usize, &[Vec<u8>])| {
        let start = (number * count) as u32 * track.packet_ticks;
        let sizes: Vec<u32> = packets.iter().map(|packet| packet.len() as u32).collect();
        let index = |offset: u32| {
            // Offsets from the part's beginning; an offset and sizes.
            let run = [words(&[0x201, packets.len() as u32, offset]), words(&sizes)].concat();
            let fragment = [
                boxed(b"tfhd", &words(&[0x2_0000, 1])),
                boxed(b"tfdt", &words(&[0, start])),
                boxed(b"trun", &run),
            ]
            .concat();
            let number = boxed(b"mfhd", &words(&[0, number as u32 + 1]));
            boxed(b"moof", &[number, boxed(b"traf", &fragment)].concat())
        };
        let offset = index(0).len() as u32 + 8;
        [index(offset), boxed(b"mdat", &packets.concat())].concat()
    };
    (head, track.packets.chunks(count).enumerate().map(part).collect())
}

/// A file with an index in front and each track in one piece; of each whether it is played by default.
pub fn indexed(tracks: &[(&Track, bool)]) -> Vec<u8> {
    let index = |start: usize| {
        let mut at = start;
        let boxes = tracks.iter().enumerate().map(|(number, (track, is_enabled))| {
            let sizes: Vec<u32> = track.packets.iter().map(|packet| packet.len() as u32).collect();
            let count = sizes.len() as u32;
            let table = [
                boxed(b"stts", &words(&[0, 1, count, track.packet_ticks])),
                boxed(b"stsc", &words(&[0, 1, 1, count, 1])),
                boxed(b"stsz", &[words(&[0, 0, count]), words(&sizes)].concat()),
                boxed(b"stco", &words(&[0, 1, at as u32])),
            ]
            .concat();
            at += sizes.iter().sum::<u32>() as usize;
            track_box(track, number as u32 + 1, *is_enabled, &table)
        });
        [kind(), movie(&boxes.collect::<Vec<_>>().concat())].concat()
    };
    let packets: Vec<u8> = tracks.iter().flat_map(|(track, _)| track.packets.concat()).collect();
    let start = index(0).len() + 8;
    [index(start), boxed(b"mdat", &packets)].concat()
}
