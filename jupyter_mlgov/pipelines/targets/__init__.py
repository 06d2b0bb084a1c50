"""The places where a governed job can run, and what each of them reads."""
