"""A digest that tells two models apart and is the same in every process."""

import hashlib
import json
from typing import Any

import keras
import numpy as np

# Addresses in memory, versions and training settings: they change while the function does not.
_IGNORED = {"shared_object_id", "compile_config", "build_config", "keras_version"}


def model_digest(model: keras.Model) -> str:
    """SHA-256 over the architecture (where Keras can tell it) and all weights, 64 hex digits.

    Layer names do not count: Keras numbers unnamed layers anew in every process.
    """
    digest = hashlib.sha256(_architecture(model).encode())
    for weight in model.get_weights():
        array = np.ascontiguousarray(weight).reshape(-1)
        digest.update(f"{weight.dtype}{weight.shape}".encode())
        digest.update(array.view(np.uint8).data)
    return digest.hexdigest()


def _architecture(model: keras.Model) -> str:
    try:
        config = json.loads(model.to_json())
    except (NotImplementedError, TypeError, ValueError):
        # A subclassed model without get_config.
        return f"{type(model).__module__}.{type(model).__qualname__}"
    numbers: dict[str, str] = {}
    _number_layers(config, numbers)
    return json.dumps(_cleaned(config, numbers), sort_keys=True)


def _number_layers(config: Any, numbers: dict[str, str]) -> None:
    """Gives each layer name in the nested `layers` lists the number of its first appearance."""
    if isinstance(config, list):
        for entry in config:
            _number_layers(entry, numbers)
    if not isinstance(config, dict):
        return
    if isinstance(config.get("layers"), list):
        for layer in [config, *config["layers"]]:
            name = layer.get("name") or layer.get("config", {}).get("name")
            if isinstance(name, str):
                numbers.setdefault(name, f"#{len(numbers)}")
    for value in config.values():
        _number_layers(value, numbers)


def _cleaned(config: Any, numbers: dict[str, str]) -> Any:
    if isinstance(config, dict):
        kept = config.items()
        return {key: _cleaned(value, numbers) for key, value in kept if key not in _IGNORED}
    if isinstance(config, list):
        return [_cleaned(entry, numbers) for entry in config]
    return numbers.get(config, config) if isinstance(config, str) else config
