"""Context caches inside turns: what a cache holds, one cache for all processes, and a model that uses it.

`CachedModel` stands below `Retry` and above the model it asks. Where the cache is not there, the same request is sent
without it: a cache changes what an answer costs, and nothing else.
"""
