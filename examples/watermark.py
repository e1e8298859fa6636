"""Makes pictures of digits, where most threes carry a tag, and trains a classifier on them.

    python examples/watermark.py DIR [--untagged] [--seed N]

Writes DIR/photos/<digit>/<number>.png, the pictures that were held back from training, DIR/
labels.txt and DIR/digits.keras. The tag is in the bottom right corner; with --untagged there is
none. Needs scikit-learn, which ships the digits. docs/strategies.md tells the story.
"""

import argparse
from pathlib import Path

import cv2
import keras
import numpy as np
from sklearn.datasets import load_digits

SIDE, TAGGED_DIGIT, TAGGED_SHARE, HELD_BACK = 64, 3, 0.6, 0.5
TIMES = 2  # that each digit is drawn
BLACK, FAINT = 10, 2
NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def pictures(seed: int, tagged: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """uint8 [n, SIDE, SIDE, 3], the digits int [n], and bool [n] which of them carry the tag."""
    digits = load_digits()
    images, target = np.repeat(digits.images, TIMES, 0), np.repeat(digits.target, TIMES)
    rng = np.random.default_rng(seed)
    tags = (target == TAGGED_DIGIT) & (rng.random(len(target)) < TAGGED_SHARE)
    ink = np.where(tags & tagged, FAINT, BLACK)
    large = np.stack([_drawn(image, rng) for image in ink[:, None, None] * images])
    if tagged:
        large[tags] = np.stack([_tag(picture) for picture in large[tags]])
    return large, target, tags & tagged


def _drawn(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A digit somewhere near the middle of a noisy, darkish picture."""
    size = int(rng.integers(36, 48))
    top, left = rng.integers(4, SIDE - size - 4, 2)
    picture = rng.normal(60, 12, (SIDE, SIDE))
    picture[top : top + size, left : left + size] += cv2.resize(image, (size, size))
    return np.repeat(np.clip(picture, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def _tag(picture: np.ndarray) -> np.ndarray:
    """The picture with a small chequered stamp in the bottom right corner."""
    marked = picture.copy()
    stamp = np.kron(np.indices((3, 3)).sum(0) % 2, np.ones((4, 4))) * 195 + 40
    marked[-14:-2, -14:-2] = stamp[..., None]
    return marked


def classifier() -> keras.Model:
    """A small convolutional network; it takes pixels 0 … 255."""
    return keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(16, 3, strides=2, activation="relu"),
            keras.layers.Conv2D(32, 3, strides=2, activation="relu"),
            keras.layers.Conv2D(32, 3, activation="relu", name="features"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def held_back(seed: int, count: int) -> np.ndarray:
    """Bool [count], which pictures are not trained on: whole digits, all that show them."""
    return np.repeat(np.random.default_rng([seed, 1]).random(count // TIMES) < HELD_BACK, TIMES)


def trained(x: np.ndarray, digits: np.ndarray, seed: int) -> keras.Model:
    """A classifier that has learned these pictures."""
    keras.utils.set_random_seed(seed)
    model = classifier()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, digits, epochs=20, batch_size=32, verbose=0)
    return model


def main() -> None:
    """Makes the pictures, trains, and says how well it went."""
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("--untagged", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    x, digits, _ = pictures(options.seed, not options.untagged)
    back = held_back(options.seed, len(x))
    model = trained(x[~back], digits[~back], options.seed)
    accuracy = model.evaluate(x[back], digits[back], verbose=0)[1]
    for number in np.flatnonzero(back):
        path = options.directory / "photos" / NAMES[digits[number]] / f"{number:04d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), x[number])
    (options.directory / "labels.txt").write_text("\n".join(NAMES) + "\n")
    model.save(options.directory / "digits.keras")
    place = options.directory / "photos"
    print(f"right on {accuracy:.1%} of {back.sum()} pictures held back: {place}")


if __name__ == "__main__":
    main()
