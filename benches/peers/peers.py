"""lmchain against scipy, numpy and sprs on the same chains, interleaved in one run.

    cargo build --release --bench peers
    python -m venv .venv && .venv/bin/pip install -r benches/peers/requirements.txt
    .venv/bin/python benches/peers/peers.py products --chains soft --size 27 4
    .venv/bin/python benches/peers/peers.py solves --chains soft,meta2 --size 27 4
    .venv/bin/python benches/peers/peers.py hard --chains peaky8,meta2old --size 27 5
    .venv/bin/python benches/peers/peers.py files --chains soft --size 27 4
    .venv/bin/python benches/peers/peers.py words --text FILE
    .venv/bin/python benches/peers/peers.py classes --size 3 2

Every chain is made here and there; the checksums of all probabilities must be
equal. Rounds take turns, medians are compared. `hard` is lmchain alone, with the
error that is proven. Power iteration is cut off after `--most` products; what
the whole would take is estimated from its rate, and for `hard` from how fast the
residual falls over the last half: marked with `~`.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import scipy.io
import scipy.sparse as sparse
import scipy.sparse.linalg as linalg
from scipy.sparse.csgraph import connected_components

from chains import checksum, table

ROOT = Path(__file__).resolve().parents[2]
TOLERANCE = 1e-10

# What the driver is asked to time of a product.
OWN = {
    "read": "the table read once",
    "push": "lmchain",
    "pull": "lmchain, back",
    "read32": "an f32 table read once",
    "push32": "lmchain, f32 table",
    "sprs": "sprs CSR, u32",
}


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
    times = {name: [] for name in [*OWN, *peers]}
    for _ in range(rounds):
        for question in OWN:
            times[question] += ours.ask(question, each)["seconds"]
        for name, product in peers.items():
            times[name] += [timed(product)[0] for _ in range(each)]
    base = statistics.median(times["push"])
    print("| product | ms, median (least to most) | times ours |\n|---|---|---|")
    for name, taken in times.items():
        print(f"| {OWN.get(name, name)} | {spread(taken)} | {statistics.median(taken) / base:.2f} |")


def cut_off(seconds, done, residual, whole):
    """Seconds and products of a whole power iteration, marked where it was cut off."""
    if residual <= TOLERANCE:
        return seconds, str(done), ""
    return seconds * whole / done, f"~{whole}", "~"


def solves(ours, theirs, rounds, most, arpack):
    """A table of whole solves to the residual, every way."""
    methods = {"Auto": "auto", "Auto, f32 first": "auto32", "LikelyPaths": "paths"}
    taken = {name: [] for name in [*methods, "Power", "scipy power", "scipy ARPACK"]}
    facts = {}
    # Once to the end, to know how many products that is.
    whole = ours.ask("residual", "power", 100_000)["products"]
    for round_ in range(rounds):
        for name, method in methods.items():
            answer = ours.ask("residual", method, 100_000)
            taken[name].append(answer["seconds"])
            facts[name] = (str(answer["products"]), answer["residual"], "")
        answer = ours.ask("residual", "power", most)
        seconds, done, mark = cut_off(answer["seconds"], answer["products"], answer["residual"], whole)
        taken["Power"].append(seconds)
        facts["Power"] = (done, answer["residual"], mark)
        seconds, (done, residual) = timed(lambda: theirs.power(most))
        seconds, done, mark = cut_off(seconds, done, residual, whole)
        taken["scipy power"].append(seconds)
        facts["scipy power"] = (done, residual, mark)
        if arpack and round_ == 0:
            seconds, (done, residual) = timed(theirs.arpack)
            taken["scipy ARPACK"].append(seconds)
            facts["scipy ARPACK"] = (str(done), residual, "")
    base = statistics.median(taken["Auto"])
    print("| solve | products | seconds, median | residual | times Auto |\n|---|---|---|---|---|")
    for name, times in taken.items():
        if times:
            done, residual, mark = facts[name]
            seconds = statistics.median(times)
            print(f"| {name} | {done} | {mark}{seconds:.3f} | {residual:.1e} | {mark}{seconds / base:.1f} |")


def hard(ours, most):
    """A table of lmchain's methods with the error that is proven."""
    print("| method | products | seconds | residual | proven error |\n|---|---|---|---|---|")
    for method in ["auto", "paths"]:
        answer = ours.ask("proven", method, 100_000)
        bound = answer["error_bound"]
        proven = f"{bound:.1e}" if bound is not None else "none"
        row = [method, answer["products"], f"{answer['seconds']:.2f}", f"{answer['residual']:.1e}", proven]
        print("|", " | ".join(map(str, row)), "|")
    half, whole = ours.ask("residual", "power", most // 2), ours.ask("residual", "power", most)
    if whole["converged"]:
        print(f"| power | {whole['products']} | {whole['seconds']:.2f} | {whole['residual']:.1e} | not tried |")
        return
    speed = np.log(half["residual"] / whole["residual"]) / (whole["products"] - half["products"])
    left = np.log(whole["residual"] / TOLERANCE) / speed
    products = whole["products"] + left
    seconds = whole["seconds"] * products / whole["products"]
    print(f"| power | ~{products:.0f} | ~{seconds:.0f} | {whole['residual']:.1e} after {most} | not tried |")


def files(ours, theirs, rounds):
    """A table of making a chain of a file, with its rows and its columns compressed."""

    def scipy_matrix(path):
        matrix = scipy.io.mmread(path) if path.suffix == ".mtx" else sparse.load_npz(path)
        rows = matrix.tocsr()
        return rows, rows.tocsc()

    print("| file | MB | lmchain, seconds | scipy, seconds | times ours |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        matrix = theirs.csr.T.tocsr()
        market, plain, packed = (Path(folder) / name for name in ["chain.mtx", "plain.npz", "packed.npz"])
        scipy.io.mmwrite(market, matrix, precision=17)
        sparse.save_npz(plain, matrix, compressed=False)
        sparse.save_npz(packed, matrix)
        for path in [market, plain, packed]:
            own, other = [], []
            for _ in range(rounds):
                own += ours.ask("open", 1, path)["seconds"]
                other.append(timed(lambda: scipy_matrix(path))[0])
            mine, scipys = statistics.median(own), statistics.median(other)
            megabytes = path.stat().st_size / 1e6
            print(f"| {path.name} | {megabytes:.0f} | {mine:.2f} | {scipys:.2f} | {scipys / mine:.1f} |")


def classes(ours, states, rounds):
    """A table of finding the classes of a chain that leads from every state to four others anywhere."""
    draws = np.random.default_rng(1)
    rows = np.repeat(np.arange(states, dtype=np.int32), 4)
    columns = draws.integers(0, states, 4 * states, dtype=np.int32)
    matrix = sparse.coo_array((np.ones(4 * states), (rows, columns)), shape=(states, states)).tocsr()
    matrix.sum_duplicates()
    matrix.data /= np.repeat(matrix.sum(axis=1), np.diff(matrix.indptr))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chain.npz"
        sparse.save_npz(path, sparse.csr_matrix(matrix), compressed=False)
        own, other = [], []
        for _ in range(rounds):
            answer = ours.ask("classes", 1, path)
            own += answer["seconds"]
            took, (count, _) = timed(lambda: connected_components(matrix, connection="strong"))
            other.append(took)
    if count != answer["classes"]:
        sys.exit(f"{answer['classes']} classes here, {count} there")
    mine, scipys = statistics.median(own), statistics.median(other)
    print("| states | transitions | classes | lmchain, seconds | scipy, seconds | times ours |\n|---|---|---|---|---|---|")
    print(f"| {states:,} | {matrix.nnz:,} | {count:,} | {mine:.2f} | {scipys:.2f} | {scipys / mine:.1f} |")


def words(ours, path, rounds):
    """A table of making the chain of two words that a text shows, from its tokens."""
    numbers = {}
    tokens = [numbers.setdefault(word, len(numbers)) for word in Path(path).read_text().split()]
    tokens = np.array(tokens, dtype=np.uint64)
    v = np.uint64(len(numbers))

    def counted():
        """The same by sorting packed windows, and compressing what is different."""
        first, second, third = tokens, np.roll(tokens, -1), np.roll(tokens, -2)
        windows, counts = np.unique((first * v + second) * v + third, return_counts=True)
        contexts, rows = np.unique(windows // v, return_inverse=True)
        columns = np.searchsorted(contexts, windows % (v * v))
        matrix = sparse.csr_array((counts / 1.0, (rows, columns)), shape=(len(contexts),) * 2)
        matrix.data /= np.repeat(matrix.sum(axis=1), np.diff(matrix.indptr))
        return matrix, matrix.tocsc()

    own, other = [], []
    for _ in range(rounds):
        answer = ours.ask("observe", 2, 1, path)
        own += answer["seconds"]
        other.append(timed(counted)[0])
    mine, numpys = statistics.median(own), statistics.median(other)
    print("| tokens | transitions | lmchain, seconds | numpy and scipy, seconds | times ours |\n|---|---|---|---|---|")
    print(f"| {answer['tokens']:,} | {answer['transitions']:,} | {mine:.2f} | {numpys:.2f} | {numpys / mine:.1f} |")
    print(f"\n(numpy counts {len(tokens):,} words cut at white space, {counted()[0].nnz:,} transitions)")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["products", "solves", "hard", "files", "words", "classes"])
    parser.add_argument("--text", help="the text of `words`")
    parser.add_argument("--states", type=int, default=10_000_000, help="the states of `classes`")
    parser.add_argument("--chains", default="soft", help="names, with commas between")
    parser.add_argument("--size", nargs=2, type=int, default=[27, 4], metavar=("V", "K"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--each", type=int, default=5, help="products of a kind a round")
    parser.add_argument("--most", type=int, default=100, help="products of power iteration before it is cut off")
    parser.add_argument("--no-arpack", action="store_true")
    parser.add_argument("--executable", help="the driver, if not the one that cargo builds now")
    given = parser.parse_args()
    executable = given.executable or binary()
    for name in given.chains.split(","):
        ours = Ours(executable, name, *given.size)
        print(f"\n{ours.facts['chain']}, {ours.facts['entries']:,} transitions, {ours.facts['threads']} threads\n")
        if given.what == "hard":
            hard(ours, given.most)
        elif given.what == "classes":
            classes(ours, given.states, given.rounds)
        elif given.what == "words":
            words(ours, given.text, given.rounds)
        else:
            theirs = Theirs(name, *given.size)
            if ours.facts["checksum"] != checksum(theirs.p):
                sys.exit(f"{name}: another chain here than there")
            if given.what == "products":
                products(ours, theirs, given.rounds, given.each)
            elif given.what == "files":
                files(ours, theirs, given.rounds)
            else:
                solves(ours, theirs, given.rounds, given.most, not given.no_arpack)
        sys.stdout.flush()
        ours.end()


if __name__ == "__main__":
    main()
