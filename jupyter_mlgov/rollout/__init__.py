"""How a model reaches its users. Not in this version: there is no canary, no serving, and no command that claims to."""
