"""Goldens and git: whose line it is, merging by running, what is to be set up in a clone.

git is asked or told by its own command; a repository that is not there is an answer as well.
"""
