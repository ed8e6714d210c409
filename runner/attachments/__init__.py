"""Files in turns: read, uploaded where they are large, and kept alive as long as their chats go on.

`AttachedModel` stands below `Retry`, like `CachedModel`: what a request says of files that the service has no longer is
said anew, and the stored log is never changed.
"""
