"""Pictures of a run: what a trace says, for the eye.

`film` watches a run and keeps the world after each step, `grid` says what a picture shows of it, and one module for
each medium draws that: `timeline` for the terminal, `svg`, `page` for HTML, `perfetto` for Perfetto.
`diagram` draws a graph of states; `drawing` has what both SVG pictures are made of.
"""
