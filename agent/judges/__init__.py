"""Judges: models that score sampled answers on a scale from 1 to 5. What they say is an estimate, and is named so."""
