"""A thin HTTP/1.1 client on asyncio: one origin, POST requests, replies that stream. httptools reads what comes back.

`docs/performance.md` says why it is here and not one of the larger clients.
"""
