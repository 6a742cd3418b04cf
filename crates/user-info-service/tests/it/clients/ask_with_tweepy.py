"""Makes CALLS, as [["get_user", {"user_id": 12}], …] in JSON, to the API at HOST, over TLS, with tweepy."""

import json
import sys

import tweepy

import report

host, calls = sys.argv[1], json.loads(sys.argv[2])
api = tweepy.API(tweepy.OAuth1UserHandler("key", "secret", "token", "token-secret"), host=host)

for method, parameters in calls:
    try:
        found = getattr(api, method)(**parameters)
        users = found if isinstance(found, list) else [found]
        report.say("users", [[user.id, user.id_str, user.screen_name, user.created_at.isoformat()] for user in users])
    except tweepy.HTTPException as error:
        report.say("error", type(error).__name__, error.api_codes)
