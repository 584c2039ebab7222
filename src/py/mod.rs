//! The only code that uses Python and NumPy: arrays in, exceptions out.

mod arrays;
mod bindings;
mod checkpoint;
mod errors;
mod floor;
mod optimizer;
mod running;
mod simd_level;
mod state;
mod step;
mod structure;
mod values;

use crate::engine::threads::asked_threads;
use crate::hyper::{Domain, Hyper, SHARED};
use crate::registry::ALGORITHMS;
use crate::rule::Slot;
use crate::simd::Isa;
use crate::{FORMAT_VERSION, NUMERICS_VERSION};
use errors::raise;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use simd_level::isa;
use values::to_python;

fn rows<'py>(py: Python<'py>, hypers: &[Hyper], shared: bool) -> PyResult<Vec<Bound<'py, PyDict>>> {
    hypers
        .iter()
        .map(|hyper| {
            let row = PyDict::new(py);
            row.set_item("name", hyper.name)?;
            row.set_item("default", to_python(py, hyper.default)?)?;
            let choices: PyResult<Vec<_>> = hyper.domain.listed().iter().map(|v| to_python(py, *v)).collect();
            let kind = match hyper.domain {
                Domain::Flag => "bool",
                Domain::Choice(_) => "choice",
                Domain::PairOrNone | Domain::Or(Domain::PairOrNone, _) => "pair",
                Domain::Integer(_) | Domain::IntegerOrNone(_) => "integer",
                _ => "number",
            };
            row.set_item("kind", kind)?;
            row.set_item("choices", PyTuple::new(py, choices?)?)?;
            row.set_item("domain", hyper.domain.to_string())?;
            row.set_item("dynamic", hyper.dynamic)?;
            row.set_item("per_parameter", hyper.per_parameter)?;
            row.set_item("doc", hyper.doc)?;
            row.set_item("shared", shared)?;
            row.set_item("wrapper", hyper.wrapper)?;
            Ok(row)
        })
        .collect()
}

/// The native part of `lamb_rs`. Private: use the package.
#[pymodule(gil_used = false)]
mod _core {
    use super::*;

    #[pymodule_export]
    use super::checkpoint::{pack_header, unpack_header};
    #[pymodule_export]
    use super::floor::stream_floor;
    #[pymodule_export]
    use super::optimizer::{Optimizer, without_effect};

    #[pymodule_init]
    fn init(m: &Bound<'_, PyModule>) -> PyResult<()> {
        isa().and_then(|_| asked_threads()).map_err(|e| raise(m.py(), &e))?;
        m.add("__version__", env!("CARGO_PKG_VERSION"))
    }

    /// Names and leaves of a structure of arrays.
    #[pyfunction]
    #[pyo3(signature = (params, /))]
    fn flatten<'py>(params: &Bound<'py, PyAny>) -> PyResult<(Vec<String>, Vec<Bound<'py, PyAny>>)> {
        let (_, leaves) = structure::bind(params)?;
        Ok(leaves.into_iter().unzip())
    }

    /// The registry, as dictionaries.
    #[pyfunction]
    fn algorithms<'py>(py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        for algorithm in ALGORITHMS {
            let row = PyDict::new(py);
            row.set_item("name", algorithm.name)?;
            row.set_item("class_name", algorithm.class_name)?;
            row.set_item("summary", algorithm.summary)?;
            row.set_item("formula", algorithm.formula(&algorithm.defaults()))?;
            row.set_item("routed", algorithm.routed())?;
            row.set_item("routed_formula", algorithm.routed_formula(&algorithm.defaults()))?;
            row.set_item("source", algorithm.source)?;
            row.set_item("layerwise", algorithm.layerwise)?;
            row.set_item("matrix", algorithm.matrix)?;
            row.set_item("scope", algorithm.scope.name())?;
            row.set_item("scalars", algorithm.scalars.iter().map(|s| s.name).collect::<Vec<_>>())?;
            let kernel = (algorithm.make)(&algorithm.defaults()).map_err(|e| raise(py, &e))?;
            row.set_item("slots", kernel.slots().iter().flat_map(Slot::states).collect::<Vec<_>>())?;
            let mut hypers = rows(py, algorithm.hypers, false)?;
            hypers.extend(rows(py, SHARED, true)?);
            for hyper in &hypers {
                let name: String = hyper.as_any().get_item("name")?.extract()?;
                let value = algorithm.defaults().get(&name).map_err(|e| raise(py, &e))?;
                hyper.set_item("default", to_python(py, value)?)?;
                // A hyperparameter of a wrapper for which the algorithm has a default is its own argument.
                let wrapper = hyper.as_any().get_item("wrapper")?;
                if !wrapper.is_none() && algorithm.defaults.iter().any(|(own, _)| *own == name) {
                    hyper.set_item("wrapper", py.None())?;
                    hyper.set_item("shared", false)?;
                }
            }
            row.set_item("hyper", hypers)?;
            list.append(row)?;
        }
        Ok(list)
    }

    /// Sets the number of threads of the process.
    #[pyfunction]
    #[pyo3(signature = (n, /))]
    fn set_num_threads(n: usize) {
        crate::set_num_threads(n);
    }

    /// The number of threads that a large step uses.
    #[pyfunction]
    fn get_num_threads() -> usize {
        crate::num_threads()
    }

    /// Sets the number of threads for the calling thread until `pop_threads`.
    #[pyfunction]
    #[pyo3(signature = (n, /))]
    fn push_threads(n: usize) {
        crate::push_threads(n);
    }

    /// Ends the innermost `push_threads`.
    #[pyfunction]
    fn pop_threads() {
        crate::pop_threads();
    }

    /// Properties of this build and of the machine.
    #[pyfunction]
    fn info<'py>(py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let info = PyDict::new(py);
        let (threads, source) = crate::threads_and_source();
        info.set_item("version", env!("CARGO_PKG_VERSION"))?;
        info.set_item("numerics_version", NUMERICS_VERSION)?;
        info.set_item("format_version", FORMAT_VERSION)?;
        info.set_item("simd", isa().map_err(|e| raise(py, &e))?.name())?;
        info.set_item("simd_available", Isa::available().iter().map(|i| i.name()).collect::<Vec<_>>())?;
        info.set_item("threads", threads)?;
        info.set_item("threads_source", source)?;
        info.set_item("build_profile", if cfg!(debug_assertions) { "debug" } else { "release" })?;
        info.set_item("target", format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS))?;
        info.set_item("numpy", py.import("numpy")?.getattr("__version__")?)?;
        info.set_item("python", Python::version_str())?;
        Ok(info)
    }

    /// Cosine, the same bits on every platform.
    #[pyfunction]
    #[pyo3(signature = (x, /))]
    fn cos(x: f64) -> f64 {
        libm::cos(x)
    }

    /// Exponential, the same bits on every platform.
    #[pyfunction]
    #[pyo3(signature = (x, /))]
    fn exp(x: f64) -> f64 {
        libm::exp(x)
    }

    /// Natural logarithm, the same bits on every platform.
    #[pyfunction]
    #[pyo3(signature = (x, /))]
    fn log(x: f64) -> f64 {
        libm::log(x)
    }

    /// `x` to the power `y`, the same bits on every platform.
    #[pyfunction]
    #[pyo3(signature = (x, y, /))]
    fn pow(x: f64, y: f64) -> f64 {
        libm::pow(x, y)
    }
}
