"""Measured claims: speed, memory, false alarms. Not part of the application."""
