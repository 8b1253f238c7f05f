#!/usr/bin/env python3
"""Counts the public symbols of each room, and those without a comment of their own; ends with 1 if there are any.

usage: symbols.py SYMBOL-GRAPHS

A symbol that fulfils a requirement of a protocol of Swift's own (==, hash, rawValue, encode ...) inherits its meaning from there.
"""
import glob
import json
import os
import sys


def inherited(symbol):
    origin = symbol.get("swiftExtension", {}).get("extendedModule")
    return origin == "Swift" or symbol["names"]["title"] in {
        "==(_:_:)", "hash(into:)", "encode(to:)", "init(from:)", "rawValue", "init(rawValue:)", "RawValue", "description"}


def main(folder):
    rooms = sorted(os.path.basename(path).split(".")[0] for path in glob.glob(f"{folder}/*.json") if "@" not in path)
    total = silent = 0
    print(f"{'room':16} {'public':>7} {'documented':>11}")
    for room in rooms:
        symbols = {}
        for path in glob.glob(f"{folder}/{room}.symbols.json") + glob.glob(f"{folder}/{room}@*.symbols.json"):
            for symbol in json.load(open(path))["symbols"]:
                if symbol["accessLevel"] in ("public", "open"):
                    symbols[symbol["identifier"]["precise"]] = symbol
        mute = [s for s in symbols.values() if "docComment" not in s and not inherited(s)]
        for symbol in mute:
            print(f"{room}: {'.'.join(symbol['pathComponents'])} has no comment", file=sys.stderr)
        print(f"{room:16} {len(symbols):7} {len(symbols) - len(mute):11}")
        total, silent = total + len(symbols), silent + len(mute)
    print(f"{'all':16} {total:7} {total - silent:11}")
    return 1 if silent else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
