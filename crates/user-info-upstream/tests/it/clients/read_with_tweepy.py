"""Reads the sample stream of ORIGIN for SECONDS with tweepy, as it is but for where it connects to."""

import logging
import sys

import requests
import tweepy

import report

origin, seconds = sys.argv[1], float(sys.argv[2])
clock = report.Clock(seconds)


class Elsewhere(requests.adapters.HTTPAdapter):
    """Sends what is meant for Twitter, signed for Twitter, to another server."""

    def send(self, request, **more):
        request.url = request.url.replace("https://stream.twitter.com", origin)
        return super().send(request, **more)


class Errors(logging.Handler):
    """Says what tweepy logs as an error, but for kinds that it does not know, and why a connection broke."""

    EXPECTED = ("Received unknown message type", "Connection error")
    MEANT = ("Stream connection closed by", "Stream encountered HTTP error", "HTTP error response text")

    def emit(self, record):
        expected = self.EXPECTED + (self.MEANT if report.faults_are_meant() else ())
        if record.levelno >= logging.ERROR and not record.msg.startswith(expected):
            report.say("error", record.getMessage())


class Reader(tweepy.Stream):
    def on_connect(self):
        report.say("connected")

    def on_closed(self, response):
        # Tweepy says so, too, when it was told to end.
        if not clock.is_over():
            super().on_closed(response)

    def on_connection_error(self):
        report.say("cut")
        if clock.is_over():
            self.disconnect()

    def on_data(self, raw_data):
        if clock.is_over():
            self.disconnect()
        else:
            super().on_data(raw_data)

    def on_keep_alive(self):
        report.say("keep-alive")

    def on_status(self, status):
        report.say("status", status.id)
        assert status.author.screen_name and status.created_at, status

    def on_delete(self, status_id, user_id):
        report.say("delete", status_id)

    def on_scrub_geo(self, notice):
        report.say("scrub_geo", notice["up_to_status_id"])

    def on_status_withheld(self, notice):
        report.say("status_withheld", notice["id"])

    def on_user_withheld(self, notice):
        report.say("user_withheld", notice["id"])

    def on_limit(self, track):
        report.say("limit", track)

    def on_warning(self, notice):
        report.say("warning", notice["percent_full"])

    def on_disconnect_message(self, message):
        report.say("disconnect", message["code"])

    def on_exception(self, exception):
        raise exception


logging.getLogger("tweepy").addHandler(Errors())
reader = Reader("consumer-key", "consumer-secret", "access-token", "access-token-secret")
reader.session.mount("https://stream.twitter.com", Elsewhere())
if hasattr(reader, "sample"):
    reader.sample(stall_warnings=True)
else:
    reader._connect("GET", "statuses/sample", params={"stall_warnings": "true"})
