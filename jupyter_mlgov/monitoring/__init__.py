"""Is it still good: what is watched of a model in production, how often, and what a finding does. Pure; nothing here reads or writes."""
