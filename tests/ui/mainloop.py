# SPDX-License-Identifier: GPL-3.0-or-later
# How long the plug-in's main loop waited, as its watchdog (ui/watchdog.h) has written it down.
import os


def wanted_processors():
    """How many processes wanted a processor in the last minute, for each that there is."""
    return os.getloadavg()[0] / os.cpu_count()


def check_main_loop(limit=50, wanted=wanted_processors):
    """The plug-in's main loop did not wait more than limit ms while the network ran. The one time that the tests ask for,
    for it is promised. A long wait in one of several computations only is told but not judged, since GIMP or the screen
    may have made it: what the plug-in itself blocks once and never again is not found here. Where other programs took the
    processors away for more than a twentieth of it, what it waited for those does not count; for more than a quarter, or
    where half as many again wanted processors as there are, what it waited for was waiting too, and nothing can be
    said."""
    with open(os.environ["DIFFUSION_WATCHDOG"]) as log:
        lines = [[float(word) for word in line.split()] for line in log]
    assert lines, "nothing was computed"
    length, longest, own, kept = (sum(line[0] for line in lines), max(line[2] for line in lines),
                                  max(line[4] for line in lines), sum(line[5] for line in lines))
    print("# %d computations of %.0f ms: the main loop waited %.1f ms at most (99 %% of the times below %.1f ms), "
          "%.1f ms without what it waited for a processor (%.0f ms in all)" % (
              len(lines), length, longest, max(line[3] for line in lines), own, kept))
    for length_of_one, times, *_ in lines:
        assert length_of_one < 1000 or times > length_of_one / 500, (
            "seen alive %d times in %.0f ms" % (times, length_of_one))
    if kept > length / 4 or wanted() > 1.5:
        print("# the machine was too busy to judge that")
        return
    waits = [line[4 if kept > length / 20 else 2] for line in lines]
    long = [wait for wait in waits if wait > limit]
    assert len(long) < 2 and len(long) < len(waits), (
        "the main loop waited more than %d ms in %d of %d computations, %.1f ms at most" % (
            limit, len(long), len(waits), max(waits)))
