"""What enriched columns mean: numbers and categories drawn from a text, an image or an embedding."""
