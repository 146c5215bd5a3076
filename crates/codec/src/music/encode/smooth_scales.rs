//! Smoothing of scales in time: the sequence that is cheapest to send among those close to the measured one.
//! Scale frames in, scale frames out.
//!
//! A Viterbi search per channel and base band: staying costs little, moving costs more the further, and a
//! deviation of `d` scale steps costs `d^2 / lambda` bits (Forney 1973, "The Viterbi algorithm").

use crate::music::{geometry::Geometry, sketch::ScaleFrame, step::MAX_SCALE_INDEX};

/// Bits of a scale that moves by `distance` steps, as the trained sketch model spends them on average.
fn move_bits(distance: usize) -> f32 {
    match distance {
        0 => 0.5,
        1 => 2.6,
        _ => 2.6 + 0.9 * (distance as f32 - 1.0),
    }
}

/// How far the search goes from the measured value on either side, in scale steps.
const REACH: usize = 3;
const STATES: usize = 2 * REACH + 1;

/// Replaces the scales of a section by smoother ones; `lambda` is how many squared scale steps a bit is worth, 0 to leave
/// them alone.
///
/// # Shapes
/// `sizes`: `[frame]`, base-two logarithms of the samples of the block that each frame belongs to.
pub fn smooth_scales(geometry: &Geometry, sizes: &[u8], frames: &mut [ScaleFrame], lambda: f32) {
    if lambda <= 0.0 {
        return;
    }
    for channel in 0..geometry.channel_count {
        for base in 0..geometry.base_bands {
            let at = channel * geometry.base_bands + base;
            let measured: Vec<u8> = frames.iter().map(|frame| frame[at]).collect();
            for (frame, value) in frames.iter_mut().zip(cheapest_path(&measured, lambda)) {
                frame[at] = value;
            }
        }
    }
    // Merged bands hold one value: that of their middle.
    for (&size, frame) in sizes.iter().zip(frames) {
        let layout = geometry.layout(size);
        for channel in 0..geometry.channel_count {
            for band in 0..layout.count() {
                let bases = layout.base_bands(band);
                let begin = channel * geometry.base_bands;
                let middle = frame[begin + (bases.start + bases.end - 1) / 2];
                frame[begin + bases.start..begin + bases.end].fill(middle);
            }
        }
    }
}

/// The path through time that costs least, by what it sends and how far it is from `measured`, `[frame]`.
fn cheapest_path(measured: &[u8], lambda: f32) -> Vec<u8> {
    let value = |time: usize, state: usize| {
        // Silence stays silence, and nothing else becomes it.
        if measured[time] == 0 {
            0
        } else {
            (i32::from(measured[time]) + state as i32 - REACH as i32).clamp(1, i32::from(MAX_SCALE_INDEX))
        }
    };
    let deviation = |time: usize, state: usize| {
        let distance = (value(time, state) - i32::from(measured[time])) as f32;
        distance * distance / lambda
    };
    let mut costs: [f32; STATES] =
        std::array::from_fn(|state| if measured.is_empty() { 0.0 } else { deviation(0, state) });
    let mut origins: Vec<[u8; STATES]> = Vec::with_capacity(measured.len());
    for time in 1..measured.len() {
        let mut from = [0u8; STATES];
        let mut next = [f32::INFINITY; STATES];
        for state in 0..STATES {
            for (origin, &cost) in costs.iter().enumerate() {
                let distance = value(time, state).abs_diff(value(time - 1, origin)) as usize;
                let cost = cost + move_bits(distance);
                if cost < next[state] {
                    (next[state], from[state]) = (cost, origin as u8);
                }
            }
            next[state] += deviation(time, state);
        }
        costs = next;
        origins.push(from);
    }
    let mut state = (0..STATES).min_by(|&a, &b| costs[a].total_cmp(&costs[b])).unwrap_or(REACH);
    let mut path = vec![0u8; measured.len()];
    for time in (0..measured.len()).rev() {
        path[time] = value(time, state) as u8;
        if time > 0 {
            state = usize::from(origins[time - 1][state]);
        }
    }
    path
}
