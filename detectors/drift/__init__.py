"""Drift of features and predictions: cells, profiles, and the alarm rule with its budget."""
