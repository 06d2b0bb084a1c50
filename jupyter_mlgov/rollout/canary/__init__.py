"""A canary in traffic: its plan, what is counted, and what each look at it decides."""
