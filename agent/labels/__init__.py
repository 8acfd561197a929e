"""Labels that come late: read, joined with the answers they are about, and turned into realised performance."""
