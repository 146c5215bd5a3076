//! An index whose boxes have wrong sizes or names, with right ones: most boxes are not needed for the sound, and must
//! not hide those that are.
//!
//! A box is believed if another one, or the end, stands where its size says. Otherwise it reaches to the next box that
//! may stand beside it. Source: ISO/IEC 14496-12, section 4.2 and table 1 (which boxes stand in which).

use super::boxes::{box_head, boxed, long};

/// The tables of packets.
const TABLES: [&[u8; 4]; 16] = [
    b"stsd", b"stts", b"ctts", b"cslg", b"stsc", b"stsz", b"stz2", b"stco", b"co64", b"stss", b"sgpd",
    b"sbgp", b"sdtp", b"subs", b"saiz", b"saio",
];

/// What may stand in a box; `None` for one that is left as it is.
fn inside(name: [u8; 4]) -> Option<&'static [&'static [u8; 4]]> {
    Some(match &name {
        b"moov" => &[b"mvhd", b"trak", b"mvex", b"udta", b"meta", b"iods", b"free", b"skip", b"uuid"],
        b"trak" => {
            &[b"tkhd", b"edts", b"mdia", b"tref", b"udta", b"meta", b"tapt", b"load", b"free", b"uuid"]
        }
        b"edts" => &[b"elst"],
        b"mdia" => &[b"mdhd", b"hdlr", b"minf", b"elng", b"udta", b"free"],
        b"minf" => {
            &[b"smhd", b"vmhd", b"nmhd", b"gmhd", b"hmhd", b"sthd", b"hdlr", b"dinf", b"stbl", b"free"]
        }
        b"stbl" => &TABLES,
        _ => return None,
    })
}

/// The boxes of a file up to the end of its index, in order, if any of them is not.
pub fn mended(before: &[u8]) -> Option<Vec<u8>> {
    let (mut at, mut is_damaged) = (0usize, false);
    while let Some(head) = before.get(at..at.checked_add(8)?) {
        let size = long(head, 0).map_or(0, |size| size as usize);
        if &head[4..] == b"moov" {
            // A size of 0 reaches to the end.
            is_damaged |= size > 0 && size != before.len() - at;
            let body = in_order(*b"moov", &before[at + 8..], &mut is_damaged);
            return is_damaged.then(|| [&before[..at], &boxed(b"moov", &body)].concat());
        }
        at = at.checked_add(size.max(8))?;
    }
    None
}

/// The body of a box with its boxes in order; `is_damaged` becomes true if they were not.
fn in_order(name: [u8; 4], body: &[u8], is_damaged: &mut bool) -> Vec<u8> {
    let Some(known) = inside(name) else { return body.to_vec() };
    let is_known =
        |at: usize| body.get(at + 4..at + 8).is_some_and(|name| known.iter().any(|known| *known == name));
    let size_at = |at: usize| long(body, at).map_or(0, |size| size as usize);
    let fits = |at: usize| size_at(at) >= 8 && size_at(at) <= body.len() - at;
    // A box of a known name may have a wrong size itself.
    let may_begin =
        |at: usize| body.len() - at < 8 || is_known(at) || (fits(at) && box_head(&body[at..]).is_some());
    let (mut at, mut out) = (0, Vec::with_capacity(body.len()));
    while body.len() - at >= 8 {
        let is_whole =
            fits(at) && may_begin(at + size_at(at)) && (is_known(at) || box_head(&body[at..]).is_some());
        let end = if is_whole {
            at + size_at(at)
        } else {
            *is_damaged = true;
            let next = (at + 8..body.len().saturating_sub(7)).find(|at| is_known(*at));
            next.unwrap_or(body.len())
        };
        // Letters that name nothing here, and a size that leads nowhere: bytes of something that is lost.
        if is_whole || is_known(at) {
            let child: [u8; 4] = body[at + 4..at + 8].try_into().unwrap_or_default();
            out.extend(boxed(&child, &in_order(child, &body[at + 8..end], is_damaged)));
        }
        at = end;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_sizes_and_names_hide_nothing_else() {
        let media = [boxed(b"mdhd", &[1; 24]), boxed(b"hdlr", &[2; 25]), boxed(b"minf", &[])].concat();
        let track = [boxed(b"tkhd", &[3; 84]), boxed(b"mdia", &media)].concat();
        let movie = [boxed(b"mvhd", &[4; 100]), boxed(b"trak", &track), boxed(b"udta", &[5; 40])].concat();
        let kind = boxed(b"ftyp", b"M4A \0\0\0\0");
        let whole = [kind.clone(), boxed(b"moov", &movie)].concat();
        assert_eq!(mended(&whole), None);
        let place = |name: &[u8; 4]| whole.windows(4).position(|letters| letters == name).unwrap() - 4;
        for name in [b"moov", b"mvhd", b"trak", b"tkhd", b"mdia", b"mdhd", b"hdlr", b"minf"] {
            for size in [0, 1, 7, 9, 50, 1000, u32::MAX] {
                let is_to_the_end = name == b"moov" && size == 0;
                let mut damaged = whole.clone();
                damaged[place(name)..][..4].copy_from_slice(&size.to_be_bytes());
                assert_eq!(
                    mended(&damaged).as_ref(),
                    Some(&whole).filter(|_| !is_to_the_end),
                    "{name:?} {size}"
                );
            }
        }
        // A box whose name is lost is lost, if its size is as well.
        let mut nameless = whole.clone();
        nameless[place(b"tkhd")..][..8].fill(0);
        let track = boxed(b"mdia", &media);
        let rest = [boxed(b"mvhd", &[4; 100]), boxed(b"trak", &track), boxed(b"udta", &[5; 40])].concat();
        assert_eq!(mended(&nameless), Some([kind, boxed(b"moov", &rest)].concat()));
        for cut in 0..whole.len() {
            mended(&whole[..cut]);
        }
    }
}
