//! Tables, for pages and for texts.

use super::spread::Spread;

/// A table whose first column names the rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    pub(crate) caption: String,
    pub(crate) headings: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn in_markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let rule = vec!["---".to_owned(); self.headings.len()];
        let rows: String = self.rows.iter().map(|row| line(row)).collect();
        format!("**{}**\n\n{}{}{rows}", self.caption, line(&self.headings), line(&rule))
    }
}

/// The middle of all runs, and between which they were.
pub(crate) fn cell(spread: Option<Spread>) -> String {
    let Some(Spread { least, middle, most }) = spread else { return "–".into() };
    if least == most {
        return number(middle);
    }
    format!("{} ({} – {})", number(middle), number(least), number(most))
}

/// Three digits that matter, thousands apart.
pub(crate) fn number(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude >= 1_000.0 {
        return grouped(rounded(value));
    }
    let digits = match magnitude {
        _ if magnitude >= 100.0 || value == 0.0 => 0,
        _ if magnitude >= 10.0 => 1,
        _ if magnitude >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.digits$}")
}

/// To three digits.
fn rounded(value: f64) -> u64 {
    let unit = 10_f64.powf(value.abs().log10().floor() - 2.0);
    ((value / unit).round() * unit).round() as u64
}

fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let head = digits.len() % 3;
    let (first, rest) = digits.split_at(head);
    let groups = rest.as_bytes().chunks(3).map(|group| String::from_utf8_lossy(group).into_owned());
    let first = if first.is_empty() { None } else { Some(first.to_owned()) };
    first.into_iter().chain(groups).collect::<Vec<String>>().join(",")
}
