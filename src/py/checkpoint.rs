//! The headers of safetensors files, written in one way and read strictly.
//!
//! Offsets, sizes and dtypes are checked by the `safetensors` crate. Its own reader keeps the last of
//! two equal names, and builds a tree of the whole JSON before it checks it. Therefore the header is parsed
//! here, directly into rows.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use safetensors::tensor::{Dtype, Metadata, TensorInfo};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::collections::BTreeMap;
use std::fmt;

/// The largest header that readers of this format accept.
const LARGEST: usize = 100_000_000;
/// The most tensors of a file, dimensions of a tensor, and texts of metadata.
const MOST_TENSORS: usize = 1_000_000;
const MOST_DIMENSIONS: usize = 64;
const MOST_TEXTS: usize = 1000;
/// Data starts at a multiple of this.
const ALIGNMENT: usize = 8;
const METADATA: &str = "__metadata__";

type Texts = BTreeMap<String, String>;
type Row = (String, String, Vec<usize>, usize, usize);

/// The start of a file, and the order in which the data of the tensors follows.
#[pyfunction]
#[pyo3(signature = (tensors, metadata, /))]
pub(super) fn pack_header<'py>(
    py: Python<'py>,
    tensors: Vec<(String, String, Vec<usize>)>,
    metadata: Texts,
) -> PyResult<(Bound<'py, PyBytes>, Vec<usize>)> {
    let mut rows = Vec::with_capacity(tensors.len());
    for (index, (name, dtype, shape)) in tensors.into_iter().enumerate() {
        rows.push((known(&dtype)?, name, shape, index));
    }
    // Wide elements come first, so that all are aligned; then by name, so that a state has only one file.
    rows.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let mut order = Vec::with_capacity(rows.len());
    let mut tensors = Vec::with_capacity(rows.len());
    let mut end = 0usize;
    for (dtype, name, shape, index) in rows {
        let bytes = shape.iter().try_fold(dtype.bitsize() / 8, |n, &size| n.checked_mul(size));
        let start = end;
        end = bytes
            .and_then(|bytes| start.checked_add(bytes))
            .ok_or_else(|| refuse(format!("'{name}' is larger than any memory")))?;
        tensors.push((name, TensorInfo { dtype, shape, data_offsets: (start, end) }));
        order.push(index);
    }
    let header = Header { metadata, tensors };
    header.check().map_err(refuse)?;
    let mut json = serde_json::to_vec(&header).map_err(|e| refuse(e.to_string()))?;
    json.resize(json.len().next_multiple_of(ALIGNMENT), b' ');
    if json.len() > LARGEST {
        return Err(refuse(format!("the header has {} bytes; at most {LARGEST} can be read", json.len())));
    }
    let bytes = PyBytes::new_with(py, 8 + json.len(), |bytes| {
        let (length, rest) = bytes.split_at_mut(8);
        length.copy_from_slice(&(json.len() as u64).to_le_bytes());
        rest.copy_from_slice(&json);
        Ok(())
    })?;
    Ok((bytes, order))
}

/// Metadata and tensors (name, dtype, shape, first and last byte) of a header without its length.
#[pyfunction]
#[pyo3(signature = (header, data_bytes, /))]
pub(super) fn unpack_header(header: &[u8], data_bytes: usize) -> PyResult<(Texts, Vec<Row>)> {
    if header.len() > LARGEST {
        return Err(refuse(format!("the header has {} bytes, more than {LARGEST}", header.len())));
    }
    let mut header: Header = serde_json::from_slice(header)
        .map_err(|e| refuse(format!("is damaged: its header cannot be read: {e}")))?;
    header.tensors.sort_by_key(|(_, info)| info.data_offsets);
    let end = header.check().map_err(refuse)?;
    if end > data_bytes {
        return Err(refuse(format!(
            "is cut off: the tensors have {end} bytes, of which {data_bytes} are there"
        )));
    }
    if end < data_bytes {
        return Err(refuse(format!(
            "is damaged: the tensors have {end} bytes, and {data_bytes} follow the header"
        )));
    }
    let rows = header.tensors.into_iter().map(|(name, info)| {
        let (start, end) = info.data_offsets;
        (name, info.dtype.to_string(), info.shape, start, end)
    });
    Ok((header.metadata, rows.collect()))
}

/// An error. The text that it quotes from a file may have any length, so it is shortened.
fn refuse(reason: impl Into<String>) -> PyErr {
    let mut reason = reason.into();
    if let Some((end, _)) = reason.char_indices().nth(300) {
        reason.truncate(end);
        reason.push_str("...");
    }
    PyValueError::new_err(reason)
}

/// The dtypes that a state has.
fn known(dtype: &str) -> PyResult<Dtype> {
    let known = [Dtype::F64, Dtype::F32, Dtype::BF16, Dtype::U8];
    let found = known.into_iter().find(|one| one.to_string() == dtype);
    found.ok_or_else(|| refuse(format!("dtype '{dtype}' is none of F64, F32, BF16, U8")))
}

struct Header {
    metadata: Texts,
    tensors: Vec<(String, TensorInfo)>,
}

impl Header {
    /// The end of the data, after checking that names differ and tensors have no gaps or overlaps.
    fn check(&self) -> Result<usize, String> {
        let mut names: Vec<&str> = self.tensors.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(format!("'{}' is there twice", twice[0]));
        }
        if names.binary_search(&METADATA).is_ok() {
            return Err(format!("'{METADATA}' is not allowed as the name of a tensor"));
        }
        let metadata = Metadata::new(None, self.tensors.clone()).map_err(|e| e.to_string())?;
        Ok(metadata.data_len())
    }
}

impl Serialize for Header {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1 + self.tensors.len()))?;
        map.serialize_entry(METADATA, &self.metadata)?;
        for (name, info) in &self.tensors {
            map.serialize_entry(name, info)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tensors by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
        let mut metadata = None;
        let mut tensors = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if name == METADATA {
                let Unique(texts) = map.next_value()?;
                if metadata.replace(texts).is_some() {
                    return Err(A::Error::duplicate_field(METADATA));
                }
            } else if tensors.len() == MOST_TENSORS {
                return Err(A::Error::custom(format!("more than {MOST_TENSORS} tensors")));
            } else {
                let Info { dtype, shape: Shape(shape), data_offsets } = map.next_value()?;
                tensors.push((name, TensorInfo { dtype, shape, data_offsets }));
            }
        }
        Ok(Header { metadata: metadata.unwrap_or_default(), tensors })
    }
}

/// The entry of a tensor in a header, without other keys.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Info {
    dtype: Dtype,
    shape: Shape,
    data_offsets: (usize, usize),
}

struct Shape(Vec<usize>);

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Sizes;
        impl<'de> Visitor<'de> for Sizes {
            type Value = Shape;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "at most {MOST_DIMENSIONS} sizes")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Shape, A::Error> {
                let mut shape = Vec::new();
                while let Some(size) = seq.next_element()? {
                    if shape.len() == MOST_DIMENSIONS {
                        return Err(A::Error::invalid_length(MOST_DIMENSIONS + 1, &self));
                    }
                    shape.push(size);
                }
                Ok(Shape(shape))
            }
        }
        deserializer.deserialize_seq(Sizes)
    }
}

/// Texts by distinct names.
struct Unique(Texts);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Unique;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("texts by name")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Unique, A::Error> {
                let mut texts = Texts::new();
                while let Some((name, text)) = map.next_entry::<String, String>()? {
                    if texts.insert(name, text).is_some() {
                        return Err(A::Error::custom(format!("a name in '{METADATA}' is there twice")));
                    }
                    if texts.len() > MOST_TEXTS {
                        return Err(A::Error::custom(format!("more than {MOST_TEXTS} texts")));
                    }
                }
                Ok(Unique(texts))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}
