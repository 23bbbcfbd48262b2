# SPDX-License-Identifier: GPL-3.0-or-later
# What the tests of the dialogs say of the main loop can be no: it is told of loops that were kept waiting.
# watchdog.py STALLED-LOOP
import os
import subprocess
import sys
import tempfile

from mainloop import check_main_loop

count = failed = 0
# Length, times seen alive, longest wait, 99th percentile, longest without others' use of the processors, that in all; in ms.
# Then what is said of it, and how many processes want each processor where that is not one.
LOGS = {
    "a short wait": (["900 180 40 10 40 0"], None),
    "a long wait in the only computation": (["900 180 60 10 60 0"], "in 1 of 1 computations, 60.0 ms"),
    "a long wait in one of several computations": (["900 180 40 10 40 0", "900 180 60 10 60 0"], None),
    "a long wait in two of several": (["900 180 60 10 60 0", "900 180 40 10 40 0", "900 180 70 10 70 0"],
                                      "in 2 of 3 computations, 70.0 ms"),
    "the same on a busy machine": (["900 180 60 10 60 0", "900 180 40 10 40 0", "900 180 70 10 70 0"], None, 2),
    "others had the processors": (["900 180 99 10 17 80"], None),
    "others had them, and still a long wait of its own": (["900 180 99 10 60 80"], "in 1 of 1 computations, 60.0 ms"),
    "others had them nearly always": (["900 180 99 10 60 300"], None),
    "hardly ever alive": (["3000 4 40 40 40 0"], "seen alive 4 times"),
    "nothing computed": ([], "nothing was computed"),
}


def judge(wanted=1):
    """What is wrong, or None, with so many processes for each processor."""
    try:
        check_main_loop(wanted=lambda: wanted)
    except AssertionError as error:
        return str(error)
    return None


def report(name, good, said):
    global count, failed
    count += 1
    failed += not good
    print("%sok %d - %s" % ("" if good else "not ", count, name))
    print("# it says: %s" % said)


with tempfile.TemporaryDirectory() as folder:
    for name, (lines, expected, *wanted) in LOGS.items():
        os.environ["DIFFUSION_WATCHDOG"] = os.path.join(folder, name)
        with open(os.environ["DIFFUSION_WATCHDOG"], "w") as log:
            log.write("".join(line + "\n" for line in lines))
        said = judge(*wanted)
        report(name, said is None if expected is None else expected in (said or ""), said)
    os.environ["DIFFUSION_WATCHDOG"] = os.path.join(folder, "log")
    subprocess.run([sys.argv[1], "200"], check=True)
    with open(os.environ["DIFFUSION_WATCHDOG"]) as log:
        lines = log.read().splitlines()
    report("one line for nested computations", len(lines) == 1, lines)
    report("a real loop that was kept waiting", float(lines[0].split()[4]) > 150, lines)
    del os.environ["DIFFUSION_WATCHDOG"]
    subprocess.run([sys.argv[1], "0"], check=True)
    report("nothing is written where nobody asked", os.listdir(folder).count("log") == 1 and len(lines) == 1, os.listdir(folder))
print("1..%d" % count)
sys.exit(failed > 0)
