"""Golden sets: questions whose answers people wrote, asked of an endpoint again and again as canary traffic."""
