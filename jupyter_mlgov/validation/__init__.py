"""Is it good enough: policy packs, plug-in discovery, the engine, the report as data."""
