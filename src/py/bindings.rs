//! The bound parameters, and the checks of every step.

use crate::engine::buffers::Gradient;
use crate::error::Kind;
use crate::optimizer::Optimizer as Core;
use crate::py::arrays::{self, Array, Role, Usual};
use crate::py::errors::error;
use crate::py::running::Ranges;
use crate::py::structure::{self, Node};
use pyo3::Borrowed;
use pyo3::prelude::*;
use std::ptr::null_mut;

/// A bound parameter.
pub(crate) struct Parameter {
    pub(crate) object: Py<PyAny>,
    pub(crate) array: Array,
    /// The address of a float32 gradient that was found to overlap nothing that a step writes to.
    apart: *mut u8,
}

// SAFETY: the addresses are used only while the array is alive and the interpreter attached, or
// while its range is reserved.
unsafe impl Send for Parameter {}

/// The parameters that `build` bound.
pub(crate) struct Bindings {
    pub(crate) structure: Node,
    /// Addresses of the parameters and of the gradients of the current step.
    pub(crate) pointers: Pointers,
    /// The gradients of the current step; empty between steps.
    pub(crate) leaves: Vec<Py<PyAny>>,
    /// The structure that was passed, as long as other code holds it.
    pub(crate) container: Option<Py<PyAny>>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) shapes: Vec<Vec<usize>>,
    /// Addresses of the non-empty parameters and of the state, in order; the number is the
    /// parameter, none for the state.
    pub(crate) ranges: Ranges,
}

impl Bindings {
    pub(crate) fn new(params: &Bound<'_, PyAny>) -> PyResult<(Bindings, Vec<String>)> {
        let (structure, leaves) = structure::bind(params)?;
        let mut bound = Bindings {
            structure,
            pointers: Pointers(Vec::new(), Vec::new()),
            leaves: Vec::new(),
            container: Some(params.clone().unbind()),
            parameters: Vec::with_capacity(leaves.len()),
            shapes: Vec::with_capacity(leaves.len()),
            ranges: Ranges::from([]),
        };
        if let [(_, only)] = &leaves[..]
            && only.is(params)
        {
            bound.container = None;
        }
        let mut names = Vec::with_capacity(leaves.len());
        let mut ranges = Vec::with_capacity(leaves.len());
        for (name, leaf) in leaves {
            let array = arrays::read(&leaf, Role::Parameter, &|| name.clone())?;
            if array.len > 0 {
                ranges.push((array.range(), Some(names.len())));
            }
            bound.pointers.0.push(array.data.cast());
            bound.pointers.1.push(Gradient::None);
            bound.shapes.push(leaf.getattr("shape")?.extract()?);
            bound.parameters.push(Parameter { object: leaf.unbind(), array, apart: null_mut() });
            names.push(name);
        }
        ranges.sort_by_key(|(range, _)| range.start);
        for pair in ranges.windows(2) {
            let [(a, Some(i)), (b, Some(j))] = pair else {
                continue;
            };
            if b.start < a.end {
                let (first, second) = (&names[*i.min(j)], &names[*i.max(j)]);
                return Err(error(
                    params.py(),
                    Kind::Alias,
                    format!(
                        "parameters '{first}' and '{second}' share {} bytes of memory, which would be updated twice; \
                         pass each parameter once",
                        a.end.min(b.end) - b.start
                    ),
                ));
            }
        }
        bound.ranges = ranges.into();
        Ok((bound, names))
    }

    /// An error if a parameter is not the bound one any more.
    pub(crate) fn check(&mut self, py: Python<'_>, names: &[String]) -> PyResult<()> {
        let moved = |i: usize, why: &str| {
            error(
                py,
                Kind::ParameterSet,
                format!(
                    "parameter '{}' {why}, so the step would not reach it; nothing was changed. Update parameters in place \
                     (w -= x, w[...] = x), or build a new optimizer",
                    names[i]
                ),
            )
        };
        if let Some(container) = &self.container {
            if references(container) == 1 {
                // It was made for the call of `build`; no other code can change it.
                self.container = None;
            } else {
                let mut i = 0;
                structure::follow(&self.structure, container.bind(py), "the parameters", &mut |leaf| {
                    i += 1;
                    let bound = &self.parameters[i - 1];
                    // Another view of the same memory is accepted.
                    let same = leaf.is(&bound.object)
                        || arrays::read(&leaf, Role::Parameter, &|| names[i - 1].clone())
                            .is_ok_and(|a| a.data == bound.array.data && a.len == bound.array.len);
                    if same { Ok(()) } else { Err(moved(i - 1, "was replaced by another array")) }
                })?;
            }
        }
        for (i, parameter) in self.parameters.iter().enumerate() {
            let object = parameter.object.bind(py);
            let array = arrays::read(object, Role::Parameter, &|| names[i].clone())?;
            if array.data != parameter.array.data || array.len != parameter.array.len {
                return Err(moved(i, "was moved or resized"));
            }
            if self.container.is_none() && references(&parameter.object) == 1 && arrays::owns_memory(object) {
                return Err(error(
                    py,
                    Kind::ParameterSet,
                    format!(
                        "only the optimizer holds the array of parameter '{}', so nothing else could see the step; nothing \
                         was changed. If its name was rebound (w = w - x), update in place instead (w -= x, w[...] = x); \
                         if no reference was kept, keep the arrays that build gets",
                        names[i]
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Lets go of the gradients of the step in hand.
    pub(crate) fn release(&mut self, py: Python<'_>) {
        self.leaves.drain(..).for_each(|leaf| drop(leaf.into_bound(py)));
    }

    /// Checks parameters and gradients, and keeps the gradients and their addresses for the step.
    pub(crate) fn take_gradients(
        &mut self,
        py: Python<'_>,
        grads: &Bound<'_, PyAny>,
        names: &[String],
    ) -> PyResult<()> {
        let leaves = &mut self.leaves;
        let keep = &mut |leaf: Borrowed<'_, '_, PyAny>| {
            leaves.push(leaf.to_owned().unbind());
            true
        };
        if !structure::visit(&self.structure, grads.as_borrowed(), keep) {
            leaves.clear();
            structure::follow(&self.structure, grads, "the gradients", &mut |leaf| {
                leaves.push(leaf.unbind());
                Ok(())
            })?;
        }
        // From here on no code of the caller runs, so the checks stay valid.
        let leaves = std::mem::take(&mut self.leaves);
        let done = self.check_gradients(py, &leaves, names);
        self.leaves = leaves;
        done
    }

    fn check_gradients(&mut self, py: Python<'_>, leaves: &[Py<PyAny>], names: &[String]) -> PyResult<()> {
        let usual = Usual::of(py);
        if self.container_is_same(py) && self.take_usual(py, usual, leaves) {
            return Ok(());
        }
        // Keys of the caller's own classes are hashed in here, so what was checked is checked again behind it.
        self.check(py, names)?;
        for (i, leaf) in leaves.iter().enumerate() {
            self.pointers.1[i] = self.gradient(i, leaf.bind(py), names)?;
        }
        Ok(())
    }

    /// Whether the structure that was bound holds the same objects, in the same order. False says nothing: the full
    /// checks decide.
    fn container_is_same(&self, py: Python<'_>) -> bool {
        let Some(container) = &self.container else { return true };
        let mut parameters = self.parameters.iter();
        let is_next = &mut |leaf: Borrowed<'_, '_, PyAny>| {
            parameters.next().is_some_and(|parameter| leaf.as_ptr() == parameter.object.as_ptr())
        };
        references(container) > 1 && structure::visit(&self.structure, container.bind_borrowed(py), is_next)
    }

    /// Takes the gradients if all are as most are, float32 or None, and every parameter is as it was bound. False says
    /// nothing: the full checks decide.
    fn take_usual(&mut self, py: Python<'_>, usual: Usual, leaves: &[Py<PyAny>]) -> bool {
        let Bindings { parameters, pointers, container, ranges, .. } = self;
        let mut bound = leaves.iter().zip(parameters).zip(&mut pointers.1);
        bound.all(|((gradient, parameter), place)| {
            let Parameter { object, array, apart } = parameter;
            let (own, gradient) = (object.bind_borrowed(py), gradient.bind_borrowed(py));
            if container.is_none() && references(object) == 1 {
                return false;
            }
            if gradient.is_none() {
                *place = Gradient::None;
                return usual.parameter(own, array);
            }
            let Some(data) = usual.pair(gradient, own, array) else { return false };
            if data != *apart {
                if overlap(ranges, &Array { data, ..*array }).is_some() {
                    return false;
                }
                *apart = data;
            }
            *place = Gradient::Float32(data.cast());
            true
        })
    }

    /// A gradient that passed every check.
    fn gradient(&self, i: usize, leaf: &Bound<'_, PyAny>, names: &[String]) -> PyResult<Gradient> {
        if leaf.is_none() {
            return Ok(Gradient::None);
        }
        let py = leaf.py();
        let array = arrays::read(leaf, Role::Gradient, &|| names[i].clone())?;
        let parameter = self.parameters[i].object.bind(py);
        if !arrays::same_shape(leaf, parameter) {
            let hint = if arrays::is_transposed(leaf, parameter) {
                "; it has the shape of the transpose: np.ascontiguousarray(gradient.T) has the right one"
            } else {
                ""
            };
            return Err(error(
                py,
                Kind::Shape,
                format!(
                    "gradient of '{}' has shape {}, the parameter has {}; there is no broadcasting{hint}",
                    names[i],
                    arrays::text(leaf, "shape"),
                    arrays::text(parameter, "shape")
                ),
            ));
        }
        self.refuse_overlap(py, i, &array, names)?;
        Ok(array.gradient())
    }

    /// Copies each parameter into the states that start as its copy.
    pub(crate) fn start(&self, core: &mut Core) {
        // SAFETY: the parameters were checked just now, and no other code writes to them meanwhile.
        unsafe { core.start_raw(&self.pointers.0) };
    }

    /// An error if a gradient shares memory that the step writes to.
    fn refuse_overlap(&self, py: Python<'_>, i: usize, gradient: &Array, names: &[String]) -> PyResult<()> {
        let Some((bytes, owner)) = overlap(&self.ranges, gradient) else { return Ok(()) };
        let owner = owner.map_or("the state".to_string(), |j| format!("parameter '{}'", names[j]));
        Err(error(
            py,
            Kind::Alias,
            format!(
                "gradient of '{}' shares {bytes} bytes of memory with {owner}; pass a .copy() of it",
                names[i]
            ),
        ))
    }
}

/// The bytes that a gradient shares with memory that the step writes to, and the parameter that they belong to; none
/// for the state.
fn overlap(ranges: &Ranges, gradient: &Array) -> Option<(usize, Option<usize>)> {
    let range = gradient.range();
    let next = ranges.partition_point(|(taken, _)| taken.end <= range.start);
    let (taken, owner) = ranges.get(next)?;
    let shares = taken.start < range.end && gradient.len > 0;
    shares.then(|| (taken.end.min(range.end) - taken.start.max(range.start), *owner))
}

/// The reference count of an object.
fn references(object: &Py<PyAny>) -> u32 {
    // SAFETY: a live object starts with its count; newer interpreters keep flags in its upper half.
    unsafe { object.as_ptr().cast::<u32>().read() }
}

/// Pointers of one step, for the thread that runs it with the interpreter detached.
pub(crate) struct Pointers(pub(crate) Vec<*mut f32>, pub(crate) Vec<Gradient>);
// SAFETY: the arrays are held and their ranges reserved for the time of the step.
unsafe impl Send for Pointers {}
// SAFETY: as above; the addresses are only read.
unsafe impl Sync for Pointers {}
