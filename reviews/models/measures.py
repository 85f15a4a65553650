"""How far a reviewer has shown her own measures to her leads."""

from django.db import models

from governance.models import Person


class Shown(models.Model):
    """Up to when a person's measures are her leads' to see, where she showed them before they would be anyway."""

    person = models.OneToOneField(Person, models.CASCADE, primary_key=True, related_name="+")
    until = models.DateTimeField()
    entry = models.ForeignKey("governance.Entry", models.PROTECT, related_name="+", db_index=False)

    def __str__(self) -> str:
        return f"measures of {self.person_id}"
