"""What must outlive the process: checkpoint, closed windows, audit, baselines, outbox; one SQLite file."""
