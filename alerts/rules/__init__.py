"""The built-in rules, one a file: their fields are the options under `alerts:` of an endpoint."""
