//! Same bits for every SIMD level, number of threads, address, packing, repeat and floating-point
//! mode of the caller: one table of hashes, `tests/hashes.txt`, for every CPU.

mod data;
mod mode;
mod rows;

use data::Gradients;
use lamb_rs::simd::Isa;
use lamb_rs::{GradientSlice, Optimizer, Value, pop_threads, push_threads};
use rows::{Format, Row, rows};
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::OnceLock;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/hashes.txt");
const HEADER: &str = "\
# Hashes of parameters and state after a short training: the same on every CPU.
# tests/determinism and tests/test_bits.py compare with it; tests/determinism/data.rs has data and hash.
# A line: hash, algorithm/state_dtype/variant, tensors, gradients, hyperparameters.
# Written by LAMB_RS_WRITE_HASHES=1 cargo test --release --test determinism
# A hash that changes is a change of numerics: raise NUMERICS_VERSION, and say so in the changelog.
";

/// Initial parameters, and the gradients of each step.
struct Problem {
    parameters: Vec<Vec<f32>>,
    gradients: Vec<Vec<Gradients>>,
}

impl Problem {
    fn of(row: &Row) -> &'static Problem {
        static PROBLEMS: OnceLock<[Problem; 2]> = OnceLock::new();
        let problems = PROBLEMS.get_or_init(|| {
            [(data::SMALL, data::STEPS[0]), (data::WIDE, data::STEPS[1])].map(|(lengths, steps)| {
                let tensors = || lengths.iter().enumerate();
                Problem {
                    parameters: tensors().map(|(i, &len)| data::parameters(i, len)).collect(),
                    gradients: (1..=steps)
                        .map(|t| tensors().map(|(i, &len)| Gradients::new(i, t, len)).collect())
                        .collect(),
                }
            })
        });
        &problems[usize::from(row.wide)]
    }

    /// All tensors, in order.
    fn all(&self) -> Vec<usize> {
        (0..self.parameters.len()).collect()
    }
}

/// How a row is run.
#[derive(Clone, Copy, Debug)]
struct Way {
    isa: Isa,
    threads: usize,
    /// Elements between a cache line and the start of the first tensor and its gradient; those
    /// behind start one element further each. None: where the allocator puts them.
    shift: Option<usize>,
    /// Floating-point mode of the caller.
    mode: Option<u64>,
}

impl Way {
    fn new(isa: Isa, threads: usize) -> Way {
        Way { isa, threads, shift: None, mode: None }
    }
}

/// A copy that starts `shift` elements after a cache line, if requested.
struct Shifted<T> {
    buffer: Vec<T>,
    start: usize,
    len: usize,
}

impl<T: Copy + Default> Shifted<T> {
    fn new(x: &[T], shift: Option<usize>) -> Shifted<T> {
        let mut buffer = vec![T::default(); x.len() + 128];
        let start = shift.map_or(0, |shift| buffer.as_ptr().align_offset(64) + shift);
        buffer[start..start + x.len()].copy_from_slice(x);
        Shifted { buffer, start, len: x.len() }
    }

    fn get(&self) -> &[T] {
        &self.buffer[self.start..self.start + self.len]
    }

    fn get_mut(&mut self) -> &mut [T] {
        &mut self.buffer[self.start..self.start + self.len]
    }
}

/// A gradient of one tensor and step as a row wants it.
enum Owned {
    Float32(Shifted<f32>),
    Bfloat16(Shifted<u16>),
    Float16(Shifted<u16>),
    None,
}

impl Owned {
    fn new(row: &Row, tensor: usize, step: usize, shift: Option<usize>) -> Owned {
        let gradients = &Problem::of(row).gradients[step - 1][tensor];
        match row.gradients {
            Format::Absent if (step + tensor).is_multiple_of(3) => Owned::None,
            Format::Absent | Format::Float32 => Owned::Float32(Shifted::new(&gradients.float32, shift)),
            Format::Bfloat16 => Owned::Bfloat16(Shifted::new(&gradients.bfloat16, shift)),
            Format::Float16 => Owned::Float16(Shifted::new(&gradients.float16, shift)),
        }
    }

    fn slice(&self) -> GradientSlice<'_> {
        match self {
            Owned::Float32(g) => GradientSlice::Float32(g.get()),
            Owned::Bfloat16(g) => GradientSlice::Bfloat16(g.get()),
            Owned::Float16(g) => GradientSlice::Float16(g.get()),
            Owned::None => GradientSlice::None,
        }
    }
}

/// One optimizer over some tensors of a row, and their parameters.
struct Run<'a> {
    row: &'a Row,
    way: Way,
    tensors: &'a [usize],
    optimizer: Optimizer,
    parameters: Vec<Shifted<f32>>,
}

impl<'a> Run<'a> {
    fn new(row: &'a Row, way: Way, tensors: &'a [usize]) -> Run<'a> {
        let problem = Problem::of(row);
        let names: Vec<String> = tensors.iter().map(ToString::to_string).collect();
        let shapes: Vec<Vec<usize>> =
            tensors.iter().map(|&i| data::shape(problem.parameters[i].len())).collect();
        let shaped: Vec<(&str, &[usize])> =
            names.iter().zip(&shapes).map(|(name, shape)| (&name[..], &shape[..])).collect();
        let mut optimizer = row.optimizer();
        optimizer.set_isa(way.isa);
        optimizer.build_with(&shaped, &[]).unwrap_or_else(|error| panic!("{}: {error}", row.text()));
        let mut run = Run { row, way, tensors, optimizer, parameters: Vec::new() };
        run.start();
        run
    }

    fn shift(&self, tensor: usize) -> Option<usize> {
        self.way.shift.map(|shift| (shift + tensor) % 16)
    }

    fn start(&mut self) {
        let initial = &Problem::of(self.row).parameters;
        self.parameters = self.tensors.iter().map(|&i| Shifted::new(&initial[i], self.shift(i))).collect();
    }

    fn train(&mut self) {
        let steps = Problem::of(self.row).gradients.len();
        let rate = match self.optimizer.values().get("learning_rate") {
            Ok(Value::Number(rate)) => rate,
            other => panic!("{other:?}"),
        };
        push_threads(self.way.threads);
        for t in 1..=steps {
            // A rate that moves is part of what some modes of decay remember.
            let now = if t > steps / 2 { rate / 2.0 } else { rate };
            self.optimizer.set("learning_rate", Value::Number(now)).expect("it is legal");
            let owned: Vec<Owned> =
                self.tensors.iter().map(|&i| Owned::new(self.row, i, t, self.shift(i))).collect();
            let gradients: Vec<GradientSlice<'_>> = owned.iter().map(Owned::slice).collect();
            let mut slices: Vec<&mut [f32]> = self.parameters.iter_mut().map(Shifted::get_mut).collect();
            let mut apply = || self.optimizer.apply(&mut slices, &gradients);
            let result = match self.way.mode {
                None => apply(),
                Some(mode) => {
                    let (result, after) = mode::within(mode, apply);
                    assert_eq!(after, mode, "the caller's floating-point mode has changed");
                    result
                }
            };
            result.unwrap_or_else(|error| panic!("{}: {error}", self.row.text()));
        }
        pop_threads();
        self.optimizer.set("learning_rate", Value::Number(rate)).expect("it is legal");
    }

    fn hash(&self) -> u64 {
        let parameters = self.tensors.iter().zip(&self.parameters).map(|(name, p)| {
            assert!(p.get().iter().all(|x| x.is_finite()), "{}: not finite", self.row.text());
            data::hash_array(&name.to_string(), bytemuck::cast_slice(p.get()))
        });
        let state = self.optimizer.entries().into_iter();
        let state = state.map(|entry| data::hash_array(&entry.key, self.optimizer.entry_bytes(&entry)));
        parameters.chain(state).fold(0, u64::wrapping_add)
    }
}

/// The hash of a row, run over some tensors by one optimizer.
fn hash(row: &Row, way: Way, tensors: &[usize]) -> u64 {
    let mut run = Run::new(row, way, tensors);
    run.train();
    run.hash()
}

fn packed(row: &Row, way: Way) -> u64 {
    hash(row, way, &Problem::of(row).all())
}

/// Hash and text of every line of the table; with LAMB_RS_WRITE_HASHES=1 a new one is written first.
fn table() -> &'static [(u64, String)] {
    static TABLE: OnceLock<Vec<(u64, String)>> = OnceLock::new();
    TABLE.get_or_init(|| {
        if std::env::var("LAMB_RS_WRITE_HASHES").is_ok_and(|x| x == "1") {
            let mut text = HEADER.to_string();
            for row in rows() {
                let lowest = Isa::available()[0];
                let hash = packed(&row, Way::new(lowest, 1));
                writeln!(text, "{hash:016x} {}", row.text()).expect("a String takes all");
            }
            std::fs::write(PATH, text).expect("the table can be written");
        }
        let text = std::fs::read_to_string(PATH).expect("the table is there");
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let parse = |line: &str| {
            let (hash, rest) = line.split_once(' ')?;
            Some((u64::from_str_radix(hash, 16).ok()?, rest.to_string()))
        };
        lines.map(|line| parse(line).unwrap_or_else(|| panic!("not a line of the table: {line}"))).collect()
    })
}

/// Whether a row is to be run: `LAMB_RS_ROWS=adam,lamb` names the algorithms, for work on a few of them.
fn asked_for(row: &Row) -> bool {
    let asked = std::env::var("LAMB_RS_ROWS").unwrap_or_default();
    asked.is_empty() || asked.split(',').any(|name| name == row.algorithm.name)
}

/// Fails unless every row that `of` takes gives the hash of the table.
fn check(of: impl Fn(&Row) -> bool, what: &str, hashes: impl Fn(usize, &Row) -> Vec<u64>) {
    let known: HashMap<&str, u64> = table().iter().map(|(hash, text)| (&text[..], *hash)).collect();
    let mut wrong = Vec::new();
    for (i, row) in rows().iter().enumerate().filter(|(_, row)| of(row) && asked_for(row)) {
        let text = row.text();
        if hashes(i, row).iter().any(|found| known.get(&text[..]) != Some(found)) {
            wrong.push(text);
        }
    }
    assert!(wrong.is_empty(), "{what}: {} rows have other bits:\n{}", wrong.len(), wrong.join("\n"));
}

fn any(_: &Row) -> bool {
    true
}

/// Rows of every algorithm and storage that take most plans.
fn standing_for_all(row: &Row) -> bool {
    ["defaults", "stages", "outer"].iter().any(|end| row.variant.ends_with(end))
}

/// The level without SIMD, which only builds with the feature "scalar" contain, for a sample of the
/// algorithms. Everything else is tested without the feature.
#[test]
fn scalar_level() {
    let Some(isa) = Isa::named("scalar") else { return };
    check(|row| row.variant == "defaults", "scalar", |_, row| vec![packed(row, Way::new(isa, 2))]);
}

/// For CPUs that are emulated, where all the rest takes an hour.
#[test]
fn best_level() {
    check(standing_for_all, "the best level", |_, row| vec![packed(row, Way::new(Isa::best(), 2))]);
}

#[test]
fn every_row_is_in_the_table() {
    let wanted: Vec<String> = rows().iter().map(Row::text).collect();
    let found: Vec<String> = table().iter().map(|(_, text)| text.clone()).collect();
    for text in &wanted {
        assert!(found.contains(text), "not in tests/hashes.txt, whose header says how to add it: {text}");
    }
    assert_eq!(wanted, found, "the table has rows that no longer exist, or another order");
    let mut hashes: Vec<u64> = table().iter().map(|(hash, _)| *hash).collect();
    hashes.sort_unstable();
    hashes.dedup();
    assert!(hashes.len() > table().len() / 2, "most rows differ");
}

fn threads(threads: usize, levels: &[Isa]) {
    for &isa in levels {
        check(any, &format!("{} with {threads} threads", isa.name()), |_, row| {
            vec![packed(row, Way::new(isa, threads))]
        });
    }
}

#[test]
fn one_thread_at_every_level() {
    threads(1, &Isa::available());
}

#[test]
fn three_threads() {
    threads(3, &[Isa::available()[0]]);
}

#[test]
fn seven_threads_and_unaligned_starts() {
    let way = Way::new(Isa::best(), 7);
    check(any, "unaligned", |i, row| vec![packed(row, Way { shift: Some(i % 16), ..way })]);
    let every = |row: &Row| !row.wide && standing_for_all(row);
    check(every, "every start", |_, row| {
        (0..16).map(|shift| packed(row, Way { shift: Some(shift), ..way })).collect()
    });
}

#[test]
fn packed_otherwise_or_alone() {
    let way = Way::new(Isa::best(), 3);
    check(
        |row| !row.is_global(),
        "backwards",
        |_, row| {
            let mut tensors = Problem::of(row).all();
            tensors.reverse();
            vec![hash(row, way, &tensors)]
        },
    );
    // A step without any gradient is an error, so rows that lack some cannot run tensor by tensor.
    check(
        |row| !row.is_global() && row.gradients != Format::Absent,
        "one optimizer per tensor",
        |_, row| {
            let each = Problem::of(row).all().into_iter().map(|i| hash(row, way, &[i]));
            vec![each.fold(0, u64::wrapping_add)]
        },
    );
}

#[test]
fn two_threads_and_again_after_reset() {
    check(any, "with two threads, and again after reset", |_, row| {
        let tensors = Problem::of(row).all();
        let mut run = Run::new(row, Way::new(Isa::best(), 2), &tensors);
        run.train();
        let first = run.hash();
        run.optimizer.reset();
        run.start();
        run.train();
        vec![first, run.hash()]
    });
}

#[test]
fn in_any_floating_point_mode() {
    for mode in mode::MODES {
        // With three, the calling thread and others share the work.
        let way = Way { mode: Some(mode), ..Way::new(Isa::best(), 3) };
        let defaults = |row: &Row| row.variant.ends_with("defaults");
        check(defaults, &format!("mode {mode:#x}"), |_, row| vec![packed(row, way)]);
    }
}
