"""The files a new agent begins with."""
