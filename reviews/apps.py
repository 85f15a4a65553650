from django.apps import AppConfig


class ReviewsConfig(AppConfig):
    name = "reviews"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from governance.monitoring import metrics
        from reviews import gauges

        metrics.register(*gauges.ALL)
