"""Tools: what the model can call, and what their arguments and results may be."""
