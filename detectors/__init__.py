"""The maths of driftline: columns in, scores out; no network, disk, clock or randomness of its own."""
