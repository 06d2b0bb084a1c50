"""What other programs read: the traceability matrix, CycloneDX, model card, statements."""
