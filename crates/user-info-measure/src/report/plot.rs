//! Pictures. Their ground is transparent and their colours are of middle brightness, so that they can be read on a light page and
//! on a dark one; a line's ends are marked, so that lines can be told apart without colours by following them from the legend.

use anyhow::{Result, anyhow};
use plotters::prelude::*;

use super::spread::Line;
use super::table::number;

const SIZE: (u32, u32) = (900, 500);
const INK: RGBColor = RGBColor(0x76, 0x7f, 0x89);
const COLOURS: [RGBColor; 8] = [
    RGBColor(0x2f, 0x81, 0xf7),
    RGBColor(0xdb, 0x6d, 0x28),
    RGBColor(0x2d, 0xa0, 0x44),
    RGBColor(0xa3, 0x5c, 0xe0),
    RGBColor(0xd4, 0x3b, 0x5b),
    RGBColor(0x1b, 0x9a, 0xaa),
    RGBColor(0xb0, 0x8a, 0x00),
    RGBColor(0x8a, 0x6d, 0x5a),
];

/// What stands around the lines. Both axes are logarithmic.
pub(crate) struct Labels {
    pub(crate) title: String,
    pub(crate) x: &'static str,
    pub(crate) y: &'static str,
    /// How a place on the first axis is written.
    pub(crate) x_words: fn(f64) -> String,
}

/// Draws lines as SVG; none of their numbers may be zero or below.
pub(crate) fn lines(labels: &Labels, lines: &[(String, Line)]) -> Result<String> {
    let mut drawing = String::new();
    draw(&mut drawing, labels, lines).map_err(|error| anyhow!("drawing {:?}: {error}", labels.title))?;
    Ok(drawing)
}

fn draw(drawing: &mut String, labels: &Labels, lines: &[(String, Line)]) -> Result<(), Box<dyn std::error::Error>> {
    let points = || lines.iter().flat_map(|(_, line)| line.iter());
    let (x, y) = (range(points().map(|point| point.0)), range(points().map(|point| point.1)));
    let area = SVGBackend::with_string(drawing, SIZE).into_drawing_area();
    let text = |size: u32| ("sans-serif", size).into_font().color(&INK);
    let mut chart = ChartBuilder::on(&area)
        .caption(&labels.title, text(20))
        .margin(14)
        .x_label_area_size(48)
        .y_label_area_size(72)
        .build_cartesian_2d((x.0..x.1).log_scale(), (y.0..y.1).log_scale())?;
    chart
        .configure_mesh()
        .axis_style(INK)
        .bold_line_style(INK.mix(0.35))
        .light_line_style(TRANSPARENT)
        .label_style(text(14))
        .axis_desc_style(text(16))
        .x_desc(labels.x)
        .y_desc(labels.y)
        .x_label_formatter(&|x| (labels.x_words)(*x))
        .y_label_formatter(&|y| number(*y))
        .draw()?;
    for ((name, line), colour) in lines.iter().zip(COLOURS.into_iter().cycle()) {
        let series = LineSeries::new(line.iter().copied(), colour.stroke_width(2)).point_size(2);
        let series = chart.draw_series(series)?;
        series.label(name).legend(move |(x, y)| PathElement::new([(x, y), (x + 22, y)], colour.stroke_width(3)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .label_font(text(14))
        .legend_area_size(30)
        .border_style(TRANSPARENT)
        .draw()?;
    area.present()?;
    drop(chart);
    Ok(())
}

/// From the least to the most, with some room.
fn range(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let least = values.clone().fold(f64::INFINITY, f64::min);
    let most = values.fold(0.0, f64::max);
    if least < most { (least * 0.8, most * 1.25) } else { (most * 0.5, most * 2.0) }
}
