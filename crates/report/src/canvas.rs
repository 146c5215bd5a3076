//! A surface to draw on that becomes an SVG or a PNG file: kuva's, which brings a font; what is drawn on it is ours.

use std::fmt::Write as _;

use kuva::backend::png::PngBackend;
use kuva::backend::svg::SvgBackend;
use kuva::render::color::Color;
use kuva::render::render::{PathData, Primitive, Scene, TextAnchor};

use crate::scale::Scale;

/// Size of labels in pixels.
pub const TEXT: u32 = 12;
/// Width of a letter of that size, about the mean of the font's.
pub const LETTER: f64 = 7.0;
const INK: &str = "#222222";
const LINE: &str = "#dddddd";
/// Pixels of a PNG to one of the SVG, for screens with small ones.
const PNG_SCALE: f32 = 2.0;

/// Where a text stands, relative to its place.
#[derive(Clone, Copy, Debug)]
pub enum Anchor {
    /// It begins there.
    Start,
    /// Its middle is there.
    Middle,
    /// It ends there.
    End,
}

/// The rectangle between the axes, in pixels.
#[derive(Clone, Copy, Debug)]
pub struct Inside {
    /// Left edge.
    pub left: f64,
    /// Right edge.
    pub right: f64,
    /// Upper edge.
    pub top: f64,
    /// Lower edge.
    pub bottom: f64,
}

/// A drawing in the making, in pixels from the upper left.
pub struct Canvas(Scene);

impl Canvas {
    /// A white surface.
    pub fn new(width: f64, height: f64) -> Self {
        let mut scene = Scene::new(width, height);
        scene.font_family = Some("DejaVu Sans, system-ui, sans-serif".to_owned());
        Self(scene.with_background(Some("white")))
    }

    /// A line of text, upright or, if `upwards`, read from below.
    pub fn text(&mut self, [x, y]: [f64; 2], content: &str, anchor: Anchor, upwards: bool) {
        self.sized_text([x, y], content, anchor, upwards, TEXT);
    }

    fn sized_text(&mut self, [x, y]: [f64; 2], content: &str, anchor: Anchor, upwards: bool, size: u32) {
        let anchor = match anchor {
            Anchor::Start => TextAnchor::Start,
            Anchor::Middle => TextAnchor::Middle,
            Anchor::End => TextAnchor::End,
        };
        self.0.add(Primitive::Text {
            x,
            y,
            content: content.to_owned(),
            size,
            anchor,
            rotate: upwards.then_some(-90.0),
            bold: false,
            color: Some(Color::from(INK)),
        });
    }

    /// A connected line through points.
    pub fn line(&mut self, points: Vec<(f64, f64)>, colour: &str, width: f64) {
        self.0.add(Primitive::PolyLine {
            points,
            stroke: Color::from(colour),
            stroke_width: width,
            stroke_dasharray: None,
        });
    }

    /// A filled area around a place: `outline` times `size`.
    pub fn mark(&mut self, [x, y]: [f64; 2], outline: &[[f64; 2]], size: f64, colour: &str) {
        let mut path = String::new();
        for (index, [dx, dy]) in outline.iter().enumerate() {
            let letter = if index == 0 { 'M' } else { 'L' };
            let written = write!(path, "{letter}{:.2} {:.2}", x + size * dx, y + size * dy);
            written.expect("a string takes everything");
        }
        path.push('Z');
        self.0.add(Primitive::Path(Box::new(PathData {
            d: path,
            fill: Some(Color::from(colour)),
            stroke: Color::None,
            stroke_width: 0.0,
            opacity: None,
            stroke_dasharray: None,
        })));
    }

    /// Filled rectangles, each as `[left, top, width, height]` with its colour.
    pub fn cells(&mut self, cells: impl Iterator<Item = ([f64; 4], [u8; 3])>) {
        let (mut x, mut y, mut w, mut h, mut fills) = (vec![], vec![], vec![], vec![], vec![]);
        for ([left, top, width, height], [red, green, blue]) in cells {
            x.push(left);
            y.push(top);
            w.push(width);
            h.push(height);
            fills.push(Color::Rgb(red, green, blue));
        }
        self.0.add(Primitive::RectBatch { x, y, w, h, fills });
    }

    /// Title, labels and two axes with their round values; `grid` draws lines at these.
    pub fn axes(&mut self, inside: Inside, title: &str, x: (&Scale, &str), y: (&Scale, &str), grid: bool) {
        let Inside { left, right, top, bottom } = inside;
        let middle = [f64::midpoint(left, right), f64::midpoint(top, bottom)];
        self.sized_text([middle[0], top - 14.0], title, Anchor::Middle, false, TEXT + 3);
        for (value, label) in x.0.ticks() {
            let place = x.0.place(value);
            if grid {
                self.line(vec![(place, top), (place, bottom)], LINE, 1.0);
            }
            self.line(vec![(place, bottom), (place, bottom + 4.0)], INK, 1.0);
            self.text([place, bottom + 18.0], &label, Anchor::Middle, false);
        }
        let mut widest = 0;
        for (value, label) in y.0.ticks() {
            let place = y.0.place(value);
            if grid {
                self.line(vec![(left, place), (right, place)], LINE, 1.0);
            }
            self.line(vec![(left - 4.0, place), (left, place)], INK, 1.0);
            self.text([left - 7.0, place + 4.0], &label, Anchor::End, false);
            widest = widest.max(label.len());
        }
        self.text([middle[0], bottom + 38.0], x.1, Anchor::Middle, false);
        self.text([left - 16.0 - LETTER * widest as f64, middle[1]], y.1, Anchor::Middle, true);
        self.line(vec![(left, top), (left, bottom), (right, bottom)], INK, 1.0);
    }

    /// The SVG file.
    pub fn svg(&self) -> String {
        SvgBackend::new().render_scene(&self.0)
    }

    /// The PNG file, or what kuva says.
    pub fn png(&self) -> Result<Vec<u8>, String> {
        PngBackend::new().with_scale(PNG_SCALE).render_scene(&self.0)
    }
}
