"""Answering requests with a model that may answer: protocol, input check, breaker, cache, routes and the log of predictions."""
