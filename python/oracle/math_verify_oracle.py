"""Grades rows with Math-Verify and compares three opinions: the row's label, Grappa's verdict, Math-Verify's verdict.

python/oracle/README.md says how to run it. Prints every row on which the three are not of one mind, and then
a table of counts.
"""

import argparse
import json
import logging
import sys
from collections import Counter
from pathlib import Path

from math_verify import ExprExtractionConfig, LatexExtractionConfig, parse, verify

CONFIGS = {"latex": LatexExtractionConfig(boxed_match_priority=0), "expr": ExprExtractionConfig()}


def opinion(row: dict) -> bool:
    """Whether Math-Verify takes the row's reply as correct."""
    options = row.get("options") or {}
    targets = [CONFIGS[name] for name in options.get("targets") or ["latex", "expr"]]
    gold = parse(row["gold"], targets, parsing_timeout=3)
    pred = parse(row["pred"], targets, parsing_timeout=3)
    return verify(
        gold,
        pred,
        float_rounding=options.get("precision") or 6,
        strict=options.get("strict") is not False,
        allow_set_relation_comp=options.get("allowSetRelationComparison") is True,
        timeout_seconds=3,
    )


def read(path: Path) -> list[dict]:
    """Gives the rows of a JSONL file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def main() -> None:
    """Runs the command line."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("rows", type=Path, help="gold, pred, expected; what `grappa grade --jsonl` reads")
    arguments.add_argument("graded", type=Path, nargs="?", help="what `grappa grade --jsonl ROWS` printed")
    arguments.add_argument("--every", type=int, default=1, help="take every n-th row only")
    options = arguments.parse_args()
    logging.disable(logging.CRITICAL)
    rows = read(options.rows)
    graded = read(options.graded) if options.graded else [None] * len(rows)
    counts: Counter[tuple] = Counter()
    for row, ours in list(zip(rows, graded, strict=True))[:: options.every]:
        if row.get("profile") not in (None, "math"):
            continue
        opinions = {"label": row["expected"] == "correct", "oracle": opinion(row)}
        if ours is not None:
            opinions["ours"] = ours["outcome"] == "correct"
        counts[tuple(opinions.items())] += 1
        if len(set(opinions.values())) > 1:
            print(json.dumps({**opinions, **{k: row.get(k) for k in ("phenomenon", "how", "gold", "pred")}}))
    for opinions, count in counts.most_common():
        print(f"{count:6d}  {dict(opinions)}", file=sys.stderr)


if __name__ == "__main__":
    main()
