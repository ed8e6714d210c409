"""Answers: in the form that was asked for, and with the sources they are drawn from."""
