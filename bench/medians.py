#!/usr/bin/env python3
"""Medians over runs that printed rows of CSV (measure, value, unit), as a Markdown table.

medians.py RUN.csv...
medians.py NAME RUN.csv... -- PEER RUN.csv... -- ...    side by side: a peer's median, and how many
                                                        times better NAME's is
"""
import csv
import statistics
import sys


def medians(paths):
    """{measure: (median, unit)}, in the order of the first file."""
    values = {}
    for path in paths:
        with open(path, encoding="utf-8", newline="") as file:
            for row in csv.reader(file):
                if len(row) == 3 and row[1] != "value":
                    values.setdefault(row[0], ([], row[2]))[0].append(float(row[1]))
    return {name: (statistics.median(many), unit) for name, (many, unit) in values.items()}


def spelled(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.2f}"


def ratio(ours, theirs, unit):
    """How many times better ours is: more of a rate, less of everything else."""
    return ours / theirs if unit.endswith("/s") else theirs / ours


def groups(words):
    """[(name, [path…])…] from words that "--" separates."""
    found = [[]]
    for word in words:
        if word == "--":
            found.append([])
        else:
            found[-1].append(word)
    return [(group[0], group[1:]) for group in found]


def print_one(ours):
    print("| measure | median | unit |\n|---|---:|---|")
    for measure, (value, unit) in ours.items():
        print(f"| {measure} | {spelled(value)} | {unit} |")


def print_beside(name, ours, peers):
    print(f"| measure | {name} |" + "".join(f" {peer} | |" for peer, _ in peers))
    print("|---|---:|" + "---:|---:|" * len(peers))
    for measure, (value, unit) in ours.items():
        row = f"| {measure} ({unit}) | {spelled(value)} |"
        for _, theirs in peers:
            if measure in theirs and value > 0 and theirs[measure][0] > 0:
                other = theirs[measure][0]
                row += f" {spelled(other)} | {ratio(value, other, unit):.1f}× |"
            else:
                row += " | |"
        print(row)


def main(words):
    if "--" in words:
        (name, paths), *others = groups(words)
        print_beside(name, medians(paths), [(peer, medians(runs)) for peer, runs in others])
    else:
        print_one(medians(words))


main(sys.argv[1:])
