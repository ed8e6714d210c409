"""JSON schemas for editors: generated from the manifest's types, and one of each project with its own tools."""
