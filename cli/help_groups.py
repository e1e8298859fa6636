"""The flags of a run in named groups, in the order in which a user thinks of them."""

import click

GROUPS: dict[str, tuple[str, ...]] = {
    "What is computed, and where it goes": (
        *("config", "method", "nsamples", "tolerance", "std_dev", "out", "write"),
    ),
    "Which model": (
        *("model", "weights", "labels", "trusted", "output_name", "preprocess", "resize"),
        *("channel_order", "scale", "mean", "std", "input_size"),
    ),
    "Which layer, class and neurons": (
        *("layer_name", "target", "filters", "subset", "region", "tokens", "scan"),
    ),
    "Sampling": ("seed", "across", "ig_steps", "ig_tolerance", "baseline"),
    "Hiding parts of the image": (
        *("perturbations", "fill", "window", "stride", "superpixels", "sampler", "fit_images"),
    ),
    "Pictures and files": (
        "colormap",
        "overlay_alpha",
        "fade_uncertain",
        "panel_scale",
        "png_compression",
        "layout",
        "shard_size",
    ),
    "The run": (
        *("glob", "recursive", "shard", "retry_failed", "overwrite", "as_json", "quiet"),
        *("workers", "scheduler", "max_failures", "max_pixels"),
    ),
    "Device": ("batch_size", "precision", "jit"),
    "Where the paper leaves a choice": (
        *("score", "alpha_numerator", "activations", "average", "alpha_guard", "noise_scale"),
        *("derivatives", "sign"),
    ),
}
"""Names of parameters, as Click has them."""


class GroupedCommand(click.Command):
    """A command whose help lists its flags by GROUPS."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes a section a group."""
        records = {
            str(param.name): record
            for param in self.get_params(ctx)
            if (record := param.get_help_record(ctx)) is not None
        }
        for title, names in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([records[name] for name in names])
        asked = self.get_help_option(ctx)
        with formatter.section("Help"):
            formatter.write_dl(
                [record for record in [asked and asked.get_help_record(ctx)] if record]
            )
