"""The Hessian of a neural network without forming it: its spectrum out of Hessian-vector products.

Lanczos' method on `taylor.hvp` gives the largest eigenvalues of a small network's training loss;
from random start vectors the same run estimates trace and spectral density (stochastic Lanczos
quadrature, Ubaru, Chen & Saad 2017).  `--progress` shows bars (needs tqdm), `--plot FILE.png` draws
the density (needs matplotlib).
"""

import sys

import numpy as np

import taylor
from taylor.progress import Progress

rng = np.random.default_rng(0)
X = rng.uniform(-2, 2, size=(100, 2))
Y = np.sin(2 * X[:, 0]) * np.cos(X[:, 1])


def count(width):
    """Return the number of parameters of a network 2-width-width-1."""
    return 3 * width + width * (width + 1) + width + 1


def loss_of(width):
    """Return the mean squared error of a network as a function of all its parameters."""
    shapes = [(2, width), (width,), (width, width), (width,), (width, 1), (1,)]
    ends = np.cumsum([np.prod(s) for s in shapes])

    def loss(theta):
        parts = np.split(theta, ends[:-1])
        a, b, c, d, e, g = (p.reshape(s) for p, s in zip(parts, shapes, strict=True))
        hidden = np.tanh(np.tanh(X @ a + b) @ c + d)
        return np.mean(((hidden @ e + g)[:, 0] - Y) ** 2)

    return loss


loss = loss_of(16)


def counted(n, what):
    """Yield 0, ..., n - 1, with a bar if one is wanted."""
    with Progress("--progress" in sys.argv, what) as report:
        for i in range(n):
            yield i
            report(i + 1, n - i - 1)


def lanczos(product, v, steps):
    """Return T = Vᵀ H V for an orthonormal basis V of the Krylov space of v."""
    basis = [v / np.linalg.norm(v)]
    t = np.zeros((steps, steps))
    for j in counted(steps, "products"):
        w = product(basis[j])
        t[j, j] = basis[j] @ w
        for _ in range(2):  # full reorthogonalisation, twice is enough
            w = w - np.transpose(basis) @ (np.array(basis) @ w)
        if j + 1 < steps:
            t[j, j + 1] = t[j + 1, j] = np.linalg.norm(w)
            basis.append(w / t[j, j + 1])
    return t


n = count(16)
theta = rng.normal(size=n) * 0.5
for _ in counted(300, "steps"):  # train a little, so that the spectrum is that of a fitted network
    theta = theta - 0.1 * taylor.gradient(loss, theta)
print(f"{n} parameters, loss {loss(theta):.4f} after 300 steps of gradient descent")


def product(v):
    """Return H v at theta."""
    return taylor.hvp(loss, theta, v)


exact = np.linalg.eigvalsh(taylor.hessian(loss, theta))
ritz = np.linalg.eigvalsh(lanczos(product, rng.normal(size=n), 60))
print("largest eigenvalues, Lanczos:", np.round(ritz[-4:][::-1], 6))
print("largest eigenvalues, dense:  ", np.round(exact[-4:][::-1], 6))
print("they agree to ten digits:", np.allclose(ritz[-4:], exact[-4:], 1e-10, 0))

nodes, weights, traces = [], [], []
for _ in range(10):
    t = lanczos(product, rng.choice([-1.0, 1.0], size=n), 40)
    values, vectors = np.linalg.eigh(t)
    nodes.append(values)
    weights.append(vectors[0] ** 2 / 10)
    traces.append(n * t[0, 0])  # vᵀHv of Hutchinson's estimate
spread = np.std(traces, ddof=1) / np.sqrt(10)
print(f"trace: {np.mean(traces):.2f} ± {spread:.2f} by Hutchinson, {exact.sum():.2f} in truth")

large, wide = taylor.compile(loss_of(316)), rng.normal(size=count(316)) / 18
t = lanczos(lambda v: taylor.hvp(large, wide, v), wide, 40)
top, fewer = np.linalg.eigvalsh(t)[-2:], np.linalg.eigvalsh(t[:25, :25])[-2:]
print(f"a network of {count(316):,} parameters: largest eigenvalues {top.round(4)}")
print("25 and 40 products agree:", np.allclose(top, fewer, rtol=1e-6))

if "--plot" in sys.argv:
    import matplotlib.pyplot as plt

    x, width = np.linspace(exact[0] - 0.5, exact[-1] + 0.5, 2000), 0.05
    peaks = np.exp(-(((x[:, None] - np.ravel(nodes)) / width) ** 2) / 2)
    density = peaks @ np.ravel(weights) / (width * np.sqrt(2 * np.pi))
    plt.figure(figsize=(6.5, 4))
    plt.hist(exact, bins=100, density=True, alpha=0.4, label="eigenvalues of the dense Hessian")
    plt.semilogy(x, density, label="stochastic Lanczos quadrature")
    plt.ylim(1e-3, 2 * density.max())
    plt.xlabel("eigenvalue")
    plt.ylabel("spectral density")
    plt.legend()
    plt.tight_layout()
    plt.savefig(sys.argv[sys.argv.index("--plot") + 1], dpi=120)
