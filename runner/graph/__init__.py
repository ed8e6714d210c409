"""The engine graph: what an agent is made of, as data and as pictures."""
