//! Where users live, which decides when they are awake and what they speak.

use crate::simulator::vocabulary::{self, Vocabulary};

/// A part of the world with one language and one time zone.
#[derive(Debug)]
pub struct Region {
    /// What it is called in reports.
    pub name: &'static str,
    /// How many of a hundred users live there.
    pub percent: u32,
    /// How far its clocks are ahead of UTC, all year.
    pub utc_offset_minutes: i32,
    /// Two letters, as in `withheld_in_countries`.
    pub country_code: &'static str,
    /// Degrees of latitude and longitude of its middle.
    pub(super) middle: (f64, f64),
    pub(super) vocabulary: &'static Vocabulary,
}

/// All regions; their percents add up to 100. Languages of every kind of script are among them: right to left, joined by
/// zero-width characters, with combining marks, without spaces.
pub static REGIONS: [Region; 10] = [
    region("North America", 28, -5 * 60, "US", (40.7, -74.0), &vocabulary::ENGLISH),
    region("Japan", 18, 9 * 60, "JP", (35.7, 139.7), &vocabulary::JAPANESE),
    region("Latin America", 12, -6 * 60, "MX", (19.4, -99.1), &vocabulary::SPANISH),
    region("Brazil", 10, -3 * 60, "BR", (-23.5, -46.6), &vocabulary::PORTUGUESE),
    region("Arabia", 9, 3 * 60, "SA", (24.7, 46.7), &vocabulary::ARABIC),
    region("Britain", 8, 0, "GB", (51.5, -0.1), &vocabulary::ENGLISH),
    region("India", 6, 5 * 60 + 30, "IN", (28.6, 77.2), &vocabulary::HINDI),
    region("Türkiye", 4, 3 * 60, "TR", (41.0, 28.9), &vocabulary::TURKISH),
    region("France", 3, 60, "FR", (48.9, 2.4), &vocabulary::FRENCH),
    region("Iran", 2, 3 * 60 + 30, "IR", (35.7, 51.4), &vocabulary::PERSIAN),
];

const fn region(
    name: &'static str,
    percent: u32,
    utc_offset_minutes: i32,
    country_code: &'static str,
    middle: (f64, f64),
    vocabulary: &'static Vocabulary,
) -> Region {
    Region { name, percent, utc_offset_minutes, country_code, middle, vocabulary }
}
