"""Distances people know by name, from counts or from rows. No alarm promise rests on any of them."""
