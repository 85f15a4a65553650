"""Which policy judges which arrival: the one in force, or the canary beside it for a stable share of the outputs."""

from __future__ import annotations

from collections.abc import Callable

from governance.policies.judge import is_drawn
from governance.policies.registry import InForce
from reviews.intake.arrivals import Arrival
from reviews.intake.dossiers import Dossier, Setting, prepare
from reviews.intake.judging import Dice
from reviews.intake.proof import Template

MakeSetting = Callable[[InForce | None], Setting]


def is_in_canary(dice: Dice, system: str, external_id: str, share: int) -> bool:
    """Whether an output is among the canary's share (millionths). The bucket hangs on the key and the output alone, so
    that the same output is always in it, and what is in it stays in it when the share is raised."""
    return share > 0 and is_drawn(dice.draw(f"{system}/canary", external_id), share)


class Judges:
    """The settings of one attempt to write: that of the policy in force, and the canary's where there is one."""

    def __init__(self, force: InForce | None, make: MakeSetting) -> None:
        self.usual = make(force)
        self._template = self.usual.template()
        self._canary: tuple[Setting, Template] | None = None
        self._share = 0
        if force is not None and force.canary is not None:
            setting = make(force.canary)
            self._canary, self._share = (setting, setting.template()), force.canary_share

    def prepare(self, arrival: Arrival) -> tuple[Dossier, Setting]:
        """The dossier of an arrival, and the setting of the policy that judged it. Where the canary fails to judge, the
        policy in force does. Raises MalformedLeaf."""
        if self._canary is not None:
            setting, template = self._canary
            if is_in_canary(setting.dice, setting.system_text, arrival.body.external_id, self._share):
                dossier = prepare(arrival, setting, template)
                if dossier.judged.verdict.rule != "judging-error":
                    return dossier, setting
        return prepare(arrival, self.usual, self._template), self.usual
