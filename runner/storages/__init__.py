"""Storages: where chats are kept. One kind a file."""
