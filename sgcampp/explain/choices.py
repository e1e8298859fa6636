"""The choices that the paper leaves open, each a named value (README, "Choices")."""

from dataclasses import dataclass, fields

from sgcampp.errors import UserError, nearest

VALUES: dict[str, tuple[str, ...]] = {
    "score": ("exp_logit", "logit"),
    "alpha_numerator": ("second", "first"),
    "activations": ("clean", "mean"),
    "average": ("derivatives", "maps"),
    "alpha_guard": ("nonnegative", "none"),
    "derivatives": ("closed", "exact"),
    "noise_scale": ("range", "absolute"),
    "sign": ("own", "absolute", "positive", "signed"),
}


@dataclass(frozen=True)
class Choices:
    """How the equations are read; the first value of each is the default.

    Attributes:
        score: `exp_logit` differentiates the paper's Y = exp(S), so that noised sample m weighs
            e^{S_m}; `logit` weighs all samples alike.
        alpha_numerator: of Eq. 7. `second` (D2) makes nsamples=0 equal Grad-CAM++; `first` (D1) is
            how arXiv prints it.
        activations: the A of Eq. 7 and 2: of the `clean` image, or the `mean` over the noised
            samples (with average=maps: each noised sample's own).
        average: average `derivatives`, as the paper does, or whole `maps`.
        alpha_guard: `nonnegative` sets alpha to 0 where its denominator is <= 1e-3 D2 (averaged
            derivatives can let it pass through zero); `none` takes Eq. 7 to the letter.
        derivatives: 2nd and 3rd of Y = exp(S): the paper's `closed` form, which holds where S is
            locally linear in A, as in networks of ReLUs; or `exact`, at small layers.
        noise_scale: `range`: sigma = std_dev * (max x - min x) of the preprocessed image;
            `absolute`: sigma = std_dev, in units of the model's input.
        sign: what is left of a method's map that can have either sign: its `absolute` values, its
            `positive` part (what speaks for the class), or all of it, `signed`; `own`: as the
            method's paper has it.

    Raises:
        UserError: for a value that is not listed.
    """

    score: str = "exp_logit"
    alpha_numerator: str = "second"
    activations: str = "clean"
    average: str = "derivatives"
    alpha_guard: str = "nonnegative"
    derivatives: str = "closed"
    noise_scale: str = "range"
    sign: str = "own"

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value not in VALUES[field.name]:
                accepted = " or ".join(VALUES[field.name])
                raise UserError(
                    f"{field.name} is {value!r}, accepted: {accepted}"
                    + nearest(str(value), VALUES[field.name])
                )


def choices_from(given: dict[str, str]) -> Choices:
    """Returns the choices given by name, the others at their defaults; refuses unknown names."""
    for name in given:
        if name not in VALUES:
            raise UserError(f"unknown option {name!r}{nearest(name, VALUES)}")
    return Choices(**given)
