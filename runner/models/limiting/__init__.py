"""Limits that all chats of a process share: how often a model is asked, how often a failed request is sent again."""
