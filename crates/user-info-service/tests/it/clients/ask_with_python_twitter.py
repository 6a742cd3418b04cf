"""Makes CALLS, as [["GetUser", {"user_id": 12}], …] in JSON, to the API at ORIGIN with python-twitter."""

import json
import sys

import twitter

import report

origin, calls = sys.argv[1], json.loads(sys.argv[2])
api = twitter.Api("key", "secret", "token", "token-secret", base_url=origin + "/1.1")

for method, parameters in calls:
    try:
        found = getattr(api, method)(**parameters)
        users = found if isinstance(found, list) else [found]
        report.say("users", [user.AsDict() for user in users])
    except twitter.TwitterError as error:
        report.say("error", type(error).__name__, error.message)
