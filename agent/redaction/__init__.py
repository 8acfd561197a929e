"""What is personal or secret in a text is replaced by its kind before the text goes anywhere."""
