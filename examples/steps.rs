//! Trains one tensor with a made-up gradient: the whole crate without Python, small enough for an
//! instruction counter (`benches/instructions.py`).
//!
//! ```text
//! cargo run --release --example steps -- lamb bfloat16 65536 3 avx2
//! ```

use lamb_rs::registry::ALGORITHMS;
use lamb_rs::simd::Isa;
use lamb_rs::{GradientSlice, Optimizer, Value, push_threads};
use std::error::Error;
use std::io::{Write, stdout};

const USAGE: &str = "usage: steps ALGORITHM STATE_DTYPE ELEMENTS STEPS [SIMD_LEVEL]
       steps list";

/// Updates before those that are counted.
const FIRST: usize = 6;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["list"] => {
            for algorithm in ALGORITHMS {
                writeln!(stdout(), "{}", algorithm.name)?;
            }
            Ok(())
        }
        [algorithm, state, elements, steps] => run(algorithm, state, elements, steps, Isa::best()),
        [algorithm, state, elements, steps, level] => {
            let isa = Isa::named(level).ok_or(format!("this CPU does not have the SIMD level {level}"))?;
            run(algorithm, state, elements, steps, isa)
        }
        _ => Err(USAGE.into()),
    }
}

fn run(algorithm: &str, state: &str, elements: &str, steps: &str, isa: Isa) -> Result<(), Box<dyn Error>> {
    let (elements, steps): (usize, usize) = (elements.parse()?, steps.parse()?);
    let dtype = ["float32", "bfloat16", "float8"].into_iter().find(|dtype| *dtype == state);
    let dtype = dtype.ok_or("STATE_DTYPE is float32, bfloat16 or float8")?;
    push_threads(1);
    let mut optimizer = Optimizer::new(algorithm)?;
    optimizer.set_isa(isa);
    optimizer.set("state_dtype", Value::Text(dtype))?;
    optimizer.set("weight_decay", Value::Number(0.01))?;
    optimizer.build(&[("weights", elements)])?;
    let mut weights: Vec<f32> = (0..elements).map(|i| wave(i, 0.37)).collect();
    let gradient: Vec<f32> = (0..elements).map(|i| 0.01 * wave(i, 0.73)).collect();
    // The first updates of some rules are not like those that follow.
    for _ in 0..FIRST {
        optimizer.apply(&mut [&mut weights], &[GradientSlice::Float32(&gradient)])?;
    }
    train(&mut optimizer, &mut weights, &gradient, steps)?;
    let norm = weights.iter().map(|w| f64::from(w * w)).sum::<f64>().sqrt();
    writeln!(stdout(), "{algorithm}, {dtype} state, {}: norm of the weights {norm}", isa.name())?;
    Ok(())
}

/// What is counted; a function of its own, so that a profiler can find it.
#[inline(never)]
fn train(
    optimizer: &mut Optimizer,
    weights: &mut [f32],
    gradient: &[f32],
    steps: usize,
) -> Result<(), lamb_rs::Error> {
    for _ in 0..steps {
        optimizer.apply(&mut [weights], &[GradientSlice::Float32(gradient)])?;
    }
    Ok(())
}

/// Numbers between -1 and 1.
fn wave(i: usize, turns: f32) -> f32 {
    let x = (i % 4096) as f32 * turns;
    2.0 * (x - x.floor()) - 1.0
}
