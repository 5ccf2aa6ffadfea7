"""What all SVG pictures are made of: the document, and a text in it.

Colours stand as attributes, for readers that drop a style sheet, beside the classes of the style.
"""

from __future__ import annotations

from html import escape

from klpdsl.view import palette

_COLOURS = {"ink": "#1a1a1a", "dim": "#5c5c5c", "bad": "#a80000"}


def document(title: str, style: str, body: str, width: float, height: float) -> str:
    """The picture, whose size is in pixels; what a reader is told of it at once is its title."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(title)}">\n'
        f"<title>{escape(title)}</title>\n<style>{style}{palette.css('')}</style>\n"
        f'<rect class="bg" fill="#ffffff" width="100%" height="100%"/>\n{body}</svg>\n'
    )


def text_at(text: str, x: float, y: float, kind: str) -> str:
    """A text from that point on, of a `kind` that every style has: ink, dim, bad; more classes may follow it."""
    colour = _COLOURS[kind.partition(" ")[0]]
    return f'<text class="{kind}" fill="{colour}" x="{x:g}" y="{y:g}">{escape(text, quote=False)}</text>'
