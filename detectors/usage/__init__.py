"""Usage of an endpoint: requests, errors, throttling, latency and tokens, exact on every call."""
