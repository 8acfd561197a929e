"""The decisions of driftline: rules over catalogue metrics and the pure alert state machine."""
