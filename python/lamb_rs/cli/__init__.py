"""The commands behind ``python -m lamb_rs``: demo, info and bench."""
