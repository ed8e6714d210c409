"""The tools that Gemini itself has and runs."""

BUILT_IN = ("google_search", "url_context", "code_execution", "google_maps")
"""Those that are named alone."""
FILE_SEARCH = "file_search"
