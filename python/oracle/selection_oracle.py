"""s1's selection in plain Python, written from its description and not from Grappa's code.

Reads one JSON object from standard input: {"pool": [...], "cases": [...]}. A row of the pool is
[id, source, domain, is_correct, tokens]; a case is {"count", "seed", "seeds": [[source, longer_than | null]],
"shape": {"after", "like": [[source, ratio]]} | null, "redraw": bool}. Prints one JSON list of [id, reason] lists, one
for each case. Only the random numbers are Grappa's: sfc32, seeded by the SHA-256 of a text, one number for the domain
and one for the rank of each draw. Everything is done the slow and plain way.
"""

import hashlib
import json
import struct
import sys

MASK = 0xFFFFFFFF


class Sfc32:
    """PractRand's sfc32 with 32-bit words."""

    def __init__(self, key: str) -> None:
        """Seeds it with the first 128 bits of the key's SHA-256."""
        self.a, self.b, self.c, self.counter = struct.unpack(">4I", hashlib.sha256(key.encode()).digest()[:16])

    def next(self) -> int:
        """The next number; taken as a multiple of 2^-32 in [0, 1)."""
        out = (self.a + self.b + self.counter) & MASK
        self.counter = (self.counter + 1) & MASK
        self.a = self.b ^ (self.b >> 9)
        self.b = (self.c + (self.c << 3)) & MASK
        self.c = ((((self.c << 21) | (self.c >> 11)) & MASK) + out) & MASK
        return out


def choose(weights: list, u: int) -> int:
    """The index at which the running share of the whole-numbered weights passes u / 2^32."""
    goal = u * sum(weights)
    running = 0
    for index, weight in enumerate(weights):
        running += weight
        if goal < running << 32:
            return index
    return len(weights) - 1


def choose_rank(length: int, u: int) -> int:
    """An index with weight 2^-index, among the first `length`; those from the 64th on weigh too little for u to see."""
    shown = min(length, 64)
    return choose([2 ** (shown - 1 - rank) for rank in range(shown)], u)


def of_source(row: list, name: str) -> bool:
    """Whether a row is of a source or of a part of it."""
    return row[1] == name or row[1].startswith(name + "/")


def benchmark_counts(pool: list, like: list) -> dict:
    """AIME's domain counts plus GPQA's, the latter scaled to a share of AIME's and rounded down domain by domain."""
    first = [row for row in pool if of_source(row, like[0][0])]
    counts: dict = {}
    for row in first:
        counts[row[2]] = counts.get(row[2], 0) + 1
    for name, ratio in like[1:]:
        other: dict = {}
        for row in pool:
            if of_source(row, name):
                other[row[2]] = other.get(row[2], 0) + 1
        if other:
            r = ratio * len(first) / sum(other.values())
            for domain, n in other.items():
                counts[domain] = counts.get(domain, 0) + int(n * r)
    return counts


def select(pool: list, case: dict) -> list:
    """The chosen rows' ids, each with the rule that chose it, in the order of the choice."""
    count = case["count"]
    pool = sorted(pool)
    if len(pool) <= count:
        return [[row[0], "all"] for row in pool]
    random = Sfc32(f"{case['seed']}/select/s1")
    chosen = []
    for row in pool:
        for name, longer_than in case["seeds"]:
            if row[3] and of_source(row, name) and (longer_than is None or row[4] > longer_than):
                chosen.append([row[0], "seed"])
                break
    if len(chosen) >= count:
        raise SystemExit("the cases here have fewer seeds than rows")
    have = {row_id for row_id, _ in chosen}
    domains: dict = {}
    for row in pool:
        if case["redraw"] or row[0] not in have:
            domains.setdefault(row[2], []).append(row)
    for rows in domains.values():
        rows.sort(key=lambda row: (-row[4], row[0]))
    shape = case["shape"]
    benchmark = benchmark_counts(pool, shape["like"]) if shape else {}
    uniform_until = round(shape["after"] * count) if shape else count
    while len(chosen) < count:
        names = sorted(domains)
        weights = [benchmark.get(name, 0) for name in names]
        reason = "benchmark-domain"
        if len(chosen) < uniform_until or sum(weights) == 0:
            weights = [1] * len(names)
            reason = "uniform-domain"
        name = names[choose(weights, random.next())]
        row = domains[name].pop(choose_rank(len(domains[name]), random.next()))
        if not domains[name]:
            del domains[name]
        if row[0] not in have:
            have.add(row[0])
            chosen.append([row[0], reason])
    return chosen


def main() -> None:
    """From standard input to standard output."""
    asked = json.load(sys.stdin)
    json.dump([select(asked["pool"], case) for case in asked["cases"]], sys.stdout)


if __name__ == "__main__":
    main()
