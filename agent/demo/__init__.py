"""The demo: real flights and a real client against a local Azure OpenAI look-alike, told as a story."""
