"""What people decide while a system is halted is kept, and told to its producer once the halt is lifted."""

import json

from governance.models import Output, System
from governance.policies import halting
from reviews.delivery import outbox
from reviews.delivery.sending import deliver_due
from tests import cast
from tests.reviews.delivery.stage import send_in
from tests.reviews.delivery.test_undo import decided


def test_a_decision_made_under_a_halt_is_told_after_it(system: System, endpoint, producer) -> None:
    halting.halt(system, by=cast.acting(cast.carol(), system), because="It pays twice.")
    decision = decided(system, seconds=0)
    assert deliver_due().attempts == 0
    halting.lift(system, by=cast.acting(cast.erik(), system))
    assert deliver_due().taken == 1
    assert json.loads(producer.received[0].body)["data"]["id"] == str(decision.output_id)


def test_a_correction_of_what_is_out_already_waits_for_nobody(system: System, endpoint, producer) -> None:
    output: Output = send_in(system)
    halting.halt(system, by=cast.acting(cast.carol(), system), because="It pays twice.")
    outbox.announce(output, "output.corrected", cause=output.entry_id)
    assert deliver_due().taken == 1
