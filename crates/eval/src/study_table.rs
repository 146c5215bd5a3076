//! The table of the study that the setting `study` follows: its latent sizes, with its own published figures
//! and what real codecs reach at the same rates.
//!
//! Source of the published figures: "Deep Autoencoders for Music Compression and Classification" (2019),
//! write-up and code on GitHub as `pgrady3/music-compression-web` and `pgrady3/music-compression`; the
//! downsampling figures are read off its plot. They were measured on its own test set: the study's RMSE
//! scales with loudness, so they are comparable with each other, and only in size with ours.

use crate::at_rate::at_rate;
use crate::bench_tables::at_rate_cell;
use crate::journal::Row;
use crate::metrics::Metric;
use crate::points::curves;
use crate::table::{Cell, Column, Table};

/// One model of the study, with its published figures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StudyModel {
    /// Values of a latent: the study's N.
    pub latent_size: u32,
    /// Latent size x 126 frames x 16 bit / 8.192 s. Nothing was quantised or coded; the true rate is twice that.
    pub nominal_kbps: f64,
    /// 128 kbit/s (8 kHz, 16 bit, mono) over the nominal rate.
    pub ratio: f64,
    /// Its published error.
    pub rmse: f64,
    /// The published error of downsampling to the nominal rate, read off a plot.
    pub downsampling_rmse: f64,
}

/// The study's models, by falling rate.
pub const MODELS: [StudyModel; 5] = [
    StudyModel { latent_size: 512, nominal_kbps: 126.0, ratio: 1.0, rmse: 0.867, downsampling_rmse: 0.00 },
    StudyModel { latent_size: 256, nominal_kbps: 63.0, ratio: 2.0, rmse: 0.803, downsampling_rmse: 0.48 },
    StudyModel { latent_size: 128, nominal_kbps: 31.5, ratio: 4.0, rmse: 0.929, downsampling_rmse: 0.81 },
    StudyModel { latent_size: 64, nominal_kbps: 15.7, ratio: 8.1, rmse: 1.24, downsampling_rmse: 1.19 },
    StudyModel { latent_size: 32, nominal_kbps: 7.9, ratio: 16.2, rmse: 1.61, downsampling_rmse: 1.53 },
];

/// Nominal rates of the study's models, kbit/s, rising.
#[must_use]
pub fn rates_kbps() -> Vec<f64> {
    MODELS.iter().rev().map(|model| model.nominal_kbps).collect()
}

/// Codecs that stand beside the study's, as far as they were measured.
pub const CODECS: [&str; 5] = ["downsample", "mp3", "opus", "aac", "melisma:mse"];

/// Caption of the table.
const NOTE: &str = "RMSE of the study's metric. Columns marked * are the study's published figures on its own test set, with nominal \
rates; the others are medians over our clips at the same rate in real bytes, log RMSE interpolated over log rate between measured \
points; where a codec has no points around a rate, its nearest one stands with its rate in kbit/s.";

/// The table; `rows` are of the setting `study`.
#[must_use]
pub fn study_table(rows: &[Row]) -> Table {
    let metric = Metric::StudyComplex8k;
    let curves = curves(rows, metric);
    let shown: Vec<&str> = CODECS.into_iter().filter(|codec| curves.contains_key(*codec)).collect();
    let mut columns =
        ["latent size", "kbit/s", "ratio", "autoencoder*", "downsampling*"].map(Column::number).to_vec();
    columns.extend(shown.iter().map(|codec| Column::number(*codec)));
    let line = |model: &StudyModel| {
        let mut cells = vec![
            Cell::count(model.latent_size as usize),
            Cell::number(model.nominal_kbps, model.nominal_kbps.to_string()),
            Cell::number(model.ratio, format!("{:.1}", model.ratio)),
            Cell::number(model.rmse, model.rmse.to_string()),
            Cell::number(model.downsampling_rmse, format!("{:.2}", model.downsampling_rmse)),
        ];
        let at = |codec: &&str| at_rate_cell(at_rate(&curves[*codec], model.nominal_kbps, metric), metric);
        cells.extend(shown.iter().map(at));
        cells
    };
    Table { caption: NOTE.to_owned(), columns, rows: MODELS.iter().map(line).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_model_with_the_nearest_point_where_none_brackets() {
        let mut row = Row { kbps: 8.3, ..Row::empty("study", "clip", "mp3", "8") };
        row.metrics.insert(Metric::StudyComplex8k, Some(0.3));
        let table = study_table(&[row]);
        assert_eq!(table.columns.last(), Some(&Column::number("mp3")));
        let last: Vec<&str> = table.rows[4].iter().map(|cell| cell.text.as_str()).collect();
        assert_eq!(last, ["32", "7.9", "16.2", "1.61", "1.53", "0.300 at 8.3"]);
        // The study's own arithmetic: latents x 126 frames x 16 bit in 8.192 s, one or two digits kept.
        for model in &MODELS {
            let kbps = f64::from(model.latent_size) * 126.0 * 16.0 / 8192.0;
            assert!((model.nominal_kbps / kbps - 1.0).abs() < 0.01, "{kbps}");
            assert!((model.ratio - 128.0 / kbps).abs() < 0.07, "{kbps}");
        }
    }
}
