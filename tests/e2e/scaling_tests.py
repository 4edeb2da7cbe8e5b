"""What tests of forewarm control with Application Auto Scaling share."""

import time

from control_tests import ControlTest
from fake_targets import PulsingPrometheus
from server_process import wait_for

FOREIGN = {"nightly": ("cron(0 22 * * ? *)", {"MinCapacity": 1, "MaxCapacity": 4}),
           "forewarm-orders-of-mine": ("at(2030-01-01T00:00:00)", {"MinCapacity": 9}),
           "forewarm-other-001": ("at(2030-01-01T00:00:00)", {"MinCapacity": 8})}


class AutoScalingTest(ControlTest):
    """Bursts that a forecast sees coming, and a scalable target with actions of others."""

    def pulsing(self, more=""):
        self.prometheus = PulsingPrometheus()
        self.addCleanup(self.prometheus.close)
        api = self.auto_scaling(more)
        api.actions.update(FOREIGN)
        return api

    def start(self, *arguments, **config):
        control = self.control(*arguments, **({"backfill": "15m", "delay": "3s"} | config)).start()
        wait_for(lambda: (control.queue()["schedule"] or {}).get("levels"), "the next bursts are foreseen")
        return control

    @staticmethod
    def only_rises(api):
        least = api.least
        for schedule, what in sorted(api.ours().values(), key=lambda action: api.at(action[0])):
            if api.at(schedule) > time.time() and what["MinCapacity"] <= least:
                return False
            least = max(least, what["MinCapacity"])
        return True
