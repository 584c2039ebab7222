"""The commands of ``python -m lamb_rs``: demo, gallery, info and bench."""
