"""`manage.py tune --system S [--segment G] [--target A] [--confidence C] [--json] [--look] [--propose] [--as EMAIL]`"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from governance.api.rendering import encode
from governance.models import Person, System
from governance.people import actors
from governance.people.actors import CONSOLE, Actor
from governance.refusals import Refused
from governance.tuning import looks, proposing, words
from governance.tuning.result import result


class Command(BaseCommand):
    help = (
        "Shows the last certificate and what the evidence looks like now, which spends nothing. --look takes a look "
        "and spends its level; --propose files the certified threshold as a proposal, after a look if one is needed. "
        "Exit codes: 0 done, whatever the answer says; 1 refused, with the reason; 2 usage."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--system", required=True, metavar="SLUG")
        parser.add_argument(
            "--segment", default="", metavar="ID", help="a segment of the policy; the default if left out"
        )
        parser.add_argument("--target", type=float, metavar="SHARE", help="explore another target, such as 0.01")
        parser.add_argument(
            "--confidence", type=float, metavar="SHARE", help="explore at a single look of this confidence"
        )
        parser.add_argument("--json", action="store_true", help="the whole result, as the API answers it")
        parser.add_argument("--look", action="store_true", help="take a look: its level is spent for good")
        parser.add_argument("--propose", action="store_true", help="file the certified threshold as a proposal")
        parser.add_argument("--as", dest="email", metavar="EMAIL", help="who looks or proposes")

    def handle(self, *args: Any, **options: Any) -> None:
        target, confidence, spends = options["target"], options["confidence"], options["look"] or options["propose"]
        if any(share is not None and not 0 < share < 1 for share in (target, confidence)):
            raise CommandError("--target and --confidence lie between 0 and 1.", returncode=2)
        if spends and (target is not None or confidence is not None):
            raise CommandError("A look uses the policy's own target and confidence.", returncode=2)
        system = System.objects.with_policy().filter(slug=options["system"]).first()
        if system is None:
            raise CommandError(f"There is no system {options['system']}.")
        try:
            if spends:
                self._spend(system, _actor(options["email"], system, options["propose"]), options)
            told = result(system, options["segment"], target=target, confidence=confidence)
        except Refused as refused:
            raise CommandError(refused.sentence) from None
        if options["json"]:
            self.stdout.write(encode(told).decode())
        else:
            self._tell(told)

    def _spend(self, system: System, by: Actor, options: dict[str, Any]) -> None:
        if options["look"]:
            certificate = looks.look(system, by=by, segment=options["segment"])
            self.stderr.write(f"Look {certificate.look} spent a level of {certificate.delta:g}.")
        if options["propose"]:
            filed = proposing.propose(system, by=by, segment=options["segment"])
            known = "is proposed now" if filed.is_new else "was proposed already"
            self.stderr.write(f"Policy {filed.version.number} {known}; others sign it.")

    def _tell(self, told: dict[str, Any]) -> None:
        certificate, explored = told["certificate"], told["exploration"]
        self.stdout.write(certificate["sentence"] if certificate else "No look was taken yet, so nothing is certified.")
        if certificate:
            self.stdout.write(
                f"  look {certificate['look']}, {certificate['window']['outputs']} outputs, expires "
                f"{certificate['expires_at']:%Y-%m-%d}, {certificate['digest'][:19]}"
            )
        if explored is None:
            self.stdout.write("Exploration: no output that this threshold decides has arrived yet.")
            return
        window = explored["window"]
        self.stdout.write(f"\n{explored['label'].capitalize()}: {explored['sentence']}")
        self.stdout.write(
            f"  {window['outputs']} outputs, {window['labels']} with a verdict, {window['left_out']} left out because "
            f"they or older ones are undecided\n\nthreshold  released   share  estimate    bound       p  test"
        )
        for row in explored["curve"]:
            if row["p"] is not None or round(row["threshold"] * 100) % 5 == 0:
                self.stdout.write(_line(row))
        for line in explored["released_by_rules"]:
            at_most = words.bound(line["upper_bound"])
            self.stdout.write(
                f"Rule {line['rule']} released {line['released']}: {line['wrong']} of {line['audited']} audits wrong, "
                f"at most {at_most}"
            )


def _line(row: dict[str, Any]) -> str:
    estimate = "     -" if row["estimate"] is None else f"{row['estimate']:6.2%}"
    p = "     -" if row["p"] is None else f"{row['p']:6.4f}"
    return (
        f"{row['threshold']:9.4g} {row['released']:9d} {row['released_share']:7.1%}    {estimate}  "
        f"{row['upper_bound']:7.2%}  {p}  {row['test']}"
    )


def _actor(email: str | None, system: System, proposes: bool) -> Actor:
    """Whoever is named; with nobody named, the console may look, and nobody may propose."""
    if email is None:
        if proposes or Person.objects.exists():
            raise CommandError("Say who does it: --as EMAIL.", returncode=2)
        return CONSOLE
    person = Person.objects.filter(email__iexact=email, is_active=True).first()
    if person is None:
        raise CommandError(f"Nobody has an account as {email}.")
    return actors.person(person, system=system.pk, auth="console")
