"""Redacted texts of sampled calls on disk (`content: sampled`): in a file of their own, for a while, and gone for good after it."""
