"""Evaluators that need no model: what each measures is what it is called, a trend and no verdict."""
