"""How a peer is timed: shared by the scripts of this folder."""

import json
import resource
import sys
import time
import warnings


def blas_threads():
    from threadpoolctl import threadpool_info

    return {pool["internal_api"]: pool["num_threads"] for pool in threadpool_info()}


def main(prepare, always_warm=()):
    """Reads PROBLEM PEER REPS, times what `prepare` gives for them and prints one JSON line.

    A fit that takes less than a second is run once beforehand, so that caches are warm; one of `always_warm` problems in
    any case.
    """
    problem, peer, reps = sys.argv[1], sys.argv[2], int(sys.argv[3])
    warnings.filterwarnings("ignore")
    run = prepare(problem, peer)
    seconds = []
    warm = False
    while len(seconds) < reps:
        start = time.perf_counter()
        run()
        took = time.perf_counter() - start
        if warm or (took >= 1 and problem not in always_warm):
            seconds.append(took)
        warm = True
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    name = "OpenBLAS gram" if peer == "gram" else peer
    line = {"problem": problem, "peer": name, "seconds": seconds, "peak_kb": peak, "threads": blas_threads()}
    print(json.dumps(line))
