"""Comparing engines, on one scenario (who behaves alike, and in what the others differ) and on many (`corpus`).

This room groups engines by equal traces and says what each group does differently: which steps end in another way,
which properties are violated where, and what an observer finds in the end. How that is printed is in `tables` and in
`corpus_report`.
"""
