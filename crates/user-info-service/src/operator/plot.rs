//! One plot over time as SVG, in colours that the style sheet replaces: it knows each by its value, so that light and dark need one
//! drawing.

use std::error::Error;

use plotters::coord::ranged1d::{AsRangedCoord, DefaultFormatting, KeyPointHint, Ranged, ValueFormatter};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use super::words::clock;

/// In units that are pixels where the plot is 400 pixels wide: a phone, or a third of a desktop.
pub(crate) const SIZE: (u32, u32) = (400, 220);

/// Text and grid.
const INK: RGBColor = RGBColor(0x59, 0x63, 0x6e);
/// A promise that is drawn across.
const PROMISE: RGBColor = RGBColor(0xcf, 0x22, 0x2e);
/// The lines, in order.
const COLOURS: [RGBColor; 5] = [
    RGBColor(0x09, 0x69, 0xda),
    RGBColor(0xbc, 0x4c, 0x00),
    RGBColor(0x1a, 0x7f, 0x37),
    RGBColor(0x82, 0x50, 0xdf),
    RGBColor(0xbf, 0x39, 0x89),
];

/// plotters counts the height of a line of text; this makes letters of 12 units.
const TEXT: u32 = 15;

/// How values lie on the upright axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scale {
    /// From 0.
    Linear,
    /// In powers of ten, from this one: what is smaller is drawn there.
    Logarithmic(f64),
}

/// A line; it is interrupted between its runs.
pub(crate) type Runs = Vec<Vec<(f64, f64)>>;

/// What is drawn.
pub(crate) struct Plot<'a> {
    /// The left end, in milliseconds since the Unix epoch.
    pub(crate) from_ms: i64,
    /// How long it is, in milliseconds.
    pub(crate) length_ms: i64,
    /// How values lie.
    pub(crate) scale: Scale,
    /// The greatest value that has room at least.
    pub(crate) top: f64,
    /// A value in words.
    pub(crate) words: fn(f64) -> String,
    /// Points in seconds from the left end, and values.
    pub(crate) lines: &'a [Runs],
    /// Values that are drawn across.
    pub(crate) promises: &'a [f64],
}

impl Plot<'_> {
    /// What goes between `<svg …>` and `</svg>`.
    pub(crate) fn draw(&self) -> String {
        let mut svg = String::new();
        let top = self.lines.iter().flatten().flatten().map(|point| point.1).fold(self.top, f64::max);
        let drawn = match self.scale {
            Scale::Linear => self.draw_on(&mut svg, 0.0..top * 1.1),
            Scale::Logarithmic(bottom) => self.draw_on(&mut svg, decades(bottom, top).log_scale()),
        };
        drawn.expect("drawing into memory cannot fail");
        inner(&svg).to_owned()
    }

    fn draw_on<Y>(&self, svg: &mut String, values: Y) -> Result<(), Box<dyn Error>>
    where
        Y: AsRangedCoord<Value = f64>,
        Y::CoordDescType: ValueFormatter<f64>,
    {
        let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
        let text = ("sans-serif", TEXT).into_font().color(&INK);
        let seconds = self.length_ms as f64 / 1_000.0;
        let mut chart = ChartBuilder::on(&area)
            .margin_top(8)
            .margin_right(14)
            .x_label_area_size(24)
            .y_label_area_size(62)
            .build_cartesian_2d(Times { seconds: (0.0..seconds).into(), ticks: self.ticks() }, values)?;
        chart
            .configure_mesh()
            .axis_style(INK.mix(0.6))
            .bold_line_style(INK.mix(0.2))
            .light_line_style(TRANSPARENT)
            .label_style(text)
            .y_labels(6)
            .x_label_formatter(&|x| clock(self.from_ms + (*x * 1_000.0) as i64))
            .y_label_formatter(&|y| (self.words)(*y))
            .draw()?;
        for promise in self.promises {
            chart.draw_series([PathElement::new([(0.0, *promise), (seconds, *promise)], PROMISE.stroke_width(1))])?;
        }
        for (runs, colour) in self.lines.iter().zip(COLOURS) {
            for run in runs {
                chart.draw_series(LineSeries::new(run.iter().copied(), colour.stroke_width(2)))?;
            }
        }
        area.present()?;
        Ok(())
    }

    /// Round times, about five of them.
    fn ticks(&self) -> Vec<f64> {
        let step_ms = self.length_ms / 4;
        let first_ms = (self.from_ms / step_ms + 1) * step_ms;
        (0..5)
            .map(|index| (first_ms + index * step_ms - self.from_ms) as f64 / 1_000.0)
            .filter(|x| *x * 1_000.0 <= self.length_ms as f64)
            .collect()
    }
}

/// The level axis: seconds, marked at round times.
struct Times {
    seconds: RangedCoordf64,
    ticks: Vec<f64>,
}

impl Ranged for Times {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        self.seconds.map(value, limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> std::ops::Range<f64> {
        self.seconds.range()
    }
}

/// Whole powers of ten, a little more at both ends, so that rounding cuts off none.
fn decades(bottom: f64, top: f64) -> std::ops::Range<f64> {
    bottom * 0.999..10f64.powf(top.log10().ceil()) * 1.001
}

fn inner(svg: &str) -> &str {
    let begins = svg.find('>').map_or(0, |index| index + 1);
    svg[begins..].trim_end().trim_end_matches("</svg>").trim()
}
