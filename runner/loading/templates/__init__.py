"""Instructions as templates: checked when a manifest is, rendered once a turn, within limits."""
