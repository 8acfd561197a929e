"""The running agent's admin socket: a command and its answer are one line of JSON each."""
