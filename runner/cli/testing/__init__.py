"""What `agent-run test` shows and writes."""
