"""Other products, each run in an environment and a process of its own, on the data driftline is measured on."""
