from django.apps import AppConfig


class ReviewsConfig(AppConfig):
    name = "reviews"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from governance.monitoring import metrics
        from governance.policies import followers
        from reviews import gauges
        from reviews.delivery import declared
        from reviews.routing import retiming

        metrics.register(*gauges.ALL)
        followers.on_applied(declared.from_file)
        followers.on_retiming(retiming.would_retime)
