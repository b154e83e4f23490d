"""The synthetic chains of `benches/support/chains.rs`, bit for bit."""

import numpy as np

GAMMA = np.uint64(0x9E3779B97F4A7C15)
ROWS = 1 << 15

# name -> (kind, parameters); `lag` is the place of the token that tells the topic, 0 the oldest.
CHAINS = {
    "soft": ("soft", dict(exponents=8)),
    "peaky4": ("peaky", dict(power=4)),
    "peaky8": ("peaky", dict(power=8)),
    "meta2": ("meta", dict(exponents=4, blocks=2, lag=1, strength=10)),
    "meta3": ("meta", dict(exponents=4, blocks=3, lag=1, strength=10)),
    "meta2old": ("meta", dict(exponents=4, blocks=2, lag=0, strength=10)),
}


def mix(z):
    """The output function of splitmix64."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def weights(name, v, k, states, seed):
    """The integer weights of some rows."""
    kind, parameters = CHAINS[name]
    tokens = np.arange(v, dtype=np.uint64)
    row = mix(np.uint64(seed) + GAMMA * (states + np.uint64(1)))[:, None]
    hashed = mix(row + GAMMA * (tokens + np.uint64(1)))
    mantissa = np.uint64(65536) + (hashed & np.uint64(65535))
    if kind == "peaky":
        rotation = mix(row ^ np.uint64(0xA5A5A5A5A5A5A5A5)) % np.uint64(v)
        rank = (tokens + rotation) % np.uint64(v) + np.uint64(1)
        zipf = np.full(rank.shape, 1 << 40, dtype=np.uint64)
        for _ in range(parameters["power"]):
            zipf //= rank
        return np.maximum((zipf * mantissa) >> np.uint64(16), np.uint64(1))
    weight = mantissa << ((hashed >> np.uint64(32)) % np.uint64(parameters["exponents"] + 1))
    if kind == "meta":
        blocks, lag = np.uint64(parameters["blocks"]), parameters["lag"] or k
        told = (states // np.uint64(v ** (lag - 1))) % np.uint64(v)
        same = (tokens * blocks // np.uint64(v))[None, :] == (told * blocks // np.uint64(v))[:, None]
        weight = np.where(same, weight << np.uint64(parameters["strength"]), weight)
    return weight


def table(name, v, k, seed=1):
    """The probabilities `p[context][token]`, V^K rows of V doubles."""
    n = v**k
    result = np.empty((n, v))
    with np.errstate(over="ignore"):
        for first in range(0, n, ROWS):
            states = np.arange(first, min(first + ROWS, n), dtype=np.uint64)
            w = weights(name, v, k, states, seed)
            result[first : first + len(states)] = w.astype(np.float64) / w.sum(axis=1).astype(np.float64)[:, None]
    return result


def checksum(p):
    """As `checksum` of the Rust module, in hexadecimal."""
    bits = p.reshape(-1).view(np.uint64)
    total = np.uint64(0)
    with np.errstate(over="ignore"):
        for first in range(0, len(bits), 1 << 20):
            part = bits[first : first + (1 << 20)]
            places = np.arange(first + 1, first + 1 + len(part), dtype=np.uint64)
            total += mix(part + GAMMA * places).sum(dtype=np.uint64)
    return f"{int(total):016x}"
