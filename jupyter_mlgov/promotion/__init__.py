"""Who let it through: gates, reviews, the decision with all its reasons, the registry, why."""
