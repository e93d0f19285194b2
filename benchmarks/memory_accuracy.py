"""How near `auto` comes to tracemalloc, workload by workload: `python -m benchmarks memory_accuracy`.

Each row is a workload in a process of its own, with the history that its name tells. All sizes in MB.
"""

import sys

from tests.memory.workloads import CASES, MB, table


def main() -> None:
    """Print the table, as docs/memory.md has it."""
    print(f"CPython {sys.version.split()[0]}\n")
    print("| workload | tracemalloc | auto | at least | at most |")
    print("|---|---|---|---|---|")
    errors = []
    for case, peak, found in table(CASES):
        figures = [f"{size / MB:.1f}" for size in (peak, found.peak, found.low, found.high)]
        print(f"| {str(case).replace('_', ' ')} | {' | '.join(figures)} |", flush=True)
        errors.append(abs(found.peak - peak) / peak)
    errors.sort()
    print(f"\nmedian error {errors[len(errors) // 2]:.1%}, largest {errors[-1]:.1%}, {len(errors)} workloads")
