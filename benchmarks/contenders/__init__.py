"""Ways to talk to Gemini, each in one file with a class `Talk`, imported only in the process that measures it."""
