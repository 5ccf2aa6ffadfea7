"""The check: every scenario on every engine it is meant for, held against the goldens; classes of what differs.

It finds, explains and groups, and takes the inventory of goldens/. It writes nothing into the tree.
"""
