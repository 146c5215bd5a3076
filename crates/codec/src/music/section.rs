//! One section as symbols, and those symbols as the payload of a chunk.
//!
//! ```text
//! payload = head, sketch length varint, check of the sketch u16, check of the detail u16, sketch, detail
//! ```
//! [`SectionPayload`] takes it apart, [`encode_sketch`], [`encode_detail`] and [`write_payload`] put it together.

use crate::music::{
    blocks::{BlockPlace, ChannelBlock, blocks},
    detail::{Coefficient, DetailCoder, DetailModel, Foreseen, Place, Quantiser},
    geometry::{Geometry, MAX_SPLITS},
    model::Model,
    sketch::{ScaleGrid, SuperframeSketch},
    step::{MAX_STEP_INDEX, StepRule},
};
use melisma_bitstream::{
    BinaryCoder, FormatError, RangeDecoder, RangeEncoder, SymbolCheck,
    bytes::{Reader, write_varint},
    chunk::MAX_PAYLOAD_BYTES,
};

/// Classes of quantised values that have a reconstruction point of their own: magnitude 1 or more, with
/// silent or sounding neighbours in frequency.
pub const CENTROIDS: usize = 4;

/// Overlaps with the section before and the one behind, as base-two logarithms of samples; none is a hard edge.
pub type OverlapsLog2 = (Option<u8>, Option<u8>);

/// Everything about a section that is not a symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectionHead {
    /// Number of the section in its stream.
    pub index: u32,
    /// Superframes of the section.
    pub superframes: u32,
    /// Samples of the last superframe that lie behind the end of the music.
    pub padding_samples: u32,
    /// Base step, 0..=383; see [`step_units`](crate::music::step::step_units).
    pub step_index: u16,
    /// Exponent of a band's scale in its step, of 128; 0..=255.
    pub shaping: u8,
    /// Growth of the step from base band to base band, in 1/192 octave.
    pub tilt: u8,
    /// Amplitude of noise in place of zeros, of 128; 0..=255.
    pub noise: u8,
    /// How often scales are sent.
    pub grid: ScaleGrid,
    /// Overlap with the section before and the one behind, as base-two logarithms of samples; none is a hard edge.
    pub overlaps_log2: OverlapsLog2,
    /// How far reconstruction points lie below the integer, in 1/256 of a step, by [`centroid_class`].
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

/// One range-coded part of a section, with the check over its symbols.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubStream<'a> {
    /// Output of the range coder.
    pub bytes: &'a [u8],
    /// [`SymbolCheck::value`] of what was encoded.
    pub check: u16,
}

/// A section's payload, taken apart but not decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectionPayload<'a> {
    /// Everything that is not a symbol.
    pub head: SectionHead,
    /// Partition, angles, scales.
    pub sketch: SubStream<'a>,
    /// Quantised coefficients: all bytes behind the sketch, or as many of them as were given.
    pub detail: SubStream<'a>,
    /// Where the payload begins in its file, for messages.
    offset: u64,
}

impl SectionHead {
    /// How the section's steps follow from its scales.
    #[must_use]
    pub fn step_rule(&self) -> StepRule {
        StepRule { step_index: self.step_index, shaping: self.shaping, tilt: self.tilt }
    }

    /// Samples per channel of the section, without those that fill up its last superframe.
    #[must_use]
    pub fn samples(&self, geometry: &Geometry) -> u64 {
        (u64::from(self.superframes) << geometry.superframe_log2)
            .saturating_sub(u64::from(self.padding_samples))
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
            _ if u32::from(nibble) <= MAX_SPLITS + 1 => Ok(Some(nibble - 1 + geometry.min_log2() as u8)),
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

/// Which of a section's reconstruction points the nonzero value `values[k]` takes, `0..`[`CENTROIDS`].
///
/// # Shapes
/// `values`: `[bin]` of one block, or of several in a row.
#[must_use]
pub fn centroid_class(values: &[i32], k: usize) -> usize {
    let silent = (k == 0 || values[k - 1] == 0) && values.get(k + 1).is_none_or(|&next| next == 0);
    usize::from(values[k].unsigned_abs() > 1) * 2 + usize::from(!silent)
}

/// The quantiser of a decoder, whose answers are ignored.
struct Nobody;

impl Quantiser for Nobody {
    fn begin(&mut self, _: &ChannelBlock<'_>) -> usize {
        0
    }
    fn choose(&mut self, _: &DetailModel, _: &Coefficient<'_>, _: &Place, _: &mut Foreseen) -> i32 {
        0
    }
}

/// Codes the detail of a section in either direction: the values as coded, and the check over them.
///
/// `model` begins in its initial state and learns; `quantiser` is ignored when decoding.
///
/// # Shapes
/// Values: `[channel][sample]`.
pub fn code_detail<C: BinaryCoder, Q: Quantiser>(
    coder: &mut C,
    head: &SectionHead,
    geometry: &Geometry,
    model: &mut DetailModel,
    sketch: &[SuperframeSketch],
    quantiser: &mut Q,
) -> (Vec<Vec<i32>>, SymbolCheck) {
    let samples = sketch.len() << geometry.superframe_log2;
    let mut values = vec![vec![0i32; samples]; geometry.channel_count];
    let mut detail = DetailCoder::new(coder, model, geometry.channel_count);
    let mut bands = Vec::new();
    for place in blocks(sketch) {
        let BlockPlace { start, size_log2, .. } = place;
        for (channel, values) in values.iter_mut().enumerate() {
            place.bands(geometry, head.step_rule(), channel, &mut bands);
            let block = ChannelBlock { channel, start, splits: geometry.splits(size_log2), bands: &bands };
            detail.code_block(&block, quantiser, &mut values[place.samples()]);
        }
    }
    let check = detail.check;
    (values, check)
}

/// The coded detail of a section, and the values that a decoder will see.
#[derive(Clone, Debug)]
pub struct CodedSection {
    /// Output of the range coder.
    pub detail: Vec<u8>,
    /// `[channel][sample]`: the values, blocks one after the other.
    pub values: Vec<Vec<i32>>,
    /// The check over the values.
    pub check: SymbolCheck,
}

/// Codes the sketch of a section: the output of the range coder, and the check over the symbols.
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

/// Codes the detail of a section, with the values that `quantiser` chooses; `model` begins in its initial state.
pub fn encode_detail<Q: Quantiser>(
    head: &SectionHead,
    geometry: &Geometry,
    model: &mut DetailModel,
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

impl<'a> SectionPayload<'a> {
    /// Takes a payload apart in one pass; `offset` is where it begins in its file.
    ///
    /// A prefix that holds head and sketch will do: its sketch can be decoded, its detail cannot.
    ///
    /// # Errors
    /// [`FormatError::Truncated`] if the bytes end before the sketch does, [`FormatError::Value`] if a field is out of
    /// range.
    pub fn parse(payload: &'a [u8], geometry: &Geometry, offset: u64) -> Result<Self, FormatError> {
        let mut reader = Reader::new(payload, offset);
        let head = SectionHead::parse(&mut reader, geometry)?;
        let sketch_bytes = reader.size("sketch length", MAX_PAYLOAD_BYTES, "at most 4 MiB")?;
        let sketch_check = reader.u16("check of the sketch symbols")?;
        let detail_check = reader.u16("check of the detail symbols")?;
        let sketch = reader.take(sketch_bytes, "sketch")?;
        let detail = reader.rest();
        Ok(Self {
            head,
            sketch: SubStream { bytes: sketch, check: sketch_check },
            detail: SubStream { bytes: detail, check: detail_check },
            offset,
        })
    }

    /// Decodes the sketch: `[superframe]`.
    ///
    /// # Errors
    /// [`FormatError::Checksum`] if the decoded symbols fail their check.
    pub fn decode_sketch(
        &self,
        geometry: &Geometry,
        model: &Model,
    ) -> Result<Vec<SuperframeSketch>, FormatError> {
        let mut check = SymbolCheck::default();
        let mut coder = RangeDecoder::new(self.sketch.bytes);
        let blank = vec![SuperframeSketch::default(); self.head.superframes as usize];
        let sketch = model.sketch.clone().code(&mut coder, geometry, self.head.grid, &blank, &mut check);
        if check.value() != self.sketch.check || coder.overrun() {
            return Err(FormatError::Checksum { what: "sketch symbols", offset: self.offset });
        }
        Ok(sketch)
    }

    /// Decodes all symbols.
    ///
    /// # Errors
    /// [`FormatError::Checksum`] if the decoded symbols of either sub-stream fail their check.
    pub fn decode(&self, geometry: &Geometry, model: &Model) -> Result<Symbols, FormatError> {
        let sketch = self.decode_sketch(geometry, model)?;
        let mut coder = RangeDecoder::new(self.detail.bytes);
        let (values, check) =
            code_detail(&mut coder, &self.head, geometry, &mut model.detail.clone(), &sketch, &mut Nobody);
        if check.value() != self.detail.check || coder.overrun() {
            return Err(FormatError::Checksum { what: "detail symbols", offset: self.offset });
        }
        Ok(Symbols { sketch, values })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::MusicVersion;

    /// Values that depend on nothing but their place.
    struct Pattern;

    impl Quantiser for Pattern {
        fn begin(&mut self, block: &ChannelBlock<'_>) -> usize {
            block.bands.len() - 1
        }
        fn choose(
            &mut self,
            _: &DetailModel,
            coefficient: &Coefficient<'_>,
            _: &Place,
            _: &mut Foreseen,
        ) -> i32 {
            (coefficient.k % 7) as i32 - 3
        }
    }

    #[test]
    fn a_prefix_with_head_and_sketch_gives_the_sketch_and_only_the_whole_gives_the_detail() {
        let (geometry, model) = (Geometry::new(8000, 1, 9, 8), Model::embedded(MusicVersion::default()));
        let sketch: Vec<SuperframeSketch> = (0..5u8)
            .map(|number| SuperframeSketch {
                sizes_log2: vec![9],
                angles: Vec::new(),
                frames: vec![(0..geometry.base_bands as u8).map(|band| 40 - band + number).collect()],
            })
            .collect();
        let head = SectionHead {
            index: 3,
            superframes: 5,
            padding_samples: 17,
            step_index: 200,
            shaping: 70,
            tilt: 8,
            noise: 96,
            grid: ScaleGrid::PerBlock,
            overlaps_log2: (Some(9), None),
            centroids: [1, 2, 3, 4],
        };
        let (sketch_bytes, sketch_check) = encode_sketch(&head, &geometry, &model, &sketch);
        let coded = encode_detail(&head, &geometry, &mut model.detail.clone(), &sketch, &mut Pattern);
        let payload =
            write_payload(&head, &geometry, (&sketch_bytes, sketch_check), (&coded.detail, coded.check));
        let enough = payload.len() - coded.detail.len();
        for length in 0..=payload.len() {
            let parsed = SectionPayload::parse(&payload[..length], &geometry, 100);
            if length < enough {
                assert_eq!(
                    parsed.map_err(|error| matches!(error, FormatError::Truncated { offset, .. }
                        if offset == 100 + length as u64)),
                    Err(true),
                    "{length}"
                );
                continue;
            }
            let parsed = parsed.unwrap();
            assert_eq!((&parsed.head, parsed.detail.bytes.len()), (&head, length - enough));
            assert_eq!(parsed.decode_sketch(&geometry, &model).unwrap(), sketch);
        }
        let whole = SectionPayload::parse(&payload, &geometry, 0).unwrap();
        let symbols = whole.decode(&geometry, &model).unwrap();
        assert_eq!((symbols.sketch, symbols.values), (sketch, coded.values));
        let cut = SectionPayload::parse(&payload[..enough + coded.detail.len() / 2], &geometry, 0).unwrap();
        assert!(cut.decode(&geometry, &model).is_err());
    }
}
