"""Content-safety filter results: counts per category and rates with intervals."""
