//! Pictures for users whose own are not shown: a landscape drawn from the id, the same on every instance. Pure.

use askama::Template;
use xxhash_rust::xxh3::xxh3_64;

/// The side of an avatar, in the units of its drawing.
const AVATAR_SIDE: u64 = 200;

/// Width and height of a banner, three to one, in the units of its drawing.
const BANNER: (u64, u64) = (1_500, 500);

/// The avatar of this user, as SVG.
pub(super) fn avatar(user: &str) -> String {
    landscape(user, AVATAR_SIDE, AVATAR_SIDE)
}

/// The banner of this user, as SVG.
pub(super) fn banner(user: &str) -> String {
    landscape(user, BANNER.0, BANNER.1)
}

/// A sky, a sun and three ridges, the nearest the darkest. Avatar and banner of a user have the same colours.
#[derive(Template)]
#[template(path = "landscape.svg")]
struct Landscape {
    width: u64,
    height: u64,
    /// Degrees on the wheel of colours, of the top of the sky, the horizon and the earth.
    hue: u64,
    horizon: u64,
    earth: u64,
    sun_x: u64,
    sun_y: u64,
    sun: u64,
    ridges: [Ridge; 3],
}

struct Ridge {
    outline: String,
    /// Percentages.
    saturation: u64,
    lightness: u64,
}

fn landscape(user: &str, width: u64, height: u64) -> String {
    let mut chance = Chance(xxh3_64(user.as_bytes()));
    let hue = chance.below(360);
    let landscape = Landscape {
        width,
        height,
        hue,
        horizon: (hue + 45) % 360,
        earth: (hue + 25) % 360,
        sun_x: width * (20 + chance.below(60)) / 100,
        sun_y: height * (32 + chance.below(14)) / 100,
        sun: height * (9 + chance.below(5)) / 100,
        ridges: [(58, 46, 52), (72, 44, 38), (86, 48, 24)].map(|(level, saturation, lightness)| Ridge {
            outline: outline(&mut chance, width, height, level),
            saturation,
            lightness,
        }),
    };
    landscape.render().expect("templates only write text to memory")
}

/// A line of hills from left to right at about this percentage of the height, closed at the bottom.
fn outline(chance: &mut Chance, width: u64, height: u64, level: u64) -> String {
    let mut y = || height * (level - 12 + chance.below(25)) / 100;
    let (start, first, second, middle, third, end) = (y(), y(), y(), y(), y(), y());
    format!(
        "M0 {start}C{} {first} {} {second} {} {middle}S{} {third} {width} {end}V{height}H0z",
        width / 6,
        width / 3,
        width / 2,
        width * 5 / 6
    )
}

/// Numbers that follow from a seed (SplitMix64), so that equal ids have equal pictures on every machine.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_the_users_own_and_stay_the_same() {
        assert_eq!(avatar("12"), avatar("12"));
        assert_ne!(avatar("12"), avatar("13"));
        assert_eq!(
            xxh3_64(avatar("12").as_bytes()),
            13_085_412_460_981_211_584,
            "the picture of user 12 is another one than it was"
        );
    }

    #[test]
    fn nothing_of_the_id_stands_in_them() {
        assert!(!banner("<script>").contains("script"));
    }
}
