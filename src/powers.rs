//! Powers of the decay rates, in double precision: the same bits on every platform.

/// The nearest `f32`; a finite number stays finite, so that its product with zero is zero.
pub fn narrow(x: f64) -> f32 {
    let limit = f64::from(f32::MAX);
    if x.is_finite() { x.clamp(-limit, limit) as f32 } else { x as f32 }
}

/// The powers of one number, by repeated squaring in double-double arithmetic.
///
/// `beta**t` rounded to f64 is accurate enough for `1 - beta**t`: about 106 bits are kept.
#[derive(Clone, Debug)]
struct Squares {
    base: f64,
    /// `base**(2**k)` for k = 0, 1, ...
    squares: Vec<(f64, f64)>,
    /// The powers 0 to 63 that were needed so far.
    low: Vec<(f64, f64)>,
    /// The exponent without its low bits, and its power, which changes only every 64th step.
    high: (u64, (f64, f64)),
}

const LOW_BITS: u32 = 6;

impl Squares {
    fn new(base: f64) -> Self {
        Squares { base, squares: vec![(base, 0.0)], low: Vec::new(), high: (0, (1.0, 0.0)) }
    }

    fn square(&mut self, k: usize) -> (f64, f64) {
        while self.squares.len() <= k {
            let last = self.squares[self.squares.len() - 1];
            self.squares.push(mul(last, last));
        }
        self.squares[k]
    }

    /// The product of the squares of `bits << shift`, from the highest bit down.
    fn product(&mut self, bits: u64, shift: u32) -> (f64, f64) {
        let mut value = (1.0, 0.0);
        for k in (0..u64::BITS - bits.leading_zeros()).rev() {
            if bits >> k & 1 == 1 {
                value = mul(value, self.square((k + shift) as usize));
            }
        }
        value
    }

    fn pow(&mut self, t: u64) -> (f64, f64) {
        let (high, low) = (t >> LOW_BITS, (t & ((1 << LOW_BITS) - 1)) as usize);
        if self.high.0 != high {
            self.high = (high, self.product(high, LOW_BITS));
        }
        while self.low.len() <= low {
            let next = self.product(self.low.len() as u64, 0);
            self.low.push(next);
        }
        mul(self.high.1, self.low[low])
    }
}

/// The powers of a few numbers, kept from step to step.
#[derive(Clone, Debug, Default)]
pub struct Powers {
    known: Vec<Squares>,
}

impl Powers {
    fn of(&mut self, base: f64) -> &mut Squares {
        let found = self.known.iter().position(|s| s.base.to_bits() == base.to_bits());
        let index = found.unwrap_or_else(|| {
            // Otherwise the list would grow forever with a beta that changes in every step.
            if self.known.len() >= 16 {
                self.known.clear();
            }
            self.known.push(Squares::new(base));
            self.known.len() - 1
        });
        &mut self.known[index]
    }

    /// `base**t`, rounded to f64.
    pub fn pow(&mut self, base: f64, t: u64) -> f64 {
        let (hi, lo) = self.of(base).pow(t);
        hi + lo
    }

    /// `1 - base**t` for `0 <= base < 1`, correct to about the last bit of f64.
    pub fn one_minus_pow(&mut self, base: f64, t: u64) -> f64 {
        let (hi, lo) = self.of(base).pow(t);
        (1.0 - hi) - lo
    }
}

/// Exact sum of two numbers (Knuth).
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let s = a + b;
    let bb = s - a;
    (s, (a - (s - bb)) + (b - bb))
}

/// Exact product of two numbers (Dekker), without a fused operation.
fn two_product(a: f64, b: f64) -> (f64, f64) {
    const SPLIT: f64 = 134_217_729.0; // 2^27 + 1
    let halves = |x: f64| {
        let c = SPLIT * x;
        let hi = c - (c - x);
        (hi, x - hi)
    };
    let p = a * b;
    let ((ah, al), (bh, bl)) = (halves(a), halves(b));
    (p, ((ah * bh - p) + ah * bl + al * bh) + al * bl)
}

/// Product of two double-double numbers.
fn mul((ah, al): (f64, f64), (bh, bl): (f64, f64)) -> (f64, f64) {
    let (p, e) = two_product(ah, bh);
    // Below this the error terms are subnormal and `p` is 0 for every purpose.
    if p.abs() < 1e-280 {
        return (p, 0.0);
    }
    two_sum(p, e + (ah * bl + al * bh))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_right() {
        let mut powers = Powers::default();
        for beta in [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0 - 1e-8] {
            for t in [1u64, 2, 3, 10, 63, 64, 65, 1000, 123_456, 1 << 40] {
                let exact = if beta == 0.0 { 1.0 } else { -libm::expm1(t as f64 * libm::log(beta)) };
                let ours = powers.one_minus_pow(beta, t);
                assert!((ours - exact).abs() <= 2e-12 * exact, "{beta} {t}: {ours} {exact}");
            }
        }
        assert_eq!(powers.one_minus_pow(0.9, 0), 0.0);
        assert_eq!(powers.one_minus_pow(0.5, 3), 0.875);
    }

    #[test]
    fn powers_do_not_depend_on_what_was_asked_before() {
        let mut warm = Powers::default();
        for t in 0..5000 {
            let cold = Powers::default().pow(0.999, t);
            assert_eq!(warm.pow(0.999, t).to_bits(), cold.to_bits());
        }
    }
}
