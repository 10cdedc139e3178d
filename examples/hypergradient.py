"""A gradient through training: how the validation loss depends on rate and regulariser.

Fifty steps of gradient descent fit a ridge regression; the loss on other data is a function of the
logarithms of the learning rate and of the regulariser, and `taylor.gradient` goes through the whole
loop, with the gradients inside it.  `--plot FILE.png` draws the descent (needs matplotlib).
"""

import sys

import numpy as np

import taylor

rng = np.random.default_rng(5)
TRUTH = rng.normal(size=8) * (np.arange(8) < 3)  # three features matter, five only fit the noise
x_train, x_test = rng.normal(size=(16, 8)), rng.normal(size=(200, 8))
y_train = x_train @ TRUTH + 0.8 * rng.normal(size=16)
y_test = x_test @ TRUTH + 0.8 * rng.normal(size=200)


def loss(w, x, y):
    """Return the mean squared error of the linear model w."""
    return np.mean((x @ w - y) ** 2)


def validation(h):
    """Return the loss on the test data after training with rate and regulariser exp(h)."""
    rate, regulariser = np.exp(h[0]), np.exp(h[1])

    def objective(w):
        return loss(w, x_train, y_train) + regulariser * np.sum(w**2)

    w = np.zeros(8)
    for _ in range(50):
        w = w - rate * taylor.gradient(objective, w)
    return loss(w, x_test, y_test)


h = np.log([0.15, 0.03])
g = taylor.gradient(validation, h)
step = 1e-5 * np.eye(2)
differences = np.array([(validation(h + e) - validation(h - e)) / 2e-5 for e in step])
print("hypergradient:          ", g)
print("by central differences: ", differences)

history = [h]
losses = [validation(h)]
print("step   rate     regulariser   validation loss")
for k in range(8):
    print(f"{k:4d}   {np.exp(h[0]):.4f}   {np.exp(h[1]):.5f}       {losses[-1]:.6f}")
    h = h - 1.0 * taylor.gradient(validation, h)
    history.append(h)
    losses.append(validation(h))
print(f"validation loss: {losses[0]:.4f} before, {losses[-1]:.4f} after 8 steps")

if "--plot" in sys.argv:
    import matplotlib.pyplot as plt

    u, v = np.meshgrid(np.linspace(-4.5, -1.5, 16), np.linspace(-6, -1, 16))
    surface = [validation(p) for p in zip(u.ravel(), v.ravel(), strict=True)]
    plt.figure(figsize=(6, 4.5))
    plt.contourf(u, v, np.reshape(surface, u.shape), levels=30)
    plt.colorbar(label="validation loss")
    plt.plot(*np.transpose(history), "o-w", markersize=4)
    plt.xlabel("log(learning rate)")
    plt.ylabel("log(regulariser)")
    plt.tight_layout()
    plt.savefig(sys.argv[sys.argv.index("--plot") + 1], dpi=120)
