"""Runs an audit against the server of scripts/bench.sh: run.py LOG LATENCY_MS URL RUNS PROGRAM ARGUMENTS...

A line of the server's log is a call: when it came and when it was answered, in microseconds, and the operation. The dependent
rounds are the longest chain of calls each of which came after the one before was answered. Of several runs the fastest tells
the time, since nothing but other programs makes one slower than another.
"""

import resource
import subprocess
import sys
import time
from heapq import heappop, heappush


def rounds(calls):
    """The length of the longest chain. `calls` are pairs of start and end."""
    under_way, ended, longest = [], 0, 0
    for start, end in sorted(calls):
        while under_way and under_way[0][0] <= start:
            ended = max(ended, heappop(under_way)[1])
        heappush(under_way, (end, ended + 1))
        longest = max(longest, ended + 1)
    return longest


def main():
    log, latency, url, runs, *program = sys.argv[1:]
    environment = {"HOME": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_ENDPOINT_URL": url}
    times, seen = [], 0
    for _ in range(int(runs)):
        with open(log, encoding="utf-8") as lines:
            seen = len(lines.readlines())
        began = time.monotonic()
        status = subprocess.run(program, env=environment, stdout=subprocess.DEVNULL, check=False).returncode
        times.append(time.monotonic() - began)
        if status not in (0, 1):
            sys.exit(f"{program[0]} ended with status {status}")
    with open(log, encoding="utf-8") as lines:
        calls = [tuple(map(int, line.split()[:2])) for line in lines.readlines()[seen:]]
    chain = rounds(calls)
    ratio = min(times) / (chain * float(latency) / 1000)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    print(f"{len(calls)} calls, {chain} rounds, {min(times) * 1000:.0f} ms ({ratio:.2f} x rounds x latency), {memory} MB")


if __name__ == "__main__":
    main()
