"""What was found, as text, JSON, annotations, JUnit XML, Markdown, and as a review one goes through.

All of it is made from the same records, so that every form says the same. Nothing here prints or asks.
"""
