//! Charts as files for documents: SVG and PNG, drawn by kuva, which brings its own font.

use std::io::Write;
use std::path::{Path, PathBuf};

use kuva::backend::png::PngBackend;
use kuva::backend::svg::SvgBackend;
use kuva::plot::{LinePlot, MarkerShape, ScatterPlot};
use kuva::render::layout::{Layout, TickFormat};
use kuva::render::plots::Plot;
use kuva::render::render::{Scene, render_multiple};
use melisma_media::AtomicFile;

use crate::error::ReportError;
use crate::section::{Chart, Point};
use crate::text::number;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 440.0;
/// Room beside the outermost points of a logarithmic axis, as a factor.
const MARGIN: f64 = 1.15;
/// Shapes by series, so that curves differ without their colours.
const MARKERS: [MarkerShape; 5] = [
    MarkerShape::Circle,
    MarkerShape::Square,
    MarkerShape::Triangle,
    MarkerShape::Diamond,
    MarkerShape::TriangleDown,
];

/// Writes each chart as `ID.svg` and `ID.png` into `folder`; answers the files.
///
/// # Errors
/// [`ReportError::Io`], [`ReportError::Media`], [`ReportError::Chart`].
pub fn write(charts: &[&Chart], folder: &Path, overwrite: bool) -> Result<Vec<PathBuf>, ReportError> {
    std::fs::create_dir_all(folder).map_err(ReportError::io(folder))?;
    let mut files = Vec::with_capacity(2 * charts.len());
    for chart in charts {
        let scene = scene(chart);
        let png = PngBackend::new()
            .render_scene(&scene)
            .map_err(|what| ReportError::Chart { chart: chart.id.clone(), what })?;
        let svg = SvgBackend::new().render_scene(&scene);
        for (extension, bytes) in [("svg", svg.as_bytes()), ("png", &png)] {
            let path = folder.join(format!("{}.{extension}", chart.id));
            let mut file = AtomicFile::create(&path, overwrite)?;
            file.write_all(bytes).map_err(ReportError::io(&path))?;
            file.commit()?;
            files.push(path);
        }
    }
    Ok(files)
}

fn scene(chart: &Chart) -> Scene {
    let mut plots = Vec::new();
    for series in chart.series.iter().filter(|series| !series.hidden) {
        // A logarithmic axis has no place for zero.
        let shown = |p: &&Point| (!chart.x.log || p.x > 0.0) && (!chart.y.log || p.y > 0.0 && p.low > 0.0);
        let points: Vec<&Point> = series.points.iter().filter(shown).collect();
        let places = || points.iter().map(|p| (p.x, p.y));
        let line = LinePlot::new()
            .with_data(places())
            .with_y_err_asymmetric(points.iter().map(|p| ((p.y - p.low).max(0.0), (p.high - p.y).max(0.0))))
            .with_color(&series.colour)
            .with_stroke_width(1.8);
        let markers = ScatterPlot::new()
            .with_data(places())
            .with_color(&series.colour)
            .with_marker(MARKERS[series.marker % MARKERS.len()])
            .with_size(3.5)
            .with_legend(&series.name);
        plots.extend([Plot::Line(line), Plot::Scatter(markers)]);
    }
    let mut layout = Layout::auto_from_plots(&plots)
        .with_width(WIDTH)
        .with_height(HEIGHT)
        .with_title(&chart.title)
        .with_x_label(&chart.x.label)
        .with_y_label(&chart.y.label)
        .with_tick_format(TickFormat::Custom(std::sync::Arc::new(tick)));
    // Else a logarithmic axis would run from one power of ten to the next.
    let shown = || chart.series.iter().filter(|series| !series.hidden).flat_map(|series| &series.points);
    if let Some((low, high)) = chart.x.log.then(|| range(shown().map(|p| (p.x, p.x)))).flatten() {
        layout = layout.with_log_x().with_x_axis_min(low).with_x_axis_max(high);
    }
    if let Some((low, high)) = chart.y.log.then(|| range(shown().map(|p| (p.low, p.high)))).flatten() {
        layout = layout.with_log_y().with_y_axis_min(low).with_y_axis_max(high);
    }
    render_multiple(plots, layout)
}

/// Ends of a logarithmic axis with room to spare; none without anything above zero.
fn range(intervals: impl Iterator<Item = (f64, f64)>) -> Option<(f64, f64)> {
    let above_zero = intervals.filter(|(low, _)| *low > 0.0);
    let (low, high) =
        above_zero.fold((f64::INFINITY, 0.0), |(low, high), next| (next.0.min(low), next.1.max(high)));
    (low <= high).then_some((low / MARGIN, high * MARGIN))
}

/// `0.002`, `8`, `100`: no zeros that say nothing.
fn tick(value: f64) -> String {
    let text = number(value);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}
