"""Stored references: built, accepted, cut and shown."""
