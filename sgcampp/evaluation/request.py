"""What an evaluation is asked for: OUT/evaluation/evaluation.yaml, written and held against."""

from dataclasses import asdict, dataclass
from typing import Any

from sgcampp.config.strict_yaml import parse_mapping, yaml_value
from sgcampp.engine.fills import FILLS
from sgcampp.engine.settings import LARGEST_BATCH
from sgcampp.errors import UserError, check_whole
from sgcampp.storage.store import Store

DIRECTORY = "evaluation"
REQUEST_YAML = f"{DIRECTORY}/evaluation.yaml"
SEEDS, MOST_STEPS = 2**31 - 1, 1000


@dataclass(frozen=True)
class Request:
    """All that shapes an evaluation's rows.

    Attributes:
        metrics: by name, in the order of tables.
        parameters: of the metrics that have any, by metric.
        made: how imputed images and maps made again come about, by what they are for.
        steps: of curves, from no pixel to all.
        fill: what stands for pixels that are taken out, and what an insertion starts from.
        seed: of ties, random maps and partners.
        base: the method whose p₁ `win` is held against.
        references: names of the reference maps.
        limit: how many images at most, the first in the order of their keys; None: all.
        boxes: of annotated objects: path and SHA-256 as far as it is a file; None without.
        classes: of the file that maps categories to classes, likewise.
        images_sha256: of the keys of the images.
        model_fingerprint: of the model that scores.
        batch_size: B, masked images scored at a time; another B may change last digits.
    """

    metrics: list[str]
    parameters: dict[str, Any]
    made: dict[str, Any]
    steps: int
    fill: list[str]
    seed: int
    base: str
    references: list[str]
    limit: int | None
    boxes: list[str | None] | None
    classes: list[str | None] | None
    images_sha256: str
    model_fingerprint: str
    batch_size: int


def check_numbers(
    steps: int, seed: int, limit: int | None, fill: list[str], batch_size: int | None
) -> None:
    """Raises UserError for a setting out of range."""
    if batch_size is not None:
        check_whole("batch_size", batch_size, 1, LARGEST_BATCH, "from 1 to 10^6")
    check_whole("steps", steps, 2, MOST_STEPS, "from 2 to 1000")
    check_whole("seed", seed, 0, SEEDS, "from 0 to 2^31 - 1")
    if limit is not None:
        check_whole("limit", limit, 1, 10**9, "of 1 or more")
    if not 1 <= len(fill) <= 2 or not set(fill) <= set(FILLS):
        raise UserError(
            f"fill is {','.join(fill)!r:.100}, accepted: one or two of {', '.join(FILLS)}: for "
            "pixels taken out, and for the start of an insertion"
        )


def settle_request(store: Store, request: Request) -> None:
    """Writes the request, or makes sure that the tree's evaluation is the same one.

    Raises:
        UserError: as `is_there`.
    """
    if not is_there(store, request):
        lines = [f"{name}: {yaml_value(value)}\n" for name, value in asdict(request).items()]
        store.write(REQUEST_YAML, "".join(["# written by sgcampp evaluate\n", *lines]).encode())


def is_there(store: Store, request: Request) -> bool:
    """Whether the tree holds this evaluation; False if it holds none.

    Raises:
        UserError: if it holds another one; names what differs.
    """
    now = asdict(request)
    try:
        data = store.read(REQUEST_YAML).data
    except (FileNotFoundError, NotADirectoryError):
        return False
    known = parse_mapping(data, store.shown(REQUEST_YAML))
    differing = [
        f"{name}: {known.get(name)!r:.80} → {value!r:.80}"
        for name, value in now.items()
        if known.get(name) != value
    ]
    if differing:
        raise UserError(
            f"{store.shown(DIRECTORY)} holds another evaluation, which differs in "
            f"{'; '.join(differing)}: remove that directory, or ask for the same"
        )
    return True
