"""What is received but not yet counted: append-only files, written before a sender gets its answer."""
