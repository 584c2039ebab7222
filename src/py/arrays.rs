//! The library's own checks of NumPy arrays.
//!
//! The guards of rust-numpy find overlaps by base object and panic on some input. Here, flags, dtype and
//! addresses are read from the array itself, with a few loads for each.

use crate::engine::buffers::Gradient;
use crate::error::Kind;
use crate::py::errors::error;
use numpy::npyffi::objects::PyArray_Descr;
use numpy::npyffi::{
    NPY_ARRAY_ALIGNED, NPY_ARRAY_C_CONTIGUOUS, NPY_ARRAY_WRITEABLE, NPY_TYPES, NpyTypes, PY_ARRAY_API,
    PyArray_Check, PyArrayObject, PyArrayObject_fields, get_type_object, npy_intp,
};
use pyo3::Borrowed;
use pyo3::ffi::PyTypeObject;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use std::ops::Range;
use std::os::raw::c_int;
use std::sync::atomic::{AtomicI32, AtomicPtr, Ordering};

/// The use of an array.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Parameter,
    Gradient,
}

/// The element type of an array.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Element {
    Float32,
    Bfloat16,
    Float16,
}

/// The properties of an array that passed every check.
#[derive(Clone, Copy)]
pub(crate) struct Array {
    pub(crate) data: *mut u8,
    pub(crate) len: usize,
    pub(crate) element: Element,
}

const FLOAT: c_int = NPY_TYPES::NPY_FLOAT as c_int;
const HALF: c_int = NPY_TYPES::NPY_HALF as c_int;

impl Array {
    /// The addresses it occupies.
    pub(crate) fn range(&self) -> Range<usize> {
        let start = self.data as usize;
        start..start + self.len * if self.element == Element::Float32 { 4 } else { 2 }
    }

    pub(crate) fn gradient(&self) -> Gradient {
        match self.element {
            Element::Float32 => Gradient::Float32(self.data.cast()),
            Element::Bfloat16 => Gradient::Bfloat16(self.data.cast()),
            Element::Float16 => Gradient::Float16(self.data.cast()),
        }
    }
}

/// The addresses of the class and the dtype that almost every array has.
#[derive(Clone, Copy)]
pub(crate) struct Usual {
    kind: *mut PyTypeObject,
    float32: *mut PyArray_Descr,
}

impl Usual {
    pub(crate) fn of(py: Python<'_>) -> Usual {
        Usual { kind: ndarray(py), float32: float32(py) }
    }

    /// The address of the elements and the shape of an array whose class is exactly `numpy.ndarray`, with NumPy's own
    /// float32, C-contiguous and aligned; none for any other object.
    #[inline]
    fn header<'a>(self, object: Borrowed<'a, '_, PyAny>, flags: c_int) -> Option<(*mut u8, &'a [npy_intp])> {
        if object.get_type_ptr() != self.kind {
            return None;
        }
        // SAFETY: the object is an array.
        let array = unsafe { &(*object.as_ptr().cast::<PyArrayObject>()).fields };
        let flags = flags | NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_ALIGNED;
        let fits = array.descr == self.float32
            && array.flags & flags == flags
            && (array.data as usize).is_multiple_of(size_of::<f32>());
        fits.then(|| (array.data.cast(), shape(array)))
    }

    /// Whether a parameter still has the address and the size with which it was bound. If this is false, the full
    /// checks decide.
    #[inline]
    pub(crate) fn parameter(self, object: Borrowed<'_, '_, PyAny>, bound: &Array) -> bool {
        self.header(object, NPY_ARRAY_WRITEABLE)
            .is_some_and(|(data, shape)| data == bound.data && elements(shape) == bound.len)
    }

    /// The address of a float32 gradient that has the shape of its parameter, if the parameter passes the same check.
    #[inline]
    pub(crate) fn pair(
        self,
        gradient: Borrowed<'_, '_, PyAny>,
        parameter: Borrowed<'_, '_, PyAny>,
        bound: &Array,
    ) -> Option<*mut u8> {
        let (data, shape) = self.header(parameter, NPY_ARRAY_WRITEABLE)?;
        let (from, own) = self.header(gradient, 0)?;
        if data != bound.data || own.len() != shape.len() {
            return None;
        }
        let mut len = 1usize;
        for (a, b) in own.iter().zip(shape) {
            if a != b {
                return None;
            }
            len = len.wrapping_mul(*b as usize);
        }
        (len == bound.len).then_some(from)
    }
}

/// The number of elements of an existing array, which cannot overflow.
fn elements(shape: &[npy_intp]) -> usize {
    shape.iter().map(|&n| usize::try_from(n).unwrap_or(0)).product()
}

/// Checks an array and reads the location of its elements; `name` is called for errors only.
pub(crate) fn read(object: &Bound<'_, PyAny>, role: Role, name: &dyn Fn() -> String) -> PyResult<Array> {
    let py = object.py();
    let kind = object.get_type_ptr();
    if kind != ndarray(py) && (!is_array(object) || is_masked(object)?) {
        return Err(wrong_type(object, role, name));
    }
    let array = fields(object);
    // SAFETY: the descriptor of a live array; `type_num` and `byteorder` have the same place in
    // NumPy 1 and 2.
    let (number, order) = unsafe { ((*array.descr).fields.type_num, (*array.descr).fields.byteorder as u8) };
    let native =
        order == b'=' || order == b'|' || order == if cfg!(target_endian = "little") { b'<' } else { b'>' };
    let element = match number {
        FLOAT => Element::Float32,
        HALF if role == Role::Gradient => Element::Float16,
        n if role == Role::Gradient && is_bfloat16(object, n)? => Element::Bfloat16,
        _ => return Err(wrong_dtype(object, role, name)),
    };
    if !native {
        return Err(error(
            py,
            Kind::DType,
            format!(
                "{} has the wrong byte order (dtype {}); convert it with .astype('=f4')",
                what(role, name),
                text(object, "dtype")
            ),
        ));
    }
    let len = elements(shape(array));
    if array.flags & NPY_ARRAY_C_CONTIGUOUS == 0 && len > 0 {
        let hint = match role {
            Role::Gradient => "",
            Role::Parameter => "; build with that copy, and use it in the model from then on",
        };
        return Err(error(
            py,
            Kind::Layout,
            format!(
                "{} must be C-contiguous; its shape is {} and its strides are {}; np.ascontiguousarray makes a \
                 copy that is{hint}",
                what(role, name),
                text(object, "shape"),
                text(object, "strides")
            ),
        ));
    }
    let size = if element == Element::Float32 { 4 } else { 2 };
    if len > 0 && (array.flags & NPY_ARRAY_ALIGNED == 0 || !(array.data as usize).is_multiple_of(size)) {
        return Err(error(
            py,
            Kind::Layout,
            format!(
                "{} must be aligned to {size} bytes; its address is {:#x}, {} beyond. Use memory that NumPy \
                 allocated, or lamb_rs.aligned",
                what(role, name),
                array.data as usize,
                array.data as usize % size
            ),
        ));
    }
    if role == Role::Parameter && array.flags & NPY_ARRAY_WRITEABLE == 0 {
        return Err(error(
            py,
            Kind::ReadOnly,
            format!(
                "{} is read-only and would be updated in place; pass a writeable array, or a .copy() of it",
                what(role, name)
            ),
        ));
    }
    // An empty array may have any address: it is never read.
    let data =
        if len == 0 { std::ptr::NonNull::<u64>::dangling().as_ptr().cast() } else { array.data.cast() };
    Ok(Array { data, len, element })
}

/// Whether two arrays have the same shape.
pub(crate) fn same_shape(a: &Bound<'_, PyAny>, b: &Bound<'_, PyAny>) -> bool {
    shape(fields(a)) == shape(fields(b))
}

/// Whether the shape of `a` is that of `b` in reverse order.
pub(crate) fn is_transposed(a: &Bound<'_, PyAny>, b: &Bound<'_, PyAny>) -> bool {
    shape(fields(a)).iter().eq(shape(fields(b)).iter().rev())
}

/// Whether the array owns its memory and is not a view.
pub(crate) fn owns_memory(object: &Bound<'_, PyAny>) -> bool {
    fields(object).base.is_null()
}

/// The fields of an object that was checked to be an array.
fn fields<'a>(object: &'a Bound<'_, PyAny>) -> &'a PyArrayObject_fields {
    // SAFETY: the object is an array; its fields are read while the interpreter is attached.
    unsafe { &(*object.as_ptr().cast::<PyArrayObject>()).fields }
}

fn shape(array: &PyArrayObject_fields) -> &[npy_intp] {
    match usize::try_from(array.nd) {
        // SAFETY: an array has `nd` dimensions.
        Ok(nd) if nd > 0 => unsafe { std::slice::from_raw_parts(array.dimensions, nd) },
        _ => &[],
    }
}

/// The type object of `numpy.ndarray`.
fn ndarray(py: Python<'_>) -> *mut PyTypeObject {
    static TYPE: AtomicPtr<PyTypeObject> = AtomicPtr::new(std::ptr::null_mut());
    let known = TYPE.load(Ordering::Relaxed);
    if !known.is_null() {
        return known;
    }
    // SAFETY: the interpreter is attached; NumPy's type lives as long as it does.
    let found = unsafe { get_type_object(py, NpyTypes::PyArray_Type) };
    TYPE.store(found, Ordering::Relaxed);
    found
}

/// NumPy's float32, of which there is one object for the time of the process.
fn float32(py: Python<'_>) -> *mut PyArray_Descr {
    static DTYPE: AtomicPtr<PyArray_Descr> = AtomicPtr::new(std::ptr::null_mut());
    let known = DTYPE.load(Ordering::Relaxed);
    if !known.is_null() {
        return known;
    }
    // SAFETY: the interpreter is attached. The reference is kept for ever.
    let found = unsafe { PY_ARRAY_API.PyArray_DescrFromType(py, FLOAT) };
    DTYPE.store(found, Ordering::Relaxed);
    found
}

fn is_array(object: &Bound<'_, PyAny>) -> bool {
    // SAFETY: a type check of a live object.
    unsafe { PyArray_Check(object.py(), object.as_ptr()) != 0 }
}

/// Whether an object is an array without a mask.
pub(crate) fn is_plain(object: &Bound<'_, PyAny>) -> bool {
    is_array(object) && !is_masked(object).unwrap_or(true)
}

fn is_masked(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    static MASKED: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = object.py();
    let class = MASKED
        .get_or_try_init(py, || PyResult::Ok(py.import("numpy.ma")?.getattr("MaskedArray")?.unbind()))?;
    object.is_instance(class.bind(py))
}

/// Whether a type number is that of `ml_dtypes.bfloat16`, which NumPy gives out at run time.
fn is_bfloat16(object: &Bound<'_, PyAny>, number: c_int) -> PyResult<bool> {
    static KNOWN: AtomicI32 = AtomicI32::new(-1);
    if KNOWN.load(Ordering::Relaxed) == number {
        return Ok(true);
    }
    if number < NPY_TYPES::NPY_USERDEF as c_int {
        return Ok(false);
    }
    let found = object.getattr("dtype")?.getattr("name")?.extract::<String>()? == "bfloat16";
    if found {
        KNOWN.store(number, Ordering::Relaxed);
    }
    Ok(found)
}

fn what(role: Role, name: &dyn Fn() -> String) -> String {
    match role {
        Role::Parameter => format!("parameter '{}'", name()),
        Role::Gradient => format!("gradient of '{}'", name()),
    }
}

/// An attribute of an array, as text.
pub(crate) fn text(object: &Bound<'_, PyAny>, attribute: &str) -> String {
    object.getattr(attribute).and_then(|x| Ok(x.str()?.to_string())).unwrap_or_default()
}

fn wrong_type(object: &Bound<'_, PyAny>, role: Role, name: &dyn Fn() -> String) -> PyErr {
    let found = object.get_type();
    let module = text(found.as_any(), "__module__");
    let remedy = match role {
        Role::Parameter => parameter_remedy(object, &module),
        Role::Gradient => "np.asarray makes one",
    };
    error(
        object.py(),
        Kind::DType,
        format!(
            "{} must be a numpy.ndarray of float32; got {module}.{}; {remedy}",
            what(role, name),
            text(found.as_any(), "__name__")
        ),
    )
}

/// The remedy for a parameter that is not an array.
fn parameter_remedy(object: &Bound<'_, PyAny>, module: &str) -> &'static str {
    let has = |name: &str| object.hasattr(name).unwrap_or(false);
    match module.split('.').next() {
        Some("torch") if has("detach") => {
            "pass p.detach().numpy(), which shares the memory of the tensor p on the CPU"
        }
        Some("jax" | "jaxlib") => {
            "a JAX array cannot be updated in place: keep the parameters as NumPy arrays, np.array(x), and pass \
             those; the model can read them by jax.numpy.asarray"
        }
        _ if object.is_none() => "leave it out of the parameters",
        _ if has("__next__") => "pass a list or a dict of the arrays",
        _ if has("__dlpack__") => "np.from_dlpack(x) shares the memory of x; pass the array that it returns",
        _ => "pass the numpy.ndarray that holds it; a copy would not be updated",
    }
}

fn wrong_dtype(object: &Bound<'_, PyAny>, role: Role, name: &dyn Fn() -> String) -> PyErr {
    let wanted = match role {
        Role::Parameter => "float32",
        Role::Gradient => "float32, bfloat16 or float16",
    };
    let found = text(object, "dtype");
    let remedy = if role == Role::Gradient && found == "uint16" {
        "bfloat16 bits are read as such after .view(ml_dtypes.bfloat16)"
    } else if role == Role::Gradient {
        "convert it with .astype(np.float32)"
    } else {
        "convert it with .astype(np.float32), build with the converted array and use it in the model from then on"
    };
    error(
        object.py(),
        Kind::DType,
        format!("{} must have dtype {wanted}; got {found}; {remedy}", what(role, name)),
    )
}
