"""What happens to prompts and answers between decoding and the spool."""
