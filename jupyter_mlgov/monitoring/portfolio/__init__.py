"""All models of a workspace at once: what each is, where to look first, and what the log says of how the house does."""
