"""Annotated objects of images, in any of four formats."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath

from sgcampp.annotations.box_table import read_box_table
from sgcampp.annotations.categories import Categories, read_classes
from sgcampp.annotations.coco import read_coco
from sgcampp.annotations.documents import read_bytes
from sgcampp.annotations.gathering import AnnotatedImage, Dropped, Gathering
from sgcampp.annotations.instances import AnnotationFault, Instance
from sgcampp.annotations.mask_files import read_mask, read_mask_names
from sgcampp.annotations.shapes import Box, Size
from sgcampp.annotations.voc import read_voc
from sgcampp.errors import UserError

ACCEPTED = (
    "a COCO JSON file, a Pascal VOC XML file or a directory of them, a directory of mask PNGs, "
    "or a CSV of image,class,x,y,w,h"
)

_SHOWN = 3


@dataclass(frozen=True, eq=False)
class Annotations:
    """The annotated objects of many images.

    Attributes:
        path: where they were read.
        format: `coco`, `voc`, `masks` or `csv`.
        images: what is annotated, by the annotations' own names of the images.
        dropped: what was left out (or cut at an image's edge), by reason: `no area`, `outside of
            the image`, `cut at the image's edge`, `bad outline`, `stands twice`, `image not
            listed`, `category not listed`.
        unmapped: how many objects each category has that is no class; they count as none.
    """

    path: Path
    format: str
    images: Mapping[str, AnnotatedImage]
    dropped: Mapping[str, Dropped]
    unmapped: Mapping[str, int]

    def __contains__(self, key: str) -> bool:
        return self._find(key) is not None

    def of(self, key: str, size: Size | None = None) -> tuple[Instance, ...]:
        """The objects of an image, none if it is not annotated.

        Args:
            key: the image's key in the manifest, or its file name. An annotated image is the same
                if the directories and name of one are the end of the other's: `a/cat.jpg` is
                `cat.jpg` and `b/a/cat.jpg`, but not `b/cat.jpg`. Annotations may leave out the
                extension.
            size: (H,W) of the upright image, if known.

        Raises:
            AnnotationFault: if the annotated picture had another size, or its mask can't be read.
            UserError: if several annotated images may be meant.
        """
        image = self._find(key)
        if image is None:
            return ()
        known, instances = image.size, tuple(image.instances)
        if image.mask_file:
            known, instances = read_mask(image.mask_file)
        if size and known and known != size:
            raise AnnotationFault(
                "size differs",
                f"{key}: the annotated picture has {known[1]}×{known[0]} pixels, the image has "
                f"{size[1]}×{size[0]}",
            )
        return tuple(_cut(one, size) for one in instances) if size else instances

    def _find(self, key: str) -> AnnotatedImage | None:
        parts = _parts(key)
        stem = (*parts[:-1], PurePosixPath(parts[-1]).stem)
        for wanted in (parts, stem):
            named = self._by_last_part.get(wanted[-1], ())
            same = [one for one in named if _is_end_of(one, wanted) or _is_end_of(wanted, one)]
            longest = max((min(len(one), len(wanted)) for one in same), default=0)
            best = [one for one in same if min(len(one), len(wanted)) == longest]
            if wanted in best:
                best = [wanted]
            if len(best) > 1:
                raise UserError(
                    f"{self.path}: image {key!r} may be {' or '.join(map('/'.join, best[:_SHOWN]))}"
                    " there; name the images by their keys in the run's manifest"
                )
            if best:
                return self._by_parts[best[0]]
        return None

    @cached_property
    def _by_parts(self) -> dict[tuple[str, ...], AnnotatedImage]:
        return {_parts(name): image for name, image in self.images.items()}

    @cached_property
    def _by_last_part(self) -> dict[str, list[tuple[str, ...]]]:
        found: dict[str, list[tuple[str, ...]]] = defaultdict(list)
        for parts in self._by_parts:
            found[parts[-1]].append(parts)
        return dict(found)


def read_annotations(
    path: str | Path, classes_file: str | Path | None, labels: Sequence[str]
) -> Annotations:
    """Reads annotated objects, in whichever format they are.

    What can't be read or is malformed is an error; a single object that can't be one (no area,
    outside of its image) is counted in `dropped`, so that one of a million does not end a run.

    Args:
        path: a COCO JSON file, a Pascal VOC XML file or a directory of them, a directory of mask
            PNGs, or a CSV of image,class,x,y,w,h.
        classes_file: which classes a category counts as, see `read_classes`; None: the class whose
            name or index it is.
        labels: the model's class names, in the order of its outputs.

    Raises:
        UserError: for bad input, or if no category is a class of the model.
    """
    place = Path(path)
    mapping = None if classes_file is None else read_classes(classes_file, labels)
    categories = Categories(labels, mapping)
    gathering = Gathering(categories)
    kind = _read_directory(place, gathering) if place.is_dir() else _read_file(place, gathering)
    found = Annotations(place, kind, gathering.images, gathering.dropped, gathering.unmapped)
    _check_classes(found, categories)
    return found


def _read_directory(place: Path, gathering: Gathering) -> str:
    shown = sorted(path for path in place.rglob("*") if not path.name.startswith("."))
    files = {
        suffix: [path for path in shown if path.suffix.casefold() == suffix]
        for suffix in (".xml", ".png")
    }
    if files[".xml"] and files[".png"]:
        raise UserError(f"{place}: holds XML files and PNGs; name a directory of one of the two")
    if files[".xml"]:
        read_voc(files[".xml"], place, gathering)
        return "voc"
    if files[".png"]:
        read_mask_names(files[".png"], place, gathering)
        return "masks"
    raise UserError(f"{place}: holds no XML file and no PNG; annotations are {ACCEPTED}")


def _read_file(place: Path, gathering: Gathering) -> str:
    start = read_bytes(place).removeprefix(b"\xef\xbb\xbf").lstrip()[:4]
    if start[:1] in {b"{", b"["}:
        read_coco(place, gathering)
        return "coco"
    if start[:1] == b"<" or place.suffix.casefold() == ".xml":
        read_voc([place], place.parent, gathering)
        return "voc"
    if place.suffix.casefold() == ".json" or start == b"\x89PNG":
        raise UserError(f"{place}: is no file of annotations; they are {ACCEPTED}")
    read_box_table(place, gathering)
    return "csv"


def _check_classes(found: Annotations, categories: Categories) -> None:
    some = any(one.classes for image in found.images.values() for one in image.instances)
    if found.unmapped and not some:
        named = sorted(found.unmapped)
        raise UserError(
            f"{found.path}: no category is a class of the model: "
            f"{', '.join(map(repr, named[:_SHOWN]))}{', …' if len(named) > _SHOWN else ''}"
            f"{categories.nearest(named[0])}; map them by a file of category,class_idx (--classes)"
        )


def _parts(name: str) -> tuple[str, ...]:
    return PurePosixPath(name.replace("\\", "/")).parts or ("",)


def _is_end_of(short: tuple[str, ...], long: tuple[str, ...]) -> bool:
    return long[len(long) - len(short) :] == short


def _cut(instance: Instance, size: Size) -> Instance:
    """The instance without what a box of a CSV reaches out of the image, which tells no size."""
    if not isinstance(instance.shape, Box):
        return instance
    inside = instance.shape.within((0, 0, *size))
    return replace(instance, shape=inside) if inside else instance
