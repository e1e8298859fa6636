"""Text in pictures: measured, broken into lines, shortened and drawn, whatever it consists of.

The type is OpenCV's own "sans" (Rubik, with WenQuanYi Micro Hei for East Asian text): the face that
Pillow embeds has ASCII letters only, and file names are in every language.
"""

import re
import unicodedata
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_ELLIPSIS = "…"
_AFTER_WORDS = re.compile(r"(?<=\s)(?=\S)")
_WITHIN_NAMES = re.compile(r"(?<=[\s_\-/,;.])(?=[^\s_\-/,;.])")
_UNSEEN = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}
"""Unicode categories without a shape; a lone surrogate (Cs) would crash OpenCV."""


@dataclass(frozen=True)
class Lettering:
    """A size and colour of text.

    Attributes:
        size: of a letter, in pixels.
        weight: 400 is regular, 600 semi-bold.
        grey: of the ink, 0 (black) to 255.
    """

    size: int
    weight: int = 400
    grey: int = 30

    @property
    def line(self) -> int:
        """Pixels from one line to the next."""
        return round(self.size * 1.4)

    def width(self, text: str) -> int:
        """Returns the pixels that a line of text takes."""
        face = cv2.FontFace("sans")
        return cv2.getTextSize((0, 0), legible(text), (0, 0), face, self.size, self.weight)[2]

    def shorten(self, text: str, limit: int) -> str:
        """Returns the text, with an ellipsis for its middle if it is wider than `limit` pixels."""
        text = legible(text)
        if self.width(text) <= limit:
            return text
        fits, too_many = 0, len(text)
        while too_many - fits > 1:
            kept = (fits + too_many) // 2
            if self.width(_without_middle(text, kept)) <= limit:
                fits = kept
            else:
                too_many = kept
        return _without_middle(text, fits)

    def lines(self, text: str, limit: int) -> list[str]:
        """Returns the text in at most two lines of `limit` pixels, shortened only if it must be.

        A line ends after a word or, if that is too wide, after one of _ - / , ; and full stop.
        Empty text has no lines.
        """
        text = legible(text).strip()
        if self.width(text) <= limit:
            return [text] if text else []
        halves = self._halves(text, _AFTER_WORDS)
        if max(map(self.width, halves)) > limit:
            halves = self._halves(text, _WITHIN_NAMES)
        return [self.shorten(half, limit) for half in halves]

    def least_width(self, text: str) -> int:
        """Returns the smallest limit at which `lines` need not shorten the text."""
        return max(map(self.width, self._halves(legible(text).strip(), _WITHIN_NAMES)))

    def _halves(self, text: str, end: re.Pattern[str]) -> list[str]:
        """Cuts text at an `end` into one or two parts, the longer one as short as can be."""
        cuts = [match.start() for match in end.finditer(text)]
        ways = [[text], *([text[:cut].rstrip(), text[cut:]] for cut in cuts)]
        return min(ways, key=lambda way: max(map(self.width, way)))

    def write(
        self, canvas: NDArray[np.uint8], lines: list[str], x: float, top: int, align: float = 0
    ) -> None:
        """Draws lines of text onto a picture.

        Args:
            canvas: uint8 [H, W, 3], is written to; what lies outside of it is cut off.
            lines: from top to bottom.
            x: where the lines start, if `align` is 0; their middle for 0.5, their end for 1.
            top: row of the first line's upper edge.
            align: 0 to 1.
        """
        face = cv2.FontFace("sans")
        for number, line in enumerate(lines):
            left = round(x - align * self.width(line))
            baseline = top + number * self.line + round(self.size * 1.05)
            ink = (self.grey,) * 3
            place = (left, baseline)
            cv2.putText(canvas, legible(line), place, ink, face, self.size, self.weight)


def legible(text: str) -> str:
    """Returns text on one line that can be drawn: "?" for what has no shape of its own."""
    return "".join("?" if unicodedata.category(c) in _UNSEEN else c for c in _on_one_line(text))


def _on_one_line(text: str) -> str:
    return re.sub(r"[\t\n\v\f\r]+", " ", text)


def _without_middle(text: str, kept: int) -> str:
    """Returns the first and last letters of text around an ellipsis, `kept` letters in all."""
    end = kept // 2
    return text[: kept - end] + _ELLIPSIS + text[len(text) - end :]
