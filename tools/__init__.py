"""Example tools. A manifest names a file here (`tools: [tools/weather.py]`); its public functions become tools."""
