"""How prey and predators depend on the parameters: sensitivities of Lotka & Volterra's equations.

Parameters that are series make the solution a series in the same variables: its first coefficients
are the sensitivities dy/dp, the next ones say how far these can be trusted.  Lynxes and hares have
the first integral V = δx - γ log x + βy - α log y, for any parameters, which is the check.
`--plot FILE.png` draws the solution and its sensitivities (needs matplotlib).
"""

import sys

import numpy as np

import taylor
from taylor import TaylorN
from taylor.ode import solve_ivp

NAMES = ["α, growth of prey", "β, predation", "γ, death of predators", "δ, growth of predators"]
values = np.array([0.55, 0.028, 0.84, 0.026])  # a year, per thousand pelts and year
start = [30.0, 4.0]  # thousands of pelts in 1900
times = np.linspace(0.0, 20.0, 401)


def lotka_volterra(t, y, alpha, beta, gamma, delta):
    """Return the growth of prey and predators."""
    prey, predators = y
    return [(alpha - beta * predators) * prey, (delta * prey - gamma) * predators]


def integral(y, alpha, beta, gamma, delta):
    """Return the first integral V."""
    prey, predators = y[0], y[1]
    return (
        delta * prey - gamma * taylor.log(prey) + beta * predators - alpha * taylor.log(predators)
    )


parameters = TaylorN.variables(values, order=2)
result = solve_ivp(
    lotka_volterra, (0.0, 20.0), start, args=[parameters[i] for i in range(4)], t_eval=times
)
y = result.y
sensitivity = y.gradient()  # dy/dp
relative = sensitivity * values / y.value[..., None]  # per cent of y for a per cent of p

print("after 20 years:", y.value[:, -1].round(6), "thousand prey and predators")
for name, column in zip(NAMES, relative[:, -1].T, strict=True):
    print(f"one per cent more {name}: {column[0]:+.2f} and {column[1]:+.2f} per cent")

kept = integral(y, *parameters) - integral(np.array(start), *parameters)[..., None]
print(f"V changes in no order by more than {np.abs(kept.coef).max():.0e}")

changed = values * [1.01, 1.0, 1.0, 1.0]
truth = solve_ivp(lotka_volterra, (0.0, 20.0), start, args=tuple(changed)).y[:, -1]
for order in (0, 1, 2):
    model = y[:, -1].truncate(order)(changed - values)
    print(f"α one per cent larger, order {order}: error {np.abs(model - truth).max():.0e}")

if "--plot" in sys.argv:
    import matplotlib.pyplot as plt

    fig, (top, bottom) = plt.subplots(2, 1, figsize=(7, 5.4), sharex=True)
    for label, colour, population in zip(("prey", "predators"), ("C0", "C1"), y.value, strict=True):
        top.plot(times, population, colour, label=label)
    top.set_ylabel("population / thousands")
    top.legend()
    for name, line in zip(NAMES, relative[0].T, strict=True):
        bottom.plot(times, line, label=name)
    bottom.set(xlabel="time / years", ylabel="% of prey for 1 % of the parameter")
    bottom.legend(fontsize=8)
    fig.tight_layout()
    fig.savefig(sys.argv[sys.argv.index("--plot") + 1])
