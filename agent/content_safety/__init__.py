"""Azure AI Content Safety: asked about sampled texts, where an endpoint wants a second opinion beside the platform's own filter."""
