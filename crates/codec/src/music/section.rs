//! One section as symbols, and those symbols as the payload of a chunk.

use crate::{
    music::detail::{BandPlace, Neighbourhood, Place},
    music::geometry::Geometry,
    music::model::Model,
    music::sketch::{ScaleGrid, SuperframeSketch},
    music::step::{self, MAX_STEP_INDEX},
};
use melisma_bitstream::{
    FormatError, RangeDecoder, RangeEncoder, SymbolCheck,
    bytes::{Reader, write_varint},
};

/// Classes of quantised values that have a reconstruction point of their own: magnitude 1 or more, with
/// silent or sounding neighbours in frequency.
pub const CENTROIDS: usize = 4;

/// Everything about a section that is not a symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectionHead {
    /// Number of the section in its stream.
    pub index: u32,
    /// Superframes in it.
    pub superframes: u32,
    /// Samples of the last superframe that lie behind the end of the music.
    pub padding_samples: u32,
    /// Base step, see [`step::step_units`].
    pub step_index: u16,
    /// Exponent of the scale in the step, of 128.
    pub shaping: u8,
    /// Growth of the step from base band to base band, in 1/192 octave.
    pub tilt: u8,
    /// Amplitude of noise in place of zeros, of 128.
    pub noise: u8,
    /// How often scales are sent.
    pub grid: ScaleGrid,
    /// Overlap with the section before and the one behind, as base-two logarithms; none is a hard edge.
    pub overlaps_log2: (Option<u8>, Option<u8>),
    /// How far reconstruction points lie below the integer, of 256, by [`centroid_class`].
    pub centroids: [u8; CENTROIDS],
}

/// A section as decoded, before it becomes sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbols {
    /// Partition, angles, scales.
    pub sketch: Vec<SuperframeSketch>,
    /// `[channel][sample]`: quantised coefficients, blocks one after the other.
    pub values: Vec<Vec<i32>>,
}

/// Sizes of the parts of a section's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartSizes {
    /// Bytes of the sketch sub-stream.
    pub sketch_bytes: usize,
    /// Bytes of the detail sub-stream.
    pub detail_bytes: usize,
}

/// The scale that coefficients of a band have moved to by shaping exponent 1, in 1/48 octave: `2^-4.3`.
const SHAPING_REFERENCE_UNITS: i32 = -208;

/// The base band whose step no tilt changes: 1.27 to 1.48 kHz.
const TILT_CENTRE: i32 = 10;

impl SectionHead {
    /// Step of a band with scale `scale` (1..=63) that begins with base band `base_band`, in 1/48 octave.
    #[must_use]
    pub fn band_step_units(&self, scale: u8, base_band: usize) -> i32 {
        let above = step::scale_units(scale) - SHAPING_REFERENCE_UNITS;
        step::step_units(self.step_index)
            + ((i32::from(self.shaping) * above) >> 7)
            + ((i32::from(self.tilt) * (base_band as i32 - TILT_CENTRE)) >> 2)
    }

    fn write(&self, geometry: &Geometry, out: &mut Vec<u8>) {
        write_varint(out, u64::from(self.index));
        write_varint(out, u64::from(self.superframes));
        write_varint(out, u64::from(self.padding_samples));
        write_varint(out, u64::from(self.step_index));
        let grid = match self.grid {
            ScaleGrid::PerBlock => 0,
            ScaleGrid::PerSuperframes(period) => period,
        };
        let nibble = |log2: Option<u8>| log2.map_or(0, |log2| log2 - geometry.min_log2() as u8 + 1);
        out.extend([
            self.shaping,
            self.tilt,
            self.noise,
            grid,
            nibble(self.overlaps_log2.0) << 4 | nibble(self.overlaps_log2.1),
        ]);
        out.extend(self.centroids);
    }

    fn parse(reader: &mut Reader<'_>, geometry: &Geometry) -> Result<Self, FormatError> {
        let index = reader.size("section number", u32::MAX as usize, "below 2^32")? as u32;
        let most = geometry.section_superframes as usize;
        let superframes = reader.size("superframes of a section", most, "what the header announces")? as u32;
        let padding = reader.size("padding", geometry.superframe_samples() - 1, "below a superframe")? as u32;
        let step_index = reader.size("step index", usize::from(MAX_STEP_INDEX), "0..=383")? as u16;
        let (shaping, tilt, noise) = (reader.u8("shaping")?, reader.u8("tilt")?, reader.u8("noise")?);
        let grid = match reader.u8("scale grid")? {
            0 => ScaleGrid::PerBlock,
            period => ScaleGrid::PerSuperframes(period),
        };
        let overlaps = reader.u8("overlaps")?;
        let overlap = |nibble: u8| match nibble {
            0 => Ok(None),
            _ if u32::from(nibble) <= crate::music::geometry::MAX_SPLITS + 1 => {
                Ok(Some(nibble - 1 + geometry.min_log2() as u8))
            }
            _ => Err(FormatError::Value { field: "overlap", value: u64::from(nibble), allowed: "0..=5" }),
        };
        let overlaps_log2 = (overlap(overlaps >> 4)?, overlap(overlaps & 15)?);
        let mut centroids = [0; CENTROIDS];
        centroids.copy_from_slice(reader.take(CENTROIDS, "centroids")?);
        Ok(Self {
            index,
            superframes,
            padding_samples: padding,
            step_index,
            shaping,
            tilt,
            noise,
            grid,
            overlaps_log2,
            centroids,
        })
    }
}

/// Which reconstruction point a nonzero value takes.
#[must_use]
pub fn centroid_class(values: &[i32], k: usize) -> usize {
    let silent = (k == 0 || values[k - 1] == 0) && values.get(k + 1).is_none_or(|&next| next == 0);
    usize::from(values[k].unsigned_abs() > 1) * 2 + usize::from(!silent)
}

/// One block of one section: where it lies and which scale frame holds for it.
#[derive(Clone, Copy, Debug)]
pub struct BlockPlace<'a> {
    /// First sample within the section.
    pub start: usize,
    /// Base-two logarithm of its size.
    pub size_log2: u8,
    /// The superframe it belongs to.
    pub superframe: &'a SuperframeSketch,
    /// `[channel * base_bands + base_band]`.
    pub scales: &'a [u8],
}

/// All blocks of a section in order.
#[must_use]
pub fn blocks(sketch: &[SuperframeSketch]) -> Vec<BlockPlace<'_>> {
    let mut places = Vec::with_capacity(sketch.len() * 2);
    let mut start = 0;
    let mut scales: &[u8] = &[];
    for superframe in sketch {
        let one_each = superframe.frames.len() == superframe.sizes_log2.len();
        for (block, &size_log2) in superframe.sizes_log2.iter().enumerate() {
            if let Some(frame) = superframe.frames.get(if one_each { block } else { 0 }) {
                scales = frame;
            }
            places.push(BlockPlace { start, size_log2, superframe, scales });
            start += 1 << size_log2;
        }
    }
    places
}

/// Scale of one band, the mean over the base bands that it covers.
#[must_use]
pub fn band_scale(scales: &[u8], bases: std::ops::Range<usize>) -> u8 {
    let count = bases.len() as u32;
    let sum: u32 = scales.get(bases).unwrap_or(&[]).iter().map(|&scale| u32::from(scale)).sum();
    ((sum + count / 2) / count.max(1)) as u8
}

/// Bands of one channel of a block, with their scales against their steps.
fn band_places(
    head: &SectionHead,
    geometry: &Geometry,
    block: &BlockPlace<'_>,
    channel: usize,
    out: &mut Vec<BandPlace>,
) {
    let layout = geometry.layout(block.size_log2);
    let scales = &block.scales[(channel * geometry.base_bands).min(block.scales.len())..];
    out.clear();
    out.extend((0..layout.count()).map(|band| {
        let (bins, bases) = (layout.bins(band), layout.base_bands(band));
        let scale = band_scale(scales, bases.clone());
        let step_units = head.band_step_units(scale, bases.start);
        let ratio_units = if scale == 0 { i32::MIN } else { step::scale_units(scale) - step_units };
        BandPlace { begin: bins.start, end: bins.end, base_band: bases.start, ratio_units, step_units }
    }));
}

/// Who decides the quantised values while encoding.
pub trait Quantiser {
    /// Called before each channel of each block: how many bands are worth coding.
    fn begin(&mut self, block: &BlockPlace<'_>, channel: usize, bands: &[BandPlace]) -> usize;
    /// The value of coefficient `k` of that block.
    fn choose(&mut self, model: &crate::music::detail::DetailModel, place: &Place, k: usize) -> i32;
}

/// Decoding asks nobody.
struct Nobody;

impl Quantiser for Nobody {
    fn begin(&mut self, _: &BlockPlace<'_>, _: usize, _: &[BandPlace]) -> usize {
        0
    }
    fn choose(&mut self, _: &crate::music::detail::DetailModel, _: &Place, _: usize) -> i32 {
        0
    }
}

/// Runs the detail model over a section in either direction.
fn code_detail<C: melisma_bitstream::BinaryCoder, Q: Quantiser>(
    coder: &mut C,
    head: &SectionHead,
    geometry: &Geometry,
    model: &mut crate::music::detail::DetailModel,
    sketch: &[SuperframeSketch],
    quantiser: &mut Q,
) -> (Vec<Vec<i32>>, SymbolCheck) {
    let samples = sketch.len() << geometry.superframe_log2;
    let mut values = vec![vec![0i32; samples]; geometry.channel_count];
    let mut neighbourhood = Neighbourhood::new(geometry.channel_count);
    let mut check = SymbolCheck::default();
    let mut bands = Vec::new();
    for block in blocks(sketch) {
        let range = block.start..block.start + (1usize << block.size_log2);
        for (channel, values) in values.iter_mut().enumerate() {
            band_places(head, geometry, &block, channel, &mut bands);
            let wanted = quantiser.begin(&block, channel, &bands);
            model.code_block(
                coder,
                &mut neighbourhood,
                channel,
                geometry.splits(block.size_log2),
                &bands,
                wanted,
                |model, place, k| quantiser.choose(model, place, k),
                &mut values[range.clone()],
                &mut check,
            );
        }
    }
    (values, check)
}

/// A coded section: its payload, and the values that a decoder will see.
#[derive(Clone, Debug)]
pub struct CodedSection {
    /// The detail sub-stream.
    pub detail: Vec<u8>,
    /// `[channel][sample]`
    pub values: Vec<Vec<i32>>,
    /// Over the detail's symbols.
    pub check: SymbolCheck,
}

/// The sketch sub-stream of a section and its check.
#[must_use]
pub fn encode_sketch(
    head: &SectionHead,
    geometry: &Geometry,
    model: &Model,
    sketch: &[SuperframeSketch],
) -> (Vec<u8>, SymbolCheck) {
    let (mut coder, mut check) = (RangeEncoder::default(), SymbolCheck::default());
    model.sketch.clone().code(&mut coder, geometry, head.grid, sketch, &mut check);
    (coder.finish(), check)
}

/// The detail sub-stream of a section.
pub fn encode_detail<Q: Quantiser>(
    head: &SectionHead,
    geometry: &Geometry,
    model: &mut crate::music::detail::DetailModel,
    sketch: &[SuperframeSketch],
    quantiser: &mut Q,
) -> CodedSection {
    let mut coder = RangeEncoder::default();
    let (values, check) = code_detail(&mut coder, head, geometry, model, sketch, quantiser);
    CodedSection { detail: coder.finish(), values, check }
}

/// Assembles the payload of a section's chunk.
#[must_use]
pub fn write_payload(
    head: &SectionHead,
    geometry: &Geometry,
    (sketch, sketch_check): (&[u8], SymbolCheck),
    (detail, detail_check): (&[u8], SymbolCheck),
) -> Vec<u8> {
    let mut payload = Vec::with_capacity(sketch.len() + detail.len() + 32);
    head.write(geometry, &mut payload);
    write_varint(&mut payload, sketch.len() as u64);
    payload.extend(sketch_check.value().to_le_bytes());
    payload.extend(detail_check.value().to_le_bytes());
    payload.extend(sketch);
    payload.extend(detail);
    payload
}

/// Reads a section's head and where its sub-streams lie, without decoding them.
///
/// # Errors
/// [`FormatError`] if a field is out of range or missing; `offset` is where `payload` lies in its file.
pub fn read_head(
    payload: &[u8],
    geometry: &Geometry,
    offset: u64,
) -> Result<(SectionHead, PartSizes), FormatError> {
    let mut reader = Reader::new(payload, offset);
    let head = SectionHead::parse(&mut reader, geometry)?;
    let sketch_bytes = reader.size("sketch length", payload.len(), "inside the section")?;
    reader.take(4, "symbol checks")?;
    reader.take(sketch_bytes, "sketch")?;
    Ok((head, PartSizes { sketch_bytes, detail_bytes: reader.remaining() }))
}

/// Decodes only the sketch of a section.
///
/// # Errors
/// [`FormatError`] as [`read_head`], and if the decoded symbols fail their check.
pub fn decode_sketch(
    payload: &[u8],
    geometry: &Geometry,
    model: &Model,
    offset: u64,
) -> Result<(SectionHead, Vec<SuperframeSketch>), FormatError> {
    let (head, sizes) = read_head(payload, geometry, offset)?;
    let sketch_begin = payload.len() - sizes.detail_bytes - sizes.sketch_bytes;
    let stored = u16::from_le_bytes([payload[sketch_begin - 4], payload[sketch_begin - 3]]);
    let mut check = SymbolCheck::default();
    let mut coder = RangeDecoder::new(&payload[sketch_begin..sketch_begin + sizes.sketch_bytes]);
    let blank = vec![SuperframeSketch::default(); head.superframes as usize];
    let sketch = model.sketch.clone().code(&mut coder, geometry, head.grid, &blank, &mut check);
    if check.value() != stored || coder.overrun() {
        return Err(FormatError::Checksum { what: "sketch symbols", offset });
    }
    Ok((head, sketch))
}

/// Decodes all symbols of a section.
///
/// # Errors
/// [`FormatError`] as [`decode_sketch`].
pub fn decode(
    payload: &[u8],
    geometry: &Geometry,
    model: &Model,
    offset: u64,
) -> Result<(SectionHead, Symbols), FormatError> {
    let (head, sketch) = decode_sketch(payload, geometry, model, offset)?;
    let (_, sizes) = read_head(payload, geometry, offset)?;
    let detail_begin = payload.len() - sizes.detail_bytes;
    let checks = detail_begin - sizes.sketch_bytes - 4;
    let stored = u16::from_le_bytes([payload[checks + 2], payload[checks + 3]]);
    let mut coder = RangeDecoder::new(&payload[detail_begin..]);
    let (values, check) =
        code_detail(&mut coder, &head, geometry, &mut model.detail.clone(), &sketch, &mut Nobody);
    if check.value() != stored || coder.overrun() {
        return Err(FormatError::Checksum { what: "detail symbols", offset });
    }
    Ok((head, Symbols { sketch, values }))
}
