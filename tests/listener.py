"""A reporter for runs in tests."""

from dataclasses import dataclass, field


@dataclass
class Listener:
    """A reporter that remembers, and may act when an image is done."""

    notes: list = field(default_factory=list)
    rows: list = field(default_factory=list)
    skipped: int = 0
    total: int | None = None
    on_finish: object = None

    def note(self, sentence):
        self.notes.append(sentence)

    def start(self, summary):
        self.total = summary.total

    def skip(self):
        self.skipped += 1

    def finish(self, row):
        self.rows.append(row)
        if self.on_finish:
            self.on_finish(row)

    @property
    def keys(self):
        return [row.key for row in self.rows]
