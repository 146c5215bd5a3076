//! Charts as files for documents: curves with intervals in, SVG and PNG out.

use std::io::Write;
use std::path::{Path, PathBuf};

use melisma_media::AtomicFile;

use crate::canvas::{Anchor, Canvas, Inside, LETTER};
use crate::error::ReportError;
use crate::scale::{Scale, Spacing};
use crate::section::{Chart, Point, Series};

/// Size in pixels without the legend, which stands on the right.
const WIDTH: f64 = 660.0;
const HEIGHT: f64 = 440.0;
/// Room for labels.
const LEFT: f64 = 80.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 52.0;
/// Half of a mark's size, and of the ends of intervals.
const MARK: f64 = 4.0;
/// Height of a line of the legend.
const LEGEND_LINE: f64 = 19.0;
/// A curve of more points has marks at about so many of them only.
const MOST_MARKS: usize = 16;

/// Writes each chart as `ID.svg` and `ID.png` into `folder`; answers the files.
///
/// # Errors
/// [`ReportError::Io`], [`ReportError::Media`], [`ReportError::Chart`].
pub fn write(charts: &[&Chart], folder: &Path, overwrite: bool) -> Result<Vec<PathBuf>, ReportError> {
    std::fs::create_dir_all(folder).map_err(ReportError::io(folder))?;
    let mut files = Vec::with_capacity(2 * charts.len());
    for chart in charts {
        let canvas = drawn(chart);
        let png = canvas.png().map_err(|what| ReportError::Chart { chart: chart.id.clone(), what })?;
        for (extension, bytes) in [("svg", canvas.svg().as_bytes()), ("png", &png)] {
            let path = folder.join(format!("{}.{extension}", chart.id));
            let mut file = AtomicFile::create(&path, overwrite)?;
            file.write_all(bytes).map_err(ReportError::io(&path))?;
            file.commit()?;
            files.push(path);
        }
    }
    Ok(files)
}

fn drawn(chart: &Chart) -> Canvas {
    let series: Vec<&Series> = chart.series.iter().filter(|series| !series.hidden).collect();
    let longest = series.iter().map(|series| series.name.chars().count()).max().unwrap_or(0);
    let legend_width = 44.0 + LETTER * longest as f64;
    let height = HEIGHT.max(TOP + LEGEND_LINE * series.len() as f64 + 10.0);
    let mut canvas = Canvas::new(WIDTH + legend_width, height);
    let inside = Inside { left: LEFT, right: WIDTH - 10.0, top: TOP, bottom: height - BOTTOM };
    let spacing = |log: bool, spacing| if log { spacing } else { Spacing::Linear };
    let points = || series.iter().flat_map(|series| &series.points);
    let x = Scale::around(
        spacing(chart.x.log, Spacing::Octaves),
        points().map(|point| point.x),
        [inside.left, inside.right],
    );
    let y = Scale::around(
        spacing(chart.y.log, Spacing::Decades),
        points().flat_map(|point| [point.low, point.high]),
        [inside.bottom, inside.top],
    );
    canvas.axes(inside, &chart.title, (&x, &chart.x.label), (&y, &chart.y.label), true);
    for series in &series {
        curve(&mut canvas, series, &x, &y);
    }
    for (index, series) in series.iter().enumerate() {
        let (left, middle) = (WIDTH + 6.0, TOP + LEGEND_LINE * (index as f64 + 0.5));
        canvas.line(vec![(left, middle), (left + 24.0, middle)], series.look.colour, 1.8);
        canvas.mark([left + 12.0, middle], &series.look.mark.outline(), MARK, series.look.colour);
        canvas.text([left + 31.0, middle + 4.0], &series.name, Anchor::Start, false);
    }
    canvas
}

fn curve(canvas: &mut Canvas, series: &Series, x: &Scale, y: &Scale) {
    // A logarithmic axis has no place for zero.
    let shown: Vec<&Point> = series.points.iter().filter(|p| x.has(p.x) && y.has(p.y)).collect();
    let colour = series.look.colour;
    canvas.line(shown.iter().map(|point| (x.place(point.x), y.place(point.y))).collect(), colour, 1.8);
    for point in shown.iter().filter(|point| y.has(point.low) && point.low < point.high) {
        let (across, low, high) = (x.place(point.x), y.place(point.low), y.place(point.high));
        canvas.line(vec![(across, low), (across, high)], colour, 1.0);
        for end in [low, high] {
            canvas.line(vec![(across - MARK, end), (across + MARK, end)], colour, 1.0);
        }
    }
    let outline = series.look.mark.outline();
    for point in shown.iter().step_by(shown.len().div_ceil(MOST_MARKS).max(1)) {
        canvas.mark([x.place(point.x), y.place(point.y)], &outline, MARK, colour);
    }
}
