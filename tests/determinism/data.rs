//! Parameters and gradients from an integer generator, and the hash of what became of them.
//! `tests/support/bits_table.py` is the same in NumPy, to the bit.

/// Lengths around the borders of lane groups, 8-bit blocks and chunks; two threads have work from
/// 65 536 elements on, three from 98 304.
pub(crate) const SMALL: &[usize] =
    &[1, 3, 15, 16, 17, 0, 255, 256, 4095, 4096, 4097, 16_383, 16_384, 16_385, 40_000];
/// Enough for seven threads; the last tensor is larger than one thread's cache.
pub(crate) const WIDE: &[usize] = &[17, 4097, 16_384, 300_001];
/// Calls of a run over [`SMALL`] and over [`WIDE`].
pub(crate) const STEPS: [u64; 2] = [20, 6];
/// The tensor whose parameters are all zero, so that its norm is.
const ZEROS: usize = 2;

/// Exponent fields of `float32` numbers, most of them those of weights and gradients; the last two
/// are so small that their squares, or they themselves, are subnormal.
const PARAMETER: [u32; 16] = [123, 123, 122, 122, 122, 121, 121, 120, 120, 119, 118, 116, 112, 100, 60, 0];
const GRADIENT: [u32; 16] = [124, 124, 123, 123, 122, 122, 121, 120, 119, 118, 116, 113, 110, 90, 60, 0];

/// The axes of a tensor of this many elements: two where one of a few numbers divides it.
pub(crate) fn shape(len: usize) -> Vec<usize> {
    let rows = [200, 64, 16, 13, 5, 3].into_iter().find(|&n| len > n && len.is_multiple_of(n));
    rows.map_or(vec![len], |rows| vec![rows, len / rows])
}

/// One step of SplitMix64.
pub(crate) fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Random words of a tensor; step 0 is for its parameters. The last word is 0 where there are
/// three or more.
fn words(tensor: usize, step: u64, len: usize) -> impl Iterator<Item = u64> {
    let start = mix(step << 32 | tensor as u64);
    (0..len as u64).map(move |i| if len > 2 && i == len as u64 - 1 { 0 } else { mix(start.wrapping_add(i)) })
}

/// Sign and mantissa from the upper half of a word, the exponent from a table; 0 stays 0.
fn float_bits(word: u64, exponents: &[u32; 16]) -> u32 {
    if word == 0 { 0 } else { (word >> 32) as u32 & 0x807f_ffff | exponents[word as usize & 15] << 23 }
}

/// The initial parameters of a tensor.
pub(crate) fn parameters(tensor: usize, len: usize) -> Vec<f32> {
    let bits = |word| if tensor == ZEROS { 0 } else { float_bits(word, &PARAMETER) };
    words(tensor, 0, len).map(|word| f32::from_bits(bits(word))).collect()
}

/// The gradient of a tensor in one step, in every format; magnitudes of float16 are below 1.
pub(crate) struct Gradients {
    pub(crate) float32: Vec<f32>,
    pub(crate) bfloat16: Vec<u16>,
    pub(crate) float16: Vec<u16>,
}

impl Gradients {
    pub(crate) fn new(tensor: usize, step: u64, len: usize) -> Gradients {
        let bits: Vec<u32> = words(tensor, step, len).map(|word| float_bits(word, &GRADIENT)).collect();
        Gradients {
            float32: bits.iter().map(|&x| f32::from_bits(x)).collect(),
            bfloat16: bits.iter().map(|&x| (x >> 16) as u16).collect(),
            float16: words(tensor, step, len).map(|word| (word >> 32) as u16 & 0xbbff).collect(),
        }
    }
}

/// FNV-1a.
fn hash_name(name: &str) -> u64 {
    let step = |h: u64, b: u8| (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3);
    name.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

/// Hash of one named array, read as little-endian 64-bit words filled up with zeros. Hashes of
/// arrays are added, so their order is of no account.
pub(crate) fn hash_array(name: &str, bytes: &[u8]) -> u64 {
    let (whole, rest) = bytes.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let place = |i: usize| (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let sum = whole
        .iter()
        .chain([&last])
        .enumerate()
        .fold(0u64, |sum, (i, word)| sum.wrapping_add(mix(u64::from_le_bytes(*word) ^ place(i))));
    mix(sum ^ hash_name(name))
}
