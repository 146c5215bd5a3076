//! Heat maps as PNG files, with axes in the units of what they show: spectrograms, latents over time.

use std::io::Write;
use std::path::Path;

use kuva::backend::png::PngBackend;
use kuva::plot::{ColorMap, Heatmap};
use kuva::render::layout::Layout;
use kuva::render::plots::Plot;
use kuva::render::render::render_multiple;
use melisma_media::AtomicFile;

use crate::error::ReportError;
use crate::spectrogram::{Grid, Spectrogram};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 360.0;
/// A cell is a rectangle to the renderer; more of them than this take seconds to draw.
const MOST_COLUMNS: usize = 200;
const MOST_ROWS: usize = 128;

/// Numbers over two axes.
#[derive(Clone, Debug)]
pub struct HeatMap {
    /// Heading.
    pub title: String,
    /// Quantity and unit of the horizontal axis.
    pub x_label: String,
    /// Quantity and unit of the vertical axis.
    pub y_label: String,
    /// Places of the columns.
    pub x: Grid,
    /// Places of the rows; the first one is drawn at the bottom.
    pub y: Grid,
    /// `[row][column]`, rows of one length.
    pub values: Vec<Vec<f64>>,
    /// Values drawn in the first and the last colour; those beyond look the same.
    pub range: [f64; 2],
}

impl HeatMap {
    /// A spectrogram in dB, from `floor_db` to 0.
    #[must_use]
    pub fn of_spectrogram(title: impl Into<String>, picture: &Spectrogram, floor_db: f32) -> Self {
        let rows = picture.level_db.chunks_exact(picture.columns.max(1));
        Self {
            title: title.into(),
            x_label: "time in s".to_owned(),
            y_label: "frequency in Hz".to_owned(),
            x: picture.seconds,
            y: picture.hz,
            values: rows.map(|row| row.iter().map(|&db| f64::from(db)).collect()).collect(),
            range: [f64::from(floor_db), 0.0],
        }
    }

    /// Writes a PNG file.
    ///
    /// # Errors
    /// [`ReportError::Chart`], [`ReportError::Io`], [`ReportError::Media`].
    pub fn write(&self, path: &Path, overwrite: bool) -> Result<(), ReportError> {
        let png = PngBackend::new()
            .render_scene(&self.scene())
            .map_err(|what| ReportError::Chart { chart: self.title.clone(), what })?;
        let mut file = AtomicFile::create(path, overwrite)?;
        file.write_all(&png).map_err(ReportError::io(path))?;
        file.commit()?;
        Ok(())
    }

    fn scene(&self) -> kuva::render::render::Scene {
        let rows = self.values.len();
        let columns = self.values.first().map_or(0, Vec::len);
        let mut data = self.coarse();
        // The range of colours is that of the data, so its ends go in as two cells nobody misses.
        if let Some([first, .., end]) = data.last_mut().map(Vec::as_mut_slice) {
            (*first, *end) = (self.range[0], self.range[1]);
        }
        let span = |grid: Grid, count: usize| {
            let start = grid.first - grid.step / 2.0;
            (start, start + grid.step * count as f64)
        };
        let (x, y) = (span(self.x, columns), span(self.y, rows));
        let map = Heatmap::new()
            .with_data(data)
            .with_color_map(ColorMap::Inferno)
            .with_x_range(x.0, x.1)
            .with_y_range(y.0, y.1)
            .with_cell_size(1.0);
        let plots = vec![Plot::Heatmap(map)];
        let layout = Layout::auto_from_plots(&plots)
            .with_width(WIDTH)
            .with_height(HEIGHT)
            .with_title(&self.title)
            .with_x_label(&self.x_label)
            .with_y_label(&self.y_label);
        render_multiple(plots, layout)
    }

    /// Means of neighbouring cells, so that there are few enough; clamped to the range.
    fn coarse(&self) -> Vec<Vec<f64>> {
        let down = self.values.len().div_ceil(MOST_ROWS).max(1);
        self.values
            .chunks(down)
            .map(|rows| {
                let columns = rows.iter().map(Vec::len).min().unwrap_or(0);
                let across = columns.div_ceil(MOST_COLUMNS).max(1);
                let cell = |start: usize| {
                    let cells = rows.iter().flat_map(|row| &row[start..(start + across).min(columns)]);
                    let (sum, count) = cells.fold((0.0, 0), |(sum, count), value| (sum + value, count + 1));
                    (sum / f64::from(count)).clamp(self.range[0], self.range[1])
                };
                (0..columns).step_by(across).map(cell).collect()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_maps_are_averaged_and_written() {
        let values: Vec<Vec<f64>> = (0..300).map(|row| vec![f64::from(row); 1000]).collect();
        let grid = Grid { first: 0.0, step: 0.1 };
        let map = HeatMap {
            title: "rows".to_owned(),
            x_label: "time in s".to_owned(),
            y_label: "row".to_owned(),
            x: grid,
            y: grid,
            values,
            range: [0.0, 200.0],
        };
        let coarse = map.coarse();
        assert_eq!((coarse.len(), coarse[0].len()), (100, 200));
        assert_eq!((coarse[0][0], coarse[99][0]), (1.0, 200.0));
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("map.png");
        map.write(&path, false).expect("a file");
        assert!(std::fs::read(&path).expect("a file").starts_with(b"\x89PNG"));
    }
}
