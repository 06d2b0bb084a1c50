"""What happened, so that nobody can change it unseen: entries, the hash-linked log, verification."""
