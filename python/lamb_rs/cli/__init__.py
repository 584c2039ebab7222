"""The commands behind ``python -m lamb_rs``: demo, gallery, info and bench."""
