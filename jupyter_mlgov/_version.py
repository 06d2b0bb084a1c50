"""The version, alone in a file so that nobody inside imports the package's front door for it."""

__version__ = "0.1.0"
