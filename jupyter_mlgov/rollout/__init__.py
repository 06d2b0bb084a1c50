"""How a model reaches its users step by step: statistics that stay true however often one looks, and what they lead to."""
