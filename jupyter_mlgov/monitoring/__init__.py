"""Is it still good. Not in this version: nothing is watched after promotion, and no command claims to."""
