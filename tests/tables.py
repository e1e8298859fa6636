"""The tables and figures of a page, as a reader of its text meets them."""

import html.parser
from dataclasses import dataclass, field


@dataclass
class Table:
    """Rows of cells; a cell is its text. `values`: by row, what its data elements hold."""

    id: str | None
    rows: list = field(default_factory=list)
    values: list = field(default_factory=list)


@dataclass
class Figure:
    """A figure with its pictures' labels, the text in them, and the tables beside them."""

    pictures: list = field(default_factory=list)
    words: list = field(default_factory=list)
    tables: list = field(default_factory=list)


class Tables(html.parser.HTMLParser):
    """Reads a page's tables, figures and ids."""

    def __init__(self, path):
        super().__init__()
        self.tables, self.figures, self.open, self.alone = [], [], [], []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.open.append(tag)
        if tag == "figure":
            self.figures.append(Figure())
        if tag == "svg":
            (self.figures[-1].pictures if "figure" in self.open else self.alone).append(attributes)
        if tag == "table":
            self.tables.append(Table(attributes.get("id")))
            if "figure" in self.open:
                self.figures[-1].tables.append(self.tables[-1])
        if tag == "tr":
            self.tables[-1].rows.append([])
            self.tables[-1].values.append([])
        if tag in {"td", "th"}:
            self.tables[-1].rows[-1].append("")
        if tag == "data":
            self.tables[-1].values[-1].append(attributes["value"])
        if tag in {"meta", "wbr", "img", "input", "br", "path"}:
            self.open.pop()

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if {"td", "th"} & set(self.open):
            self.tables[-1].rows[-1][-1] += data
        if "text" in self.open:
            self.figures[-1].words.append(data)

    def table(self, wanted):
        return next(table for table in self.tables if table.id == wanted)
