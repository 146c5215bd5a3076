//! The test signal: sines with vibrato, and clicks that give a correlation its sharp peak. Our own,
//! a pure function of rate, channel and time.

/// `[channel][sample]`, within -0.9..0.9.
pub fn synthesise(sample_rate_hz: u32, channel_count: usize, samples: usize) -> Vec<Vec<f32>> {
    let rate = f64::from(sample_rate_hz);
    (0..channel_count)
        .map(|channel| {
            let pitch = 220.0 * (channel + 1) as f64;
            (0..samples)
                .map(|n| {
                    let t = n as f64 / rate;
                    let turn = std::f64::consts::TAU;
                    let vibrato = 0.8 * (turn * 5.0 * t).sin();
                    let tone =
                        0.3 * (turn * pitch * t + vibrato).sin() + 0.1 * (turn * 3.1 * pitch * t).sin();
                    // Every 4801 samples (a prime, so no frame size divides it), 8 samples long.
                    let phase = (n + 50 * channel) % 4801;
                    let click =
                        if phase < 8 { 0.4 * (0.5 - 0.5 * (turn * phase as f64 / 8.0).cos()) } else { 0.0 };
                    (tone + click) as f32
                })
                .collect()
        })
        .collect()
}

/// A 16-bit WAV file of planar samples.
pub fn wav16(sample_rate_hz: u32, channels: &[Vec<f32>]) -> Vec<u8> {
    let samples = channels[0].len();
    let data_bytes = (samples * channels.len() * 2) as u32;
    let mut file = Vec::with_capacity(44 + data_bytes as usize);
    file.extend(b"RIFF");
    file.extend((36 + data_bytes).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16u32.to_le_bytes());
    file.extend(1u16.to_le_bytes());
    file.extend((channels.len() as u16).to_le_bytes());
    file.extend(sample_rate_hz.to_le_bytes());
    file.extend((sample_rate_hz * channels.len() as u32 * 2).to_le_bytes());
    file.extend((channels.len() as u16 * 2).to_le_bytes());
    file.extend(16u16.to_le_bytes());
    file.extend(b"data");
    file.extend(data_bytes.to_le_bytes());
    for n in 0..samples {
        for channel in channels {
            file.extend(((channel[n] * 32_768.0).round() as i16).to_le_bytes());
        }
    }
    file
}
