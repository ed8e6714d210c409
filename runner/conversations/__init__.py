"""Scripted conversations: an agent talked to from a file, and every turn checked."""
