"""Hot reload: what to watch, when it has changed, and the agent made anew from it."""
