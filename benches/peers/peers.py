"""lmchain against scipy, numpy and sprs on the same chains, interleaved in one run.

    cargo build --release --bench peers
    python -m venv .venv && .venv/bin/pip install -r benches/peers/requirements.txt
    .venv/bin/python benches/peers/peers.py products --chains soft --size 27 4
    .venv/bin/python benches/peers/peers.py solves --chains soft,meta2 --size 27 4

Every chain is made here and there; the checksums of all probabilities must be
equal. Rounds take turns, medians are compared. Power iteration that would take
minutes is cut off, and the whole estimated from the rate and the number of
products that lmchain's power iteration takes: marked with `~`.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import scipy.sparse as sparse
import scipy.sparse.linalg as linalg

from chains import checksum, table

ROOT = Path(__file__).resolve().parents[2]
TOLERANCE = 1e-10


def binary():
    """The driver that cargo has built."""
    command = ["cargo", "build", "--release", "--bench", "peers", "--message-format=json"]
    messages = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for line in messages.splitlines():
        message = json.loads(line)
        if message.get("executable") and message.get("target", {}).get("name") == "peers":
            return message["executable"]
    sys.exit("cargo names no executable of the bench `peers`")


class Ours:
    """lmchain in a process of its own, asked line by line."""

    def __init__(self, executable, name, v, k):
        self.process = subprocess.Popen(
            [executable, name, str(v), str(k)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.facts = self.read()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit("lmchain ended without an answer")
        return json.loads(line)

    def ask(self, *words):
        print(*words, file=self.process.stdin, flush=True)
        return self.read()

    def end(self):
        self.process.stdin.close()
        self.process.wait()


class Theirs:
    """The same chain in numpy and scipy."""

    def __init__(self, name, v, k):
        self.v, self.k, self.n = v, k, v**k
        self.p = table(name, v, k)
        contexts = np.arange(self.n, dtype=np.int32)
        columns = ((contexts[:, None].astype(np.int64) * v + np.arange(v)) % self.n).astype(np.int32)
        rows = np.arange(0, self.n * v + 1, v, dtype=np.int32)
        matrix = sparse.csr_array((self.p.reshape(-1), columns.reshape(-1), rows), shape=(self.n, self.n))
        self.csc = matrix.T  # P transposed, stored by columns: no copy.
        self.csr = self.csc.tocsr()

    def products(self):
        shaped = self.p.reshape(self.v, -1, self.v)
        law = np.full(self.n, 1.0 / self.n)
        by_oldest = law.reshape(self.v, -1)
        return {
            "scipy CSC": lambda: self.csc @ law,
            "scipy CSR": lambda: self.csr @ law,
            "numpy einsum": lambda: np.einsum("ar,arv->rv", by_oldest, shaped),
        }

    def power(self, most):
        """Products until the residual is reached, and the residual."""
        law = np.full(self.n, 1.0 / self.n)
        for done in range(1, most + 1):
            after = self.csr @ law
            residual = np.abs(after - law).sum()
            law = after / after.sum()
            if residual <= TOLERANCE:
                return done, residual
        return most, residual

    def arpack(self):
        """The dominant left eigenvector by ARPACK, to the same residual or as near as it gets."""
        products = 0

        def product(x):
            nonlocal products
            products += 1
            return self.csr @ x.ravel()

        operator = linalg.LinearOperator((self.n, self.n), matvec=product, dtype=float)
        start = np.full(self.n, 1.0 / self.n)
        _, vectors = linalg.eigs(operator, k=1, which="LR", v0=start, tol=1e-11, maxiter=100_000)
        law = np.abs(vectors[:, 0].real)
        law /= law.sum()
        return products, np.abs(self.csr @ law - law).sum()


def timed(work):
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def spread(times):
    """The median in milliseconds, with the least and the most."""
    return f"{1e3 * statistics.median(times):.2f} ({1e3 * min(times):.2f} to {1e3 * max(times):.2f})"


def products(ours, theirs, rounds, each):
    """A table of one product's time, every way."""
    peers = theirs.products()
    times = {name: [] for name in ["read", "push", "sprs", *peers]}
    for _ in range(rounds):
        for question in ["read", "push", "sprs"]:
            times[question] += ours.ask(question, each)["seconds"]
        for name, product in peers.items():
            times[name] += [timed(product)[0] for _ in range(each)]
    base = statistics.median(times["push"])
    print("| product | ms, median (least to most) | times ours |\n|---|---|---|")
    label = {"read": "the table read once", "push": "lmchain", "sprs": "sprs CSR, u32"}
    for name, taken in times.items():
        print(f"| {label.get(name, name)} | {spread(taken)} | {statistics.median(taken) / base:.2f} |")


def solves(ours, theirs, rounds, most, arpack):
    """A table of whole solves to the residual, every way."""
    methods = {"Auto": "auto", "LikelyPaths": "paths"}
    taken = {name: [] for name in [*methods, "lmchain Power", "scipy power", "scipy ARPACK"]}
    facts, whole = {}, None
    for round_ in range(rounds):
        for name, method in methods.items():
            answer = ours.ask("solve", method, TOLERANCE, 100_000)
            taken[name].append(answer["seconds"])
            facts[name] = (answer["products"], answer["residual"])
        if round_ == 0 or most < whole:
            answer = ours.ask("solve", "power", TOLERANCE, most)
            whole = answer["products"] if answer["stop"] == "Converged" else most + 1
        taken["lmchain Power"].append(answer["seconds"])
        facts["lmchain Power"] = (answer["products"], answer["residual"])
        seconds, result = timed(lambda: theirs.power(most))
        taken["scipy power"].append(seconds)
        facts["scipy power"] = result
        if arpack and round_ == 0:
            seconds, result = timed(theirs.arpack)
            taken["scipy ARPACK"].append(seconds)
            facts["scipy ARPACK"] = result
    base = statistics.median(taken["Auto"])
    print("| solve | products | seconds, median | residual | times Auto |\n|---|---|---|---|---|")
    for name, times in taken.items():
        if times:
            done, residual = facts[name]
            seconds = statistics.median(times)
            cut = "" if residual <= 10 * TOLERANCE else " (cut off)"
            print(f"| {name} | {done}{cut} | {seconds:.3f} | {residual:.1e} | {seconds / base:.1f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["products", "solves"])
    parser.add_argument("--chains", default="soft", help="names, with commas between")
    parser.add_argument("--size", nargs=2, type=int, default=[27, 4], metavar=("V", "K"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--each", type=int, default=5, help="products of a kind a round")
    parser.add_argument("--most", type=int, default=400, help="products of power iteration at most")
    parser.add_argument("--no-arpack", action="store_true")
    given = parser.parse_args()
    executable = binary()
    for name in given.chains.split(","):
        ours, theirs = Ours(executable, name, *given.size), Theirs(name, *given.size)
        if ours.facts["checksum"] != checksum(theirs.p):
            sys.exit(f"{name}: another chain here than there")
        print(f"\n{ours.facts['chain']}, {ours.facts['entries']:,} transitions, {ours.facts['threads']} threads\n")
        if given.what == "products":
            products(ours, theirs, given.rounds, given.each)
        else:
            solves(ours, theirs, given.rounds, given.most, not given.no_arpack)
        ours.end()


if __name__ == "__main__":
    main()
