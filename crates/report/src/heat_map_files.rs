//! Heat maps as PNG files, with axes in the units of what they show: spectrograms, latents over time.

use std::io::Write;
use std::path::Path;

use melisma_media::AtomicFile;

use crate::canvas::{Anchor, Canvas, Inside};
use crate::error::ReportError;
use crate::palette::{RAMP, ramp_colour};
use crate::scale::{Scale, Spacing};
use crate::section::HeatMap;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 360.0;
/// Width of the bar of colours, and of the room for it.
const BAR: f64 = 14.0;
const BAR_ROOM: f64 = 80.0;
/// A cell is a rectangle to the renderer; more of them than this take seconds to draw.
const MOST_COLUMNS: usize = 200;
const MOST_ROWS: usize = 128;

/// Writes a PNG file. Of large maps, means of neighbouring cells are drawn.
///
/// # Errors
/// [`ReportError::Chart`], [`ReportError::Io`], [`ReportError::Media`].
pub fn write(map: &HeatMap, path: &Path, overwrite: bool) -> Result<(), ReportError> {
    let png = drawn(map).png().map_err(|what| ReportError::Chart { chart: map.title.clone(), what })?;
    let mut file = AtomicFile::create(path, overwrite)?;
    file.write_all(&png).map_err(ReportError::io(path))?;
    file.commit()?;
    Ok(())
}

fn drawn(map: &HeatMap) -> Canvas {
    let mut canvas = Canvas::new(WIDTH, HEIGHT);
    let inside = Inside { left: 80.0, right: WIDTH - BAR_ROOM, top: 40.0, bottom: HEIGHT - 52.0 };
    let data = coarse(&map.values);
    let (rows, columns) = (data.len(), data.first().map_or(0, Vec::len));
    let ends = |first: f64, step: f64, count: usize| {
        let start = first - step / 2.0;
        [start, start + step * count.max(1) as f64]
    };
    let all_columns = map.values.first().map_or(0, Vec::len);
    let x_ends = ends(map.columns.first, map.columns.step, all_columns);
    let y_ends = ends(map.rows.first, map.rows.step, map.values.len());
    let x = Scale::between(Spacing::Linear, x_ends, [inside.left, inside.right]);
    let y = Scale::between(Spacing::Linear, y_ends, [inside.bottom, inside.top]);

    let [low, high] = map.range.map(f64::from);
    let colour = |value: f64| ramp_colour(&RAMP, (value - low) / (high - low));
    let width = (inside.right - inside.left) / columns.max(1) as f64;
    let height = (inside.bottom - inside.top) / rows.max(1) as f64;
    let place = |row: usize, column: usize| {
        let left = inside.left + width * column as f64;
        // Neighbours overlap by half a pixel, else the background would shine through between them.
        [left, inside.bottom - height * (row + 1) as f64, width + 0.5, height + 0.5]
    };
    canvas.cells(data.iter().enumerate().flat_map(|(row, values)| {
        values.iter().enumerate().map(move |(column, &value)| (place(row, column), colour(value)))
    }));
    canvas.axes(inside, &map.title, (&x, &map.x.label), (&y, &map.y.label), false);

    let bar = Scale::between(Spacing::Linear, [low, high], [inside.bottom, inside.top]);
    let left = inside.right + 12.0;
    let steps = (inside.bottom - inside.top) as usize;
    canvas.cells((0..steps).map(|step| {
        let value = low + (high - low) * (step as f64 + 0.5) / steps as f64;
        ([left, inside.bottom - step as f64 - 1.0, BAR, 1.5], colour(value))
    }));
    for (value, label) in bar.ticks() {
        canvas.text([left + BAR + 4.0, bar.place(value) + 4.0], &label, Anchor::Start, false);
    }
    canvas.text([left + BAR / 2.0, inside.top - 8.0], &map.unit, Anchor::Middle, false);
    canvas
}

/// Means of neighbouring cells, so that there are few enough.
fn coarse(values: &[Vec<f32>]) -> Vec<Vec<f64>> {
    let down = values.len().div_ceil(MOST_ROWS).max(1);
    values
        .chunks(down)
        .map(|rows| {
            let columns = rows.iter().map(Vec::len).min().unwrap_or(0);
            let across = columns.div_ceil(MOST_COLUMNS).max(1);
            let cell = |start: usize| {
                let cells = rows.iter().flat_map(|row| &row[start..(start + across).min(columns)]);
                let (sum, count) = cells.fold((0.0, 0), |(sum, count), &x| (sum + f64::from(x), count + 1));
                sum / f64::from(count)
            };
            (0..columns).step_by(across).map(cell).collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::section::Axis;
    use crate::spectrogram::Grid;

    #[test]
    fn large_maps_are_averaged_and_written() {
        let axis = |label: &str| Axis { label: label.to_owned(), log: false };
        let grid = Grid { first: 0.0, step: 0.1 };
        let map = HeatMap {
            title: "rows".to_owned(),
            x: axis("time, s"),
            columns: grid,
            y: axis("row"),
            rows: grid,
            unit: "level".to_owned(),
            values: (0..300u16).map(|row| vec![f32::from(row); 1000]).collect(),
            range: [0.0, 200.0],
        };
        let coarse = coarse(&map.values);
        assert_eq!((coarse.len(), coarse[0].len()), (100, 200));
        assert_eq!((coarse[0][0], coarse[99][0]), (1.0, 298.0));
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("map.png");
        write(&map, &path, false).expect("a file");
        assert!(std::fs::read(&path).expect("a file").starts_with(b"\x89PNG"));
        assert!(write(&map, &path, false).is_err(), "it exists");
        // The colours of the lowest and of the highest row, and of the axes' labels.
        let svg = drawn(&map).svg();
        for expected in ["#440356", "#fde725", "time, s", "level"] {
            assert!(svg.contains(expected), "{expected}");
        }
    }
}
