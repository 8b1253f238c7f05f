#!/usr/bin/env python3
"""Validates what gi-bench writes and reads against the JSON schemas of Benchmarks/Schemas, and damaged copies of it.

usage: schemas-test.py GI-BENCH, from the project's root.
"""
import copy
import glob
import json
import pathlib
import subprocess
import sys

from jsonschema import Draft202012Validator

FOLDER = pathlib.Path("Benchmarks/Schemas")
PLANS = "Benchmarks/Cluster/plans/*.json"
# Options that bring optional parts into a result.
RUNS = [
    [],
    ["--counters-only", "--sensitivity", "--budget", "1%", "--strategy", "pml", "--strategy", "eptp-exit"],
    ["--counters-only", "--dimensions", "2", "--strategy", "ve", "--consumer", "wake"],
    ["--counters-only", "--policy", "Benchmarks/Cluster/plans/scattered.json", "--profile", "icelake-sp"],
    ["traces/boot.trace", "--counters-only", "--strategy", "toggle", "--strategy", "filter"],
]


def load(path):
    return json.loads(pathlib.Path(path).read_text())


def documents(program):
    """Every document of each schema, with a name to report it by."""
    for path in sorted(glob.glob("Benchmarks/baselines/*.json")):
        yield "result", path, load(path)
    for options in RUNS:
        command = [program, "run", "traces/quick.trace", *options, "--format", "json"]
        output = subprocess.run(command, check=True, capture_output=True).stdout
        yield "result", " ".join(command[1:]), json.loads(output)
    for path in sorted(glob.glob(PLANS)):
        document = load(path)
        yield "plan" if "recordings" in document else "policy", path, document
    for path in sorted(glob.glob("Sources/Replay/Profiles/*.json")):
        yield "profile", path, load(path)


def main(program):
    schemas = {name: load(FOLDER / f"{name}.schema.json") for name in ("result", "policy", "profile")}
    schemas["plan"] = load(FOLDER / "plan.schema.json")
    failures, counts = [], dict.fromkeys(schemas, 0)
    for name, schema in schemas.items():
        Draft202012Validator.check_schema(schema)
    for name, title, document in documents(program):
        validator = Draft202012Validator(schemas[name])
        counts[name] += 1
        for error in validator.iter_errors(document):
            deepest = max(error.context or [error], key=lambda e: len(list(e.absolute_path)))
            place = "/".join(map(str, deepest.absolute_path))
            failures.append(f"{title}: {place}: {deepest.message[:160]}")
        # A schema that takes anything would pass as well: it must refuse a stray key and a wrong schema number.
        for key, value in (("stray", 1), ("schema", 99)):
            damaged = copy.deepcopy(document)
            damaged[key] = value
            if validator.is_valid(damaged):
                failures.append(f"{title}: passes with {key} = {value}")
    for failure in failures:
        print(failure, file=sys.stderr)
    print(", ".join(f"{count} of {name}" for name, count in counts.items()), "validated;", len(failures), "failures")
    return 1 if failures or not all(counts.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
