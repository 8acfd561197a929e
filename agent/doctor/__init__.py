"""What `driftline doctor` looks at, a file a subject: each returns remarks, and changes nothing."""
