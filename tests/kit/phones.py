"""What a phone does at the least: hold a pass, and ask the PassKit Web Service about it."""

import io
import json
import zipfile
from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

PASS_TYPE = "pass.sandbox.loyalty"  # noqa: S105 - a public name
TOKEN = "0badc0de" * 8


def opened(bundle: bytes) -> dict[str, Any]:
    """pass.json of a bundle."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        document: dict[str, Any] = json.loads(archive.read("pass.json"))
        return document


def values(document: dict[str, Any]) -> dict[str, Any]:
    """Field key -> value, of all groups."""
    groups = document["storeCard"].values()
    return {field["key"]: field["value"] for fields in groups for field in fields}


@dataclass
class Phone:
    """A device with one pass in it."""

    client: FlaskClient
    pass_json: dict[str, Any]
    device: str = "d" * 32

    @classmethod
    def with_card(cls, client: FlaskClient, member: dict[str, Any], device: str = "d" * 32):
        """A phone with the card of this member, as the API answered it."""
        path = member["links"]["apple"].removeprefix("http://127.0.0.1:8080")
        return cls(client, opened(client.get(path).data), device)

    @property
    def serial(self) -> str:
        return str(self.pass_json["serialNumber"])

    @property
    def authorization(self) -> dict[str, str]:
        return {"Authorization": f"ApplePass {self.pass_json['authenticationToken']}"}

    @property
    def registrations(self) -> str:
        return f"/apple/v1/devices/{self.device}/registrations/{PASS_TYPE}"

    def register(self, token: str = TOKEN, **changes: Any) -> TestResponse:
        options = {"json": {"pushToken": token}, "headers": self.authorization, **changes}
        return self.client.post(f"{self.registrations}/{self.serial}", **options)

    def unregister(self, **changes: Any) -> TestResponse:
        options = {"headers": self.authorization, **changes}
        return self.client.delete(f"{self.registrations}/{self.serial}", **options)

    def updated(self, since: str | None = None) -> TestResponse:
        query = {} if since is None else {"passesUpdatedSince": since}
        return self.client.get(self.registrations, query_string=query)

    def fetch(self, since: str | None = None, **changes: Any) -> TestResponse:
        headers = dict(self.authorization)
        if since is not None:
            headers["If-Modified-Since"] = since
        options = {"headers": headers, **changes}
        answer = self.client.get(f"/apple/v1/passes/{PASS_TYPE}/{self.serial}", **options)
        answer.get_data()  # a phone reads all of it
        return answer
