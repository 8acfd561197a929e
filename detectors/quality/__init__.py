"""Data quality: missing, mistyped, out-of-range, new and duplicate values."""
