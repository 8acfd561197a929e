"""OTLP over HTTP and gRPC: spans and log records of GenAI clients become model calls."""
