"""The best of many tries: Hansen's test beside arch's, its size, and what counts as a variant."""

import numpy as np
import pytest
from arch.bootstrap import SPA
from scipy.stats import binom
from test_bootstrap import days

from stocktrend.evaluation.bootstrap import DateBootstrap
from stocktrend.evaluation.significance import LEVEL, Attempt, Trial, Tried, superior_ability, tried

WEEKS = [str(day) for day in days(150, 7)]


def series(mean: float, seed: int, dates: list[str] = WEEKS) -> dict[str, float]:
    values = mean + 0.1 * np.random.default_rng(seed).normal(size=len(dates))
    return dict(zip(dates, values.tolist(), strict=True))


def trial(name: str, mean: float, seed: int, dates: list[str] = WEEKS) -> Trial:
    return Trial(name, f"variant of {name}", {7: series(mean, seed, dates)})


def after(own: dict[str, float], *before: Trial, **more: object) -> Tried:
    bootstrap = DateBootstrap.of(days(len(own), 7), 7, seed=0)
    attempt = Attempt("own", "variant of own", before)
    found = tried(attempt, 7, own, bootstrap, seed=0, **more)  # type: ignore[arg-type]
    assert found is not None
    return found


@pytest.mark.parametrize("gain", [0.0, 0.1, 0.2])
def test_the_p_value_is_near_that_of_arch_on_studentised_gains(gain: float) -> None:
    gains = np.random.default_rng(3).normal(size=(400, 6)) + gain * np.array([1, 0, 0, -1, 0, 0])
    bootstrap = DateBootstrap.draw(400, 4, seed=0)
    scaled = gains / gains.std(axis=0)
    other = SPA(np.zeros(400), -scaled, block_size=4, reps=1000, bootstrap="cbb", seed=1)
    other.compute()
    assert superior_ability(gains, bootstrap) == pytest.approx(
        other.pvalues["consistent"], abs=0.05
    )


@pytest.mark.parametrize(("dates", "horizon"), [(60, 7), (30, 30), (60, 30)])
@pytest.mark.parametrize("variants", [1, 5, 20])
def test_the_best_of_useless_variants_is_seldom_called_skilled(
    dates: int, horizon: int, variants: int
) -> None:
    bootstrap = DateBootstrap.of(days(dates, 7), horizon, seed=0, repetitions=400)
    generator, weeks, claims = np.random.default_rng(variants), -(-horizon // 7), 0
    for _ in range(300):
        shocks = generator.normal(size=(dates + weeks, variants))
        shocks += generator.normal(size=(dates + weeks, 1))
        total = np.cumsum(shocks, axis=0)
        claims += superior_ability(total[weeks:] - total[:-weeks], bootstrap) <= LEVEL
    assert claims <= binom.ppf(0.995, 300, LEVEL)


def test_a_skill_that_stands_alone_is_lost_among_many_tries() -> None:
    own = series(0.021, 1)
    alone = after(own)
    many = after(own, *(trial(f"try {i}", 0.0, 10 + i) for i in range(60)))
    assert alone.count == 1
    assert alone.p_chance is not None
    assert many.p_chance is not None
    assert alone.p_chance <= LEVEL < many.p_chance
    assert many.count == 61
    assert many.by_chance
    assert not alone.by_chance


def test_a_skill_that_is_large_enough_stands_after_many_tries() -> None:
    found = after(series(0.06, 1), *(trial(f"try {i}", 0.0, 10 + i) for i in range(60)))
    assert found.p_chance is not None
    assert found.p_chance < 0.01
    assert found.best == "own"


def test_the_best_is_held_against_a_reference_too() -> None:
    own, rival = series(0.06, 1), series(0.05, 2)
    found = after(own, reference=("lightgbm", rival))
    assert found.reference == "lightgbm"
    assert found.p_chance is not None
    assert found.p_reference is not None
    assert found.p_chance < 0.01 < 0.1 < found.p_reference


def test_one_variant_counts_once_and_with_its_newest_judgement() -> None:
    old = Trial("a", "same", {7: series(0.0, 1, WEEKS[:120])})
    new = Trial("b", "same", {7: series(0.0, 2)})
    again = Trial("c", "variant of own", {7: series(0.3, 3)})
    earlier_self = Trial("own", "another program's", {7: series(0.3, 4)})
    found = after(series(0.0, 5), new, old, again, earlier_self)
    assert found.trials == ("b", "own")


def test_variants_of_other_dates_are_counted_but_not_tested() -> None:
    found = after(series(0.0, 1), trial("elsewhere", 0.0, 2, WEEKS[:60]))
    assert (found.count, found.tested) == (2, 1)


def test_too_few_dates_give_no_p_value() -> None:
    own = series(0.1, 1, WEEKS[:3])
    bootstrap = DateBootstrap.draw(3, 2, seed=0)
    found = tried(Attempt("own", "v"), 7, own, bootstrap, seed=0)
    assert found is not None
    assert found.p_chance is None
    assert tried(Attempt("own", "v"), 7, {}, bootstrap, seed=0) is None


def test_a_trial_comes_back_from_its_plain_form() -> None:
    one = trial("a", 0.01, 1, WEEKS[:5])
    assert Trial.from_dict(one.to_dict()) == one
