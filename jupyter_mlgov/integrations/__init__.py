"""The only doors to foreign systems, one module or folder each; none knows another."""
