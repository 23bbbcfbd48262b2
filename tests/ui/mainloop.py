# SPDX-License-Identifier: GPL-3.0-or-later
# How long the plug-in's main loop waited, as its watchdog (ui/watchdog.h) has written it down.
import os


def check_main_loop(limit=50):
    """The plug-in's main loop never waited more than limit ms while the network ran. The one time that the tests ask for,
    for it is promised. Where other programs took the processors away for more than a twentieth of it, what it waited for
    those does not count; for more than a quarter, or where half as many again wanted processors as there are, what it
    waited for (GIMP, the screen) was waiting too, and nothing can be said."""
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
    if kept > length / 4 or os.getloadavg()[0] > 1.5 * os.cpu_count():
        print("# the machine was too busy to judge that")
        return
    waited = own if kept > length / 20 else longest
    assert waited <= limit, "the main loop waited %.1f ms" % waited
