"""The ground floor: canonical form, digests, people, verdicts, errors. Standard library only."""
