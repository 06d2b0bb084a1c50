"""`mlgov canary …`: the statistics of a step-by-step rollout for planning and for anybody's data, and one in traffic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from jupyter_mlgov.cli import canary_traffic
from jupyter_mlgov.cli.options import format_option, say_json
from jupyter_mlgov.core.facts import fields_of

if TYPE_CHECKING:
    from jupyter_mlgov.rollout.looks import Look

RATE = click.FloatRange(0, 1, min_open=True, max_open=True)
METHODS = ("msprt", "group-sequential", "fixed", "naive")


@click.group()
def canary() -> None:
    """A step-by-step rollout that may be looked at at any time: in traffic, and its statistics."""


for _verb in ("start", "status", "look", "promote", "abort", "labels"):
    canary.add_command(getattr(canary_traffic, _verb))


@canary.command()
@click.option("--rate", type=RATE, required=True, help="The champion's rate.")
@click.option("--mde", type=RATE, required=True, help="The smallest change that matters, as a difference of rates.")
@click.option("--margin", type=RATE, help="Non-inferiority instead: the challenger may be worse by this much.")
@click.option("--looks", type=click.IntRange(1, 50), default=5, show_default=True, help="Planned looks, equally spaced.")
@click.option("--alpha", type=RATE, default=0.05, show_default=True)
@click.option("--power", type=RATE, default=0.8, show_default=True)
@format_option()
def plan(rate: float, mde: float, margin: float | None, looks: int, alpha: float, power: float, style: str) -> None:
    """Units per arm and the bounds at each look, before anything starts."""
    from jupyter_mlgov.rollout.power import difference_size, margin_size
    from jupyter_mlgov.rollout.sequential import spending_bounds

    _within(rate, mde)
    n = margin_size(rate, margin, alpha=alpha, power=power) if margin else difference_size(rate, rate + mde, alpha=alpha, power=power)
    bounds = spending_bounds([(k + 1) / looks for k in range(looks)], alpha if margin else alpha / 2)
    if style == "json":
        say_json({"n_per_arm": n, "looks": looks, "bounds": list(bounds), "alpha": alpha, "power": power, "margin": margin})
        return
    what = f"not worse by {margin:g} (one-sided {alpha:g})" if margin else f"a change from {rate:g} to {rate + mde:g} (two-sided {alpha:g})"
    click.echo(f"{n:,} units per arm for {what} with power {power:g}, at one look.")
    click.echo(f"O'Brien-Fleming-type bounds by Lan & DeMets, {'one-sided' if margin else 'one-sided at alpha/2 on each side'}:")
    for place, z in enumerate(bounds, start=1):
        click.echo(f"  look {place}, {n * place // looks:>9,} units per arm: |z| over {z:.4f}")


@canary.command()
@click.option("--rate", type=RATE, required=True, help="The champion's rate.")
@click.option("--mde", type=RATE, required=True, help="The smallest change that matters; also the mixture's standard deviation.")
@click.option("--n", type=click.IntRange(10, 100_000_000), required=True, help="Units per arm at the planned end.")
@click.option("--looks", type=click.IntRange(1, 10_000), default=5, show_default=True)
@click.option("--alpha", type=RATE, default=0.05, show_default=True)
@click.option("--method", type=click.Choice(METHODS), default="msprt", show_default=True)
@click.option("--runs", type=click.IntRange(100, 100_000), default=2000, show_default=True)
@click.option("--burn-in", type=click.IntRange(0), default=100, show_default=True, help="Events each arm needs before msprt may reject.")
@click.option("--seed", type=int, default=20261123, show_default=True)
@format_option()
def simulate(
    rate: float, mde: float, n: int, looks: int, alpha: float, method: str, runs: int, burn_in: int, seed: int, style: str
) -> None:
    """Type I error, power and expected length of a plan, from simulated canaries."""
    from jupyter_mlgov.rollout.simulation import Method, Plan
    from jupyter_mlgov.rollout.simulation import simulate as run

    _within(rate, mde)
    chosen: Any = method
    assert chosen in get_args(Method)  # noqa: S101 # click's choices and the type say the same
    made = Plan(rate=rate, mde=mde, n=n, looks=min(looks, n), alpha=alpha, method=chosen, burn_in=burn_in)
    none, some = run(made, 0.0, runs=runs, seed=seed), run(made, mde, runs=runs, seed=seed + 1)
    if style == "json":
        say_json({"plan": fields_of(made), "type_1_error": fields_of(none), "power": fields_of(some), "seed": seed})
        return
    click.echo(f"{method}, {made.looks} looks, up to {n:,} units per arm, alpha {alpha:g} (two-sided), {runs:,} runs, seed {seed}")
    click.echo(f"  type I error     {none.stopped:.4f}  ± {1.96 * none.se:.4f}")
    click.echo(f"  power at +{mde:g}   {some.stopped:.4f}  ± {1.96 * some.se:.4f}")
    click.echo(f"  expected length  {none.units:,.0f} units per arm without a difference, {some.units:,.0f} with it")
    if method == "naive":
        click.echo("  This is what looking again and again at a fixed test does. Use msprt or group-sequential.")


@canary.command()
@click.option(
    "--data", type=click.Path(path_type=Path, dir_okay=False, exists=True), required=True, help="CSV: look, arm, n, events (cumulative)."
)
@click.option("--champion", default="", help="The arm to compare with; default: champion, control, baseline, …")
@click.option("--harm", type=click.Choice(["higher", "lower"]), default="higher", show_default=True, help="Which direction hurts.")
@click.option("--mde", type=RATE, default=0.01, show_default=True, help="The smallest change that matters; tau² is its square.")
@click.option("--margin", type=click.FloatRange(0, 1), default=0.0, help="How much worse is acceptable; 0 asks for none.")
@click.option("--alpha", type=RATE, default=0.05, show_default=True)
@click.option("--burn-in", type=click.IntRange(0), default=100, show_default=True, help="Events each arm needs before anything is judged.")
@click.option(
    "--split", default="", metavar="A:B", help="The planned split champion:challenger, for the sample-ratio check; for instance 95:5."
)
@format_option()
@click.pass_context
def analyze(
    ctx: click.Context,
    data: Path,
    champion: str,
    harm: str,
    mde: float,
    margin: float,
    alpha: float,
    burn_in: int,
    split: str,
    style: str,
) -> None:
    """Always-valid p-value, interval and decision at each look. Exit code 1: abort; 3: could not tell (yet)."""
    from jupyter_mlgov.rollout.looks import Rules, Verdict, judge
    from jupyter_mlgov.rollout.readings import read_counts

    names, counts = read_counts(data, champion)
    direction: Any = harm
    rules = Rules(alpha=alpha, mde=mde, harm=direction, margin=margin, burn_in=burn_in, weights=_split(split))
    told = judge(counts, rules)
    if style == "json":
        say_json({"champion": names[0], "challenger": names[1], "rules": fields_of(rules), "looks": [fields_of(look) for look in told]})
    else:
        _table(names, told, rules.alpha)
    last = told[-1].verdict
    ctx.exit(1 if last in (Verdict.ABORT, Verdict.STOP) else 0 if last in (Verdict.BETTER, Verdict.NOT_WORSE) else 3)


def _table(names: tuple[str, str], looks: tuple[Look, ...], alpha: float) -> None:
    click.echo(f"{names[1]} against {names[0]}; p-values and {1 - alpha:.0%} intervals hold at every look together (mSPRT)")
    click.echo(f"{'look':>6} {'n':>17} {'rates':>17} {'difference':>11} {'interval':>21} {'p':>8}  decision")
    for look in looks:
        sizes = f"{look.champion.n:,}/{look.challenger.n:,}"
        rates = f"{look.champion.rate:.4f}/{look.challenger.rate:.4f}"
        d = "" if look.difference is None else f"{look.difference:+.4f}"
        interval = "" if look.interval is None else f"{look.interval[0]:+.4f} to {look.interval[1]:+.4f}"
        click.echo(f"{look.number:>6g} {sizes:>17} {rates:>17} {d:>11} {interval:>21} {look.p:>8.4f}  {look.verdict}: {look.why}")


def _within(rate: float, mde: float) -> None:
    if not 0 < rate + mde < 1:
        raise click.BadParameter(f"a rate of {rate:g} cannot change by {mde:g}.", param_hint="--mde")


def _split(text: str) -> tuple[float, float] | None:
    if not text:
        return None
    parts = text.split(":")
    try:
        one, other = (float(part) for part in parts)
    except ValueError:
        raise click.BadParameter("expected two numbers, as 95:5.", param_hint="--split") from None
    if not (one > 0 and other > 0):
        raise click.BadParameter("both parts must be over 0.", param_hint="--split")
    return one, other
