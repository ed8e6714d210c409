"""Models: what answers a request. Each kind is its own leaf file; wrappers such as `Retry` hold another model."""
