//! The pictures. Their ground is transparent and their colours are of middle brightness, so that they can be read on a
//! light page and on a dark one.

use std::error::Error;
use std::path::Path;

use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;
use user_info_upstream::simulator::activity::HOURLY_PERCENT;

use crate::graph::GraphFigures;
use crate::stream::StreamFigures;

type Drawn = Result<(), Box<dyn Error>>;
type Line = Vec<(f64, f64)>;

const SIZE: (u32, u32) = (860, 480);
const INK: RGBColor = RGBColor(0x76, 0x7f, 0x89);
const COLOURS: [RGBColor; 4] =
    [RGBColor(0x2f, 0x81, 0xf7), RGBColor(0xdb, 0x6d, 0x28), RGBColor(0x2d, 0xa0, 0x44), RGBColor(0xa3, 0x5c, 0xe0)];

/// What stands around the lines.
struct Labels {
    title: &'static str,
    x: &'static str,
    y: &'static str,
    legend: SeriesLabelPosition,
}

/// How many have how many followers, and follow how many.
pub(crate) fn degrees(path: &Path, graph: &GraphFigures) -> Drawn {
    let (followers, following) = (at_least(&graph.followers), at_least(&graph.following));
    let most = followers.last().map_or(1.0, |point| point.0);
    // A density with exponent 2.276 leaves a share beyond with exponent 1.276.
    let reference = [100.0, most].map(|degree: f64| (degree, 0.16 * (degree / 100.0).powf(-1.276))).to_vec();
    let labels = Labels {
        title: "Share of users with at least so many …",
        x: "number",
        y: "share of users",
        legend: SeriesLabelPosition::UpperRight,
    };
    let range = (1.0..most * 1.5).log_scale();
    let shares = (0.5 / f64::from(graph.users)..1.5).log_scale();
    let lines = [("followers", followers), ("followed", following), ("slope found for Twitter in 2010", reference)];
    draw(path, &labels, (range, |number| whole(*number)), (shares, |share| percent(*share)), &lines)
}

/// How much the busiest write.
pub(crate) fn activity(path: &Path, stream: &StreamFigures) -> Drawn {
    let mut counts: Vec<_> = stream.by_user.values().copied().collect();
    counts.sort_unstable_by(|one, other| other.cmp(one));
    let mut sum = 0;
    let mut shares: Line = Vec::new();
    for (rank, count) in counts.iter().enumerate() {
        sum += count;
        let busiest = 100.0 * (rank + 1) as f64 / f64::from(stream.users);
        // Points that would fall on one another are left out.
        if shares.last().is_none_or(|&(before, _)| busiest > before * 1.02) {
            shares.push((busiest, 100.0 * f64::from(sum) / stream.statuses as f64));
        }
    }
    let labels = Labels {
        title: "Statuses written by the busiest users",
        x: "busiest users, % of all",
        y: "statuses, % of all",
        legend: SeriesLabelPosition::UpperLeft,
    };
    let (x, y) = ((0.009..100.0).log_scale(), 0.0..101.0);
    let lines = [
        ("simulated", shares),
        ("Pew Research Center, US adults, 2019", vec![(10.0, 0.0), (10.0, 80.0), (0.009, 80.0)]),
    ];
    draw(path, &labels, (x, |number| plain(*number)), (y, |number| plain(*number)), &lines)
}

/// When users write, by their own clocks.
pub(crate) fn hours(path: &Path, stream: &StreamFigures) -> Drawn {
    let line = |shares: Vec<f64>| {
        let mean = shares.iter().sum::<f64>() / 24.0;
        shares.iter().enumerate().map(|(hour, share)| (hour as f64, 100.0 * share / mean)).collect()
    };
    let of_region = |name: &str| line(stream.by_hour[name].map(f64::from).to_vec());
    let labels = Labels {
        title: "Statuses by the hour of the author's day",
        x: "hour",
        y: "% of the average hour",
        legend: SeriesLabelPosition::UpperLeft,
    };
    let lines = [
        ("North America", of_region("North America")),
        ("Japan", of_region("Japan")),
        ("India", of_region("India")),
        ("stated", line(HOURLY_PERCENT.map(f64::from).to_vec())),
    ];
    draw(path, &labels, (0.0..23.0, |hour| plain(*hour)), (0.0..260.0, |share| plain(*share)), &lines)
}

/// How many accounts are away, as days go by.
pub(crate) fn lives(path: &Path, stream: &StreamFigures) -> Drawn {
    let line = |state: usize| {
        let days = stream.away.iter().enumerate();
        days.map(|(day, away)| ((day + 1) as f64, 100.0 * f64::from(away[state]) / f64::from(stream.users))).collect()
    };
    let labels = Labels {
        title: "Accounts that are away, compared with the beginning",
        x: "days of the world",
        y: "% of all accounts",
        legend: SeriesLabelPosition::UpperLeft,
    };
    let lines = [("suspended", line(0)), ("deactivated", line(1)), ("deleted", line(2))];
    draw(path, &labels, (0.0..f64::from(stream.days), |day| plain(*day)), (-2.0..4.0, |share| plain(*share)), &lines)
}

fn draw<X, Y>(
    path: &Path,
    labels: &Labels,
    (x, x_label): (X, fn(&f64) -> String),
    (y, y_label): (Y, fn(&f64) -> String),
    lines: &[(&str, Line)],
) -> Drawn
where
    X: AsRangedCoord<Value = f64>,
    Y: AsRangedCoord<Value = f64>,
    X::CoordDescType: ValueFormatter<f64>,
    Y::CoordDescType: ValueFormatter<f64>,
{
    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    let text = |size: u32| ("sans-serif", size).into_font().color(&INK);
    let mut chart = ChartBuilder::on(&area)
        .caption(labels.title, text(22))
        .margin(14)
        .x_label_area_size(48)
        .y_label_area_size(72)
        .build_cartesian_2d(x, y)?;
    chart
        .configure_mesh()
        .axis_style(INK)
        .bold_line_style(INK.mix(0.35))
        .light_line_style(TRANSPARENT)
        .label_style(text(15))
        .axis_desc_style(text(16))
        .x_desc(labels.x)
        .y_desc(labels.y)
        .x_label_formatter(&x_label)
        .y_label_formatter(&y_label)
        .draw()?;
    for ((name, line), colour) in lines.iter().zip(COLOURS) {
        let series = chart.draw_series(LineSeries::new(line.iter().copied(), colour.stroke_width(2)))?;
        series.label(*name).legend(move |(x, y)| PathElement::new([(x, y), (x + 22, y)], colour.stroke_width(3)));
    }
    chart
        .configure_series_labels()
        .position(labels.legend.clone())
        .label_font(text(15))
        .legend_area_size(30)
        .border_style(TRANSPARENT)
        .draw()?;
    area.present()?;
    Ok(())
}

/// For each number that there is, the share of values that are at least as great.
fn at_least(values: &[u32]) -> Line {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let total = sorted.len() as f64;
    let mut line: Line =
        sorted.iter().enumerate().map(|(below, &value)| (f64::from(value), 1.0 - below as f64 / total)).collect();
    line.dedup_by_key(|point| point.0);
    line.retain(|point| point.0 >= 1.0);
    line
}

fn whole(number: f64) -> String {
    format!("{number:.0}")
}

fn plain(number: f64) -> String {
    format!("{}", (number * 100.0).round() / 100.0)
}

fn percent(share: f64) -> String {
    format!("{} %", (share * 1e5).round() / 1e3)
}
