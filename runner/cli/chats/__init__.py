"""`agent-run chats`: what is kept in a storage, listed, shown, moved, repaired and deleted; one command a file."""
