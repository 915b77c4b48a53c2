#!/usr/bin/env python3
"""Medians over the runs of `tally bench --format csv`, as a Markdown table.

medians.py RUN.csv...
medians.py --peer PEER.csv... --beside RUN.csv...    the peer's, with ratios
"""
import csv
import statistics
import sys

# What the peer's rows are called in ours, and whether more is better.
COMPARED = {
    "recording, durable": ("recording, everything sealed", True),
    "on disk": ("on disk, everything", False),
}


def medians(paths):
    """{name: (median, unit)}, in the order of the first file."""
    values = {}
    for path in paths:
        with open(path, encoding="utf-8", newline="") as file:
            for row in csv.reader(file):
                if len(row) == 3 and row[1] != "value":
                    values.setdefault(row[0], ([], row[2]))[0].append(float(row[1]))
    return {name: (statistics.median(many), unit) for name, (many, unit) in values.items()}


def spelled(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.2f}"


def main(words):
    if words[:1] == ["--peer"]:
        split = words.index("--beside")
        peer, ours = medians(words[1:split]), medians(words[split + 1 :])
        print("| measure | SQLite | Tallystick | ratio |\n|---|---:|---:|---:|")
        for name, (value, unit) in peer.items():
            mine, more_is_better = COMPARED[name]
            other = ours[mine][0]
            ratio = other / value if more_is_better else value / other
            print(f"| {name} ({unit}) | {spelled(value)} | {spelled(other)} | {ratio:.1f} |")
        return
    print("| measure | median | unit |\n|---|---:|---|")
    for name, (value, unit) in medians(words).items():
        print(f"| {name} | {spelled(value)} | {unit} |")


main(sys.argv[1:])
