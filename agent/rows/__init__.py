"""Rows of tabular models: files and JSON lines become batches; inputs and outputs become one row."""
