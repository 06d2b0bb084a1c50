"""The notebook as a reproducible job: parameters, plan, export targets."""
