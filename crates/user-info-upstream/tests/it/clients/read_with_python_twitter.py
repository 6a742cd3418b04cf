"""Reads the sample stream of ORIGIN for SECONDS with python-twitter."""

import sys

import requests
import twitter

import report

origin, seconds = sys.argv[1], float(sys.argv[2])
clock = report.Clock(seconds)
api = twitter.Api("key", "secret", "token", "token-secret", stream_url=origin + "/1.1", timeout=90)


def read():
    report.say("connected")
    for message in api.GetStreamSample():
        if clock.is_over():
            return
        kind, key = report.identity(message)
        report.say(kind, key)
        if kind == "status":
            status = twitter.Status.NewFromJsonDict(message)
            assert status.id == key and status.user.screen_name, message


# A connection that breaks raises; going on is its caller's business.
while not clock.is_over():
    try:
        read()
    except requests.exceptions.ChunkedEncodingError:
        report.say("cut")
    except twitter.TwitterError:
        if not report.faults_are_meant():
            raise
        report.say("refused")
