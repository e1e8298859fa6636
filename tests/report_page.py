"""The page of `sgcampp report`, parsed."""

import html.parser
import json


class Page(html.parser.HTMLParser):
    """A page as a browser's parser sees it: tags, attributes, what stands in each script."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.scripts, self.words, self.inside = [], {}, [], None
        self.source = path.read_text("utf-8")
        self.feed(self.source)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag == "script":
            self.inside = dict(attributes).get("id", "code")
            self.scripts[self.inside] = ""

    def handle_endtag(self, tag):
        if tag == "script":
            self.inside = None

    def handle_data(self, data):
        if self.inside:
            self.scripts[self.inside] += data
        else:
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    @property
    def images(self):
        return [json.loads(line) for line in self.scripts["lines"].split("\n") if line]

    @property
    def facts(self):
        return json.loads(self.scripts["run"])
