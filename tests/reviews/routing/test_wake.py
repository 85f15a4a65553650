"""Calling the router: few messages, never a delay, and none that matters."""

import logging
import time

import pytest
from celery import current_app
from django.core.cache import cache

from reviews.models import Item
from reviews.routing import tasks
from reviews.routing import wake as waking
from reviews.routing.calling import CALLED
from tests import cast
from tests.reviews.desk import arrive


@pytest.fixture
def messages():
    """The broker's queue, empty at first; gives a function that counts what lies in it."""
    waking._quiet_until = 0.0
    cache.delete(CALLED)
    with current_app.connection_for_write() as broker:
        channel = broker.default_channel
        channel.client.delete("route")
        yield lambda: channel.client.llen("route")
        channel.client.delete("route")


def test_many_arrivals_make_one_message(messages):
    assert [waking.wake() for _ in range(50)].count(True) == 1
    assert messages() == 1


def test_a_request_leaves_the_call_to_a_thread_and_every_arrival_is_called_for(messages):
    for _ in range(50):
        waking.wake_soon()
    _until(lambda: messages() == 1)
    cache.delete(CALLED)  # the router has begun, so what arrives now needs a call of its own
    waking.wake_soon()
    _until(lambda: messages() == 2)


def _until(is_so) -> None:
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.django_db
def test_the_router_takes_what_arrived_and_can_be_called_again(messages):
    item = arrive(cast.system())[0]
    waking.wake()
    assert tasks.route_waiting() == 1
    assert Item.objects.get(pk=item.pk).routed_at is not None
    assert waking.wake() is True


@pytest.mark.django_db
def test_running_twice_or_for_nothing_does_no_harm(messages):
    arrive(cast.system(), 3)
    assert [tasks.route_waiting(), tasks.route_waiting()] == [3, 0]


def test_a_broker_that_is_gone_is_only_a_line_in_the_log(messages, settings, caplog):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0",
        }
    }  # fmt: skip
    with caplog.at_level(logging.WARNING):
        assert [waking.wake() for _ in range(100)] == [False] * 100
    assert len([record for record in caplog.records if "could not be called" in record.getMessage()]) == 1
    waking._quiet_until = 0.0
