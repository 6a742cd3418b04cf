//! Chance without a state: random numbers that are a pure function of a key, and what is made of them.
//!
//! Invariant: integers and `libm` alone, so that a seed gives the same world on every machine.

/// The step of SplitMix64, the golden ratio in 64 bits.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Numbers without end, which one key decides: SplitMix64.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draws(u64);

impl Draws {
    pub(super) fn new(key: u64) -> Self {
        Self(key)
    }

    pub(super) fn next(&mut self) -> u64 {
        let number = mixed(self.0);
        self.0 = self.0.wrapping_add(GOLDEN);
        number
    }
}

/// The finisher of SplitMix64: every bit of the result depends on every bit of the number.
pub(super) fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(GOLDEN);
    let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}

/// A number below `end`, which must not be 0, made of a draw.
pub(super) fn below(draw: u64, end: u64) -> u64 {
    ((u128::from(draw) * u128::from(end)) >> 64) as u64
}

/// One of the choices, by a draw.
pub(super) fn pick<T: Copy>(choices: &[T], draw: u64) -> T {
    choices[below(draw, choices.len() as u64) as usize]
}

/// A monotone function of chance in a table, linear between its points: what a uniform draw becomes.
#[derive(Clone, Debug)]
pub(super) struct Quantiles(Vec<f64>);

/// Slices of a table. So many that the busiest of a million users still has slices of their own.
const SLICES: u32 = 4_096;
const SLICE_SHIFT: u32 = u64::BITS - SLICES.ilog2();

impl Quantiles {
    /// The table of a function of `0.0..=1.0`.
    pub(super) fn new(function: impl Fn(f64) -> f64) -> Self {
        Self((0..=SLICES).map(|slice| function(f64::from(slice) / f64::from(SLICES))).collect())
    }

    pub(super) fn at(&self, draw: u64) -> f64 {
        let slice = (draw >> SLICE_SHIFT) as usize;
        let (from, to) = (self.0[slice], self.0[slice + 1]);
        let into_slice = (draw << SLICES.ilog2() >> 32) as u32;
        from + (to - from) * (f64::from(into_slice) / (f64::from(u32::MAX) + 1.0))
    }
}

/// The share of a normal distribution that lies above `deviations` from its middle.
pub(super) fn normal_tail(deviations: f64) -> f64 {
    libm::erfc(deviations / std::f64::consts::SQRT_2) / 2.0
}

/// How many deviations from the middle of a normal distribution `share` of it lies above: [`normal_tail`] backwards.
pub(super) fn normal_above(share: f64) -> f64 {
    let (mut low, mut high) = (-DEVIATIONS_MAX, DEVIATIONS_MAX);
    for _ in 0..BISECTIONS {
        let middle = f64::midpoint(low, high);
        if normal_tail(middle) > share { low = middle } else { high = middle }
    }
    low
}

/// Beyond so many deviations lies nobody: one of 10^15.
const DEVIATIONS_MAX: f64 = 8.0;
/// Halves the range of deviations below what a table could tell apart.
const BISECTIONS: u32 = 50;
