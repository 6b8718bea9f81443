"""The REST API as lives.py uses it: one connection, a tenant to begin with, amounts and instants as text."""
import decimal
import http.client
import json
import os
import subprocess
import time
import urllib.parse
import uuid

IDLE_SECONDS = 1  # the server closes what is idle for longer


class Api:
    """One connection; a refusal is an error of the test, unless it is asked about."""

    def __init__(self, token=None):
        address = urllib.parse.urlsplit(os.environ["API_URL"])
        self.connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
        self.token, self.used = token, time.monotonic()

    def call(self, method, path, body=None, refusals=()):
        """What is answered; None when it is one of these refusals."""
        headers = {"Content-Type": "application/json", "Prefer": "wait=60"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if time.monotonic() - self.used > IDLE_SECONDS:  # http.client opens another one
            self.connection.close()
        self.connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = self.connection.getresponse()
        text, self.used = answer.read(), time.monotonic()
        if answer.status in refusals:
            return None
        if answer.status not in (200, 201, 204):
            raise RuntimeError(f"{method} {path} {json.dumps(body)}: {answer.status} {text.decode()[:600]}")
        return json.loads(text, parse_float=decimal.Decimal) if text else {}

    def get(self, path):
        return self.call("GET", path)["data"]

    def post(self, path, body):
        return self.call("POST", path, body)["data"]

    def patch(self, path, body):
        return self.call("PATCH", path, body)["data"]

    def accepts(self, path, body):
        """Whether a POST is done, or refused for what it asks (400) or for how things stand (409)."""
        return self.call("POST", path, body, refusals=(400, 409)) is not None

    def all(self, path):
        """Each page of a list."""
        rows, page = [], 1
        while True:
            answer = self.call("GET", f"{path}{'&' if '?' in path else '?'}limit=100&page={page}")
            rows += answer["data"]
            if page >= answer["pagination"]["totalPages"]:
                return rows
            page += 1


def tenant_token(settings):
    """A tenant in test mode."""
    name, password = uuid.uuid4().hex, "Correct-Horse-7"
    subprocess.run([f"{os.environ['BIN_DIR']}/cloudbill", "tenant", "create", "--name", name, "--mode", "test",
                    "--admin-email", f"admin@{name}.example", "--admin-password", password, "--currency", "USD",
                    "--time-zone", "UTC"], check=True, stdout=subprocess.DEVNULL)
    token = Api().post("/api/auth/login", {"email": f"admin@{name}.example", "password": password})["accessToken"]
    Api(token).patch("/api/settings", settings)
    return token


def units(minor, scale):
    """A decimal of the currency, as text."""
    sign, minor, digits = "-" if minor < 0 else "", abs(minor), len(str(scale)) - 1
    return f"{sign}{minor // scale}.{minor % scale:0{digits}d}" if digits else f"{sign}{minor}"


def iso(instant):
    return instant.strftime("%Y-%m-%dT%H:%M:%S.000Z")
