//! A small hall: eight delay lines that feed each other through a Hadamard matrix, so the echoes
//! grow dense without colouring the sound.
//!
//! Method: Jot, Chaigne, "Digital delay networks for designing artificial reverberators" (AES 90, 1991).

/// Mutually prime-ish line lengths in seconds; a hall of about fifteen metres.
const LINE_SECONDS: [f64; 8] = [0.0297, 0.0371, 0.0411, 0.0437, 0.0533, 0.0617, 0.0679, 0.0743];
const PRE_DELAY_SECONDS: f64 = 0.018;
const DECAY_SECONDS: f64 = 1.7;
/// One-pole damping in the loop: air and curtains swallow the treble first.
const DAMPING_HZ: f64 = 4500.0;

struct Line {
    buffer: Vec<f32>,
    position: usize,
    gain: f32,
    damped: f32,
}

/// Feeds a mono or stereo `send` through the hall.
///
/// # Shapes
/// `send` and the answer: `[left, right][sample]`, the same length.
pub(crate) fn hall(send: &[Vec<f32>; 2], sample_rate_hz: u32) -> [Vec<f32>; 2] {
    let rate_hz = f64::from(sample_rate_hz);
    let mut lines: Vec<Line> = LINE_SECONDS
        .iter()
        .map(|seconds| Line {
            buffer: vec![0.0; ((seconds * rate_hz) as usize).max(1)],
            position: 0,
            // -60 dB after DECAY_SECONDS.
            gain: 10f64.powf(-3.0 * seconds / DECAY_SECONDS) as f32,
            damped: 0.0,
        })
        .collect();
    let damping = (1.0 - (-std::f64::consts::TAU * DAMPING_HZ / rate_hz).exp()) as f32;
    let pre_delay = (PRE_DELAY_SECONDS * rate_hz) as usize;
    let [mut wet_left, mut wet_right] = send.each_ref().map(|channel| Vec::with_capacity(channel.len()));
    for index in 0..send[0].len() {
        let (left, right) = match index.checked_sub(pre_delay) {
            Some(delayed) => (send[0][delayed], send[1][delayed]),
            None => (0.0, 0.0),
        };
        let mut taps = [0.0f32; 8];
        for (tap, line) in taps.iter_mut().zip(&mut lines) {
            let delayed = line.buffer[line.position] * line.gain;
            line.damped += damping * (delayed - line.damped);
            *tap = line.damped;
        }
        // Even lines are heard left, odd lines right.
        wet_left.push(taps[0] - taps[2] + taps[4] - taps[6]);
        wet_right.push(taps[1] - taps[3] + taps[5] - taps[7]);
        hadamard(&mut taps);
        for (number, (tap, line)) in taps.iter().zip(&mut lines).enumerate() {
            let input = if number % 2 == 0 { left } else { right };
            line.buffer[line.position] = tap + input;
            line.position = (line.position + 1) % line.buffer.len();
        }
    }
    [wet_left, wet_right]
}

/// In-place orthonormal Walsh-Hadamard transform.
fn hadamard(values: &mut [f32; 8]) {
    for step in [1, 2, 4] {
        for index in 0..8 {
            if index & step == 0 {
                let (a, b) = (values[index], values[index | step]);
                values[index] = a + b;
                values[index | step] = a - b;
            }
        }
    }
    for value in values {
        *value *= std::f32::consts::FRAC_1_SQRT_2 * 0.5;
    }
}
