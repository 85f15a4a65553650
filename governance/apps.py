from django.apps import AppConfig
from django.db.backends.signals import connection_created

from governance import clock


class GovernanceConfig(AppConfig):
    name = "governance"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        connection_created.connect(clock.listen, dispatch_uid="governance.clock")
