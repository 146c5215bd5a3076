//! The table of the study that the track `study` follows: its latent sizes, with its own published figures
//! and what real codecs reach at the same rates.
//!
//! Source of the published figures: "Deep Autoencoders for Music Compression and Classification" (2019),
//! write-up and code on GitHub as `pgrady3/music-compression-web` and `pgrady3/music-compression`; the
//! downsampling figures are read off its plot. They were measured on its own test set: the study's RMSE
//! scales with loudness, so they are comparable with each other, and only in size with ours.

use crate::at_rate::{at_rate, curve};
use crate::journal::Row;
use crate::metrics::Metric;
use crate::table::{Table, at_rate_cell};

/// One model of the study, with its published figures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Model {
    /// Its N.
    pub latent_size: u32,
    /// Latent size x 126 frames x 16 bit / 8.192 s. Nothing was quantised or coded; the true rate is twice that.
    pub nominal_kbps: f64,
    /// 128 kbit/s (8 kHz, 16 bit, mono) over the nominal rate.
    pub ratio: f64,
    /// Of the model.
    pub rmse: f64,
    /// Of downsampling to the nominal rate, read off a plot.
    pub downsampling_rmse: f64,
}

/// The study's models.
pub const MODELS: [Model; 5] = [
    Model { latent_size: 512, nominal_kbps: 126.0, ratio: 1.0, rmse: 0.867, downsampling_rmse: 0.00 },
    Model { latent_size: 256, nominal_kbps: 63.0, ratio: 2.0, rmse: 0.803, downsampling_rmse: 0.48 },
    Model { latent_size: 128, nominal_kbps: 31.5, ratio: 4.0, rmse: 0.929, downsampling_rmse: 0.81 },
    Model { latent_size: 64, nominal_kbps: 15.7, ratio: 8.1, rmse: 1.24, downsampling_rmse: 1.19 },
    Model { latent_size: 32, nominal_kbps: 7.9, ratio: 16.2, rmse: 1.61, downsampling_rmse: 1.53 },
];

/// Rates of the study's models, rising: the default of its track.
#[must_use]
pub fn rates_kbps() -> Vec<f64> {
    MODELS.iter().rev().map(|model| model.nominal_kbps).collect()
}

/// Codecs shown beside the study, as far as there are any.
const CODECS: [&str; 5] = ["downsample", "mp3", "opus", "aac", "melisma:mse"];

/// What the table means, to stand below it.
pub const NOTE: &str = "RMSE of the study's metric. Columns marked * are the study's published figures on its own test set, with nominal \
rates; the others are medians over our clips at the same rate in real bytes, log RMSE interpolated over log rate between measured \
points; where a codec has no points around a rate, its nearest one stands with its rate in kbit/s.";

/// The table; `rows` are of the track `study`.
#[must_use]
pub fn study_table(rows: &[Row]) -> Table {
    let metric = Metric::StudyComplex8k;
    let curves: Vec<_> = CODECS.iter().map(|codec| (*codec, curve(rows, codec, metric))).collect();
    let curves: Vec<_> = curves.into_iter().filter(|(_, curve)| !curve.is_empty()).collect();
    let mut headings: Vec<String> =
        ["latent size", "kbit/s", "ratio", "autoencoder*", "downsampling*"].map(str::to_string).to_vec();
    headings.extend(curves.iter().map(|(codec, _)| (*codec).to_string()));
    let line = |model: &Model| {
        let mut cells = vec![
            model.latent_size.to_string(),
            model.nominal_kbps.to_string(),
            format!("{:.1}", model.ratio),
            model.rmse.to_string(),
            format!("{:.2}", model.downsampling_rmse),
        ];
        let ours =
            |(_, curve): &(&str, Vec<_>)| at_rate_cell(at_rate(curve, model.nominal_kbps, metric), metric);
        cells.extend(curves.iter().map(ours));
        cells
    };
    Table { headings, rows: MODELS.iter().map(line).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_model_with_the_nearest_point_where_none_brackets() {
        let mut row = Row { kbps: 8.3, ..Row::empty("study", "clip", "mp3", "8") };
        row.metrics.insert(Metric::StudyComplex8k, Some(0.3));
        let table = study_table(&[row]);
        assert_eq!(table.headings.last().map(String::as_str), Some("mp3"));
        assert_eq!(table.rows[4], ["32", "7.9", "16.2", "1.61", "1.53", "0.300 at 8.3"]);
        // The study's own arithmetic: latents x 126 frames x 16 bit in 8.192 s, one or two digits kept.
        for model in &MODELS {
            let kbps = f64::from(model.latent_size) * 126.0 * 16.0 / 8192.0;
            assert!((model.nominal_kbps / kbps - 1.0).abs() < 0.01, "{kbps}");
            assert!((model.ratio - 128.0 / kbps).abs() < 0.07, "{kbps}");
        }
    }
}
