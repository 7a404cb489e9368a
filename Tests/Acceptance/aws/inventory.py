"""Prints what boto3 sees of an account, one line of JSON per resource: the witness against which the collector is held.

What to read stands in Sources/Collectors/AWS/resources.yaml, whose head says what each word of it means. A line has
kind, region, id, configuration, and unread: the members that could not be read, each with the error's code. What
could not be listed at all is one line whose id begins with "unlisted:".
"""

import argparse
import base64
import collections
import csv
import datetime
import functools
import io
import json
import re
import sys
import time
import urllib.parse
from pathlib import Path

import boto3
import botocore
import botocore.config
import botocore.exceptions
import botocore.parsers
import yaml

RESOURCES = Path(__file__).resolve().parents[3] / "Sources" / "Collectors" / "AWS" / "resources.yaml"
ACCOUNT = "123456789012"
HOME = "us-east-1"
REGIONS = [HOME, "eu-west-1"]
ATTEMPTS = 20  # to see a report complete
ABSENT = object()
FIELD = re.compile(r"\$(?:\{([^}/:]+)([/:])(\d+)\}|([\w@]+(?:\.[\w@]+)*))")


class Unread(Exception):
    """Something could not be read; holds the error's code."""

    def __init__(self, code, message=""):
        super().__init__(code)
        self.code = code
        self.message = message


# Paths and texts with paths


def values(value, path):
    """Everything at a path; lists on the way are flattened."""
    found = [value]
    for step in [] if path == "@" else path.split("."):
        found = [
            part[step]
            for whole in found
            for part in (whole if isinstance(whole, list) else [whole])
            if isinstance(part, dict) and part.get(step) is not None
        ]
    return found


def at(value, path):
    """What a path says, several things as a list."""
    found = values(value, path)
    return (found if len(found) > 1 else found[0]) if found else ABSENT


def elements(value, path):
    return [element for found in values(value, path) for element in (found if isinstance(found, list) else [found])]


def change(value, steps, by):
    """The value with what is at the path changed."""
    if not steps:
        return by(value)
    if isinstance(value, list):
        return [change(element, steps, by) for element in value]
    if isinstance(value, dict) and value.get(steps[0]) is not None:
        return {**value, steps[0]: change(value[steps[0]], steps[1:], by)}
    return value


class Scope:
    """What `$Path` stands for: the call's surroundings, the resource, else a member of the item."""

    def __init__(self, region, item=None, resource=None):
        self.region = region
        self.item = item
        self.resource = resource

    def field(self, path):
        surroundings = {"account": ACCOUNT, "region": self.region, "partition": "aws"}
        if path in surroundings:
            return surroundings[path]
        if path.startswith("resource."):
            return (values(self.resource, path.removeprefix("resource.")) or [ABSENT])[0]
        return (values(self.item, path) or [ABSENT])[0]

    def fill(self, value):
        """The value with every `$Path` in it replaced; ABSENT where one of them leads nowhere."""
        if isinstance(value, list):
            filled = [self.fill(element) for element in value]
            return ABSENT if ABSENT in filled else filled
        if isinstance(value, dict):
            filled = {key: self.fill(element) for key, element in value.items()}
            return ABSENT if ABSENT in filled.values() else filled
        if not isinstance(value, str) or "$" not in value:
            return value
        whole = FIELD.fullmatch(value)
        if whole and whole[4]:
            return self.field(whole[4])
        parts = []
        last = 0
        for match in FIELD.finditer(value):
            parts += [value[last : match.start()], self.part(match)]
            last = match.end()
        parts.append(value[last:])
        return ABSENT if ABSENT in parts else "".join(str(part) for part in parts)

    def part(self, match):
        if match[4]:
            return self.field(match[4])
        text = self.field(match[1])
        if text is ABSENT:
            return ABSENT
        pieces = str(text).split(match[2])
        return pieces[int(match[3])] if int(match[3]) < len(pieces) else ABSENT

    def holds(self, path, wanted):
        found = self.field(path)
        wanted = self.fill(wanted)
        if wanted == "*":
            return found not in (ABSENT, "", [], {})
        return found in wanted if isinstance(wanted, list) else found == wanted


# Values


def plain(value):
    """The value in the words of JSON."""
    if isinstance(value, dict):
        return {key: plain(member) for key, member in value.items() if member is not None}
    if isinstance(value, (list, tuple)):
        return [plain(element) for element in value]
    if isinstance(value, datetime.datetime):
        moment = value.astimezone(datetime.UTC)
        fraction = f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else ""
        return moment.strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def decoded(value, form):
    """A document inside of a text, or of a blob."""
    if not isinstance(value, str):
        return value  # boto3 has decoded it
    if not value:
        return None
    if form == "csv":
        return list(csv.DictReader(io.StringIO(base64.b64decode(value).decode())))
    try:
        return json.loads(urllib.parse.unquote(value) if value.startswith("%") else value)
    except ValueError:
        raise Unread("NoJSON") from None


def redacted(value):
    if isinstance(value, dict):
        return {key: redacted(member) for key, member in value.items()}
    if isinstance(value, list):
        return [redacted(element) for element in value]
    return "[redacted]"


# Calls


class Account:
    def __init__(self, endpoint):
        self.endpoint = endpoint
        self.calls = 0
        self.refused = collections.Counter()
        self.shared = {}

    @functools.cache
    def client(self, service, region):
        client = boto3.client(
            service,
            region_name=region,
            endpoint_url=self.endpoint,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            config=botocore.config.Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}, proxies={}),
        )
        if service == "s3control":  # boto3 puts the account before the host's name, which is an address
            client.meta.events.register("before-sign.s3-control", self.without_account)
        return client

    @staticmethod
    def without_account(request, **_):
        request.url = request.url.replace(f"//{ACCOUNT}.", "//")

    def pages(self, service, operation, given, region):
        """The pages of an operation's output."""
        client = self.client(service, region)
        method = botocore.xform_name(operation)
        try:
            if client.can_paginate(method):
                for page in client.get_paginator(method).paginate(**given):
                    self.calls += 1
                    yield self.output(page)
            else:
                self.calls += 1
                yield self.output(getattr(client, method)(**given))
        except botocore.exceptions.ClientError as error:
            code = str(error.response["Error"].get("Code", ""))
            self.refused[f"{service}:{operation} {code}"] += 1
            raise Unread(code, error.response["Error"].get("Message", "")) from None
        except (botocore.exceptions.BotoCoreError, botocore.parsers.ResponseParserError) as error:
            code = type(error).__name__
            self.refused[f"{service}:{operation} {code}"] += 1
            raise Unread(code, str(error)) from None

    @staticmethod
    def output(page):
        return plain({key: value for key, value in page.items() if key != "ResponseMetadata"})

    def prepare(self, service, operation, region):
        for attempt in range(ATTEMPTS):
            for page in self.pages(service, operation, {}, region):
                if page.get("State") == "COMPLETE":
                    return
            time.sleep(0.1 * attempt)
        raise Unread("NotComplete")

    def read(self, call, service, given, region, path):
        """The output of a call, the lists of its pages at the path put together; None where its error says "absent"."""
        try:
            if "prepare" in call:
                self.prepare(service, call["prepare"], region)
            whole = None
            for page in self.pages(service, call["op"], given, region):
                if whole is None:
                    whole = page
                elif path != "@":
                    more = elements(page, path)
                    whole = change(whole, path.split("."), lambda first: first + more)
            return whole
        except Unread as error:
            if is_absent(call, error):
                return None
            raise

    def once(self, call, service, given, region, path):
        key = json.dumps([service, call["op"], given, region, path])
        if key not in self.shared:
            try:
                self.shared[key] = self.read(call, service, given, region, path)
            except Unread as error:
                self.shared[key] = error
        if isinstance(self.shared[key], Unread):
            raise self.shared[key]
        return self.shared[key]


def is_absent(call, error):
    return any(
        absence["code"] == error.code and absence.get("message", "") in error.message
        for absence in call.get("absent", [])
    )


# Resources


class Reader:
    def __init__(self, account, entry):
        self.account = account
        self.entry = entry
        self.is_global = entry.get("scope") == "global"

    def lines(self, region):
        """The lines of one region."""
        entry = self.entry
        call = {**entry, "op": entry["list"]}
        try:
            if "prepare" in entry:
                self.account.prepare(entry["service"], entry["prepare"], region)
            given = Scope(region).fill(entry.get("with", {}))
            for page in self.account.pages(entry["service"], call["op"], given, region):
                if "incomplete" in entry and elements(page, entry["incomplete"]):
                    raise Unread("incomplete")
                for item in values(page, entry["single"]) if "single" in entry else elements(page, entry["items"]):
                    if "as" in entry:
                        item = {entry["as"]: item}
                    scope = Scope(region, item)
                    if all(scope.holds(path, wanted) for path, wanted in entry.get("where", {}).items()):
                        yield self.line(item, region)
        except Unread as error:
            if not is_absent(call, error):
                yield self.unlisted(region, error.code)
            elif "otherwise" in entry:
                yield self.line(dict(entry["otherwise"]), region)

    def unlisted(self, region, code):
        return {
            "kind": self.entry["kind"],
            "region": "global" if self.is_global else region,
            "id": f"unlisted:{region}",
            "configuration": None,
            "unread": {"$root": code},
        }

    def line(self, item, region):
        entry = self.entry
        if "region" in entry:
            region = (values(item, entry["region"]) or [region])[0]
        scope = Scope(region, item)
        identifier = scope.fill(entry["id"] if "$" in entry["id"] else f"${entry['id']}")
        unread = {}
        self.details(entry.get("details", []), item, {"id": identifier}, region, unread)
        for path, form in entry.get("decode", {}).items():
            item = change(item, path.split("."), functools.partial(self.decode, form, path, unread))
        for path in entry.get("redact", []):
            item = change(item, path.split("."), redacted)
        line = {
            "kind": entry["kind"],
            "id": None if identifier is ABSENT else identifier,
            "configuration": item,
            "region": "global" if self.is_global and "region" not in entry else region,
        }
        return {**line, "unread": unread} if unread else line

    @staticmethod
    def decode(form, path, unread, value):
        try:
            return decoded(value, form)
        except Unread as error:
            unread[path.split(".")[0]] = error.code
            return None

    def details(self, details, item, resource, region, unread, prefix=""):
        """Puts into the item what further calls say of it."""
        for detail in details:
            key = prefix + detail["into"]
            try:
                for path in detail.get("when", {}):
                    if prefix + path.split(".")[0] in unread:
                        raise Unread(unread[prefix + path.split(".")[0]])
                value = self.detail(detail, item, resource, region)
            except Unread as error:
                unread[key] = error.code
                continue
            if value is ABSENT:
                continue
            if "each" in detail:
                where = self.region(detail, Scope(region, item, resource))
                for number, element in enumerate(value):
                    self.details(detail["each"], element, resource, where, unread, f"{key}[{number}].")
            item[detail["into"]] = value

    @staticmethod
    def region(detail, scope):
        return scope.fill(detail["region"]) if "region" in detail else scope.region

    def detail(self, detail, item, resource, region):
        """The value of one detail, or ABSENT."""
        scope = Scope(region, item, resource)
        if not all(scope.holds(path, wanted) for path, wanted in detail.get("when", {}).items()):
            return ABSENT
        if scope.fill(detail.get("account")) not in (None, ABSENT, ACCOUNT):
            raise Unread("OtherAccount")
        where = self.region(detail, scope)
        given = scope.fill(detail.get("with", {}))
        if given is ABSENT or where is ABSENT:
            raise Unread("NoInput")
        read = self.account.once if detail.get("once") else self.account.read
        path = detail.get("path", "@")
        output = read(detail, detail.get("service", self.entry["service"]), given, where, path)
        value = ABSENT if output is None else at(output, path)
        if value is ABSENT:
            return ABSENT
        if "decode" in detail:
            value = decoded(value, detail["decode"])
        for column, wanted in detail.get("pick", {}).items():
            wanted = scope.fill(wanted)
            rows = [row for row in value if row.get(column) == wanted]
            if not rows and detail.get("optional"):
                return ABSENT
            if not rows:
                raise Unread("NotNamed")
            value = rows[0]
        if "fields" in detail:
            value = only(value, detail["fields"])
        return json.loads(json.dumps(value))  # no two resources share it


def only(value, keep):
    """Some members of an object, or of each object of a list."""
    if isinstance(value, list):
        return [only(element, keep) for element in value]
    return {key: member for key, member in value.items() if key in keep}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--endpoint", required=True, metavar="URL")
    parser.add_argument(
        "--region", action="append", metavar="NAME", help=f"repeatable; {' and '.join(REGIONS)} by default"
    )
    parser.add_argument("--kind", action="append", metavar="SERVICE/KIND", help="repeatable; all by default")
    parser.add_argument("--figures", action="store_true", help="count calls, and errors, at the end on stderr")
    arguments = parser.parse_args()
    entries = yaml.safe_load(RESOURCES.read_text())
    unknown = set(arguments.kind or []) - {entry["kind"] for entry in entries}
    if unknown:
        parser.error(f"no such kind: {', '.join(sorted(unknown))}")
    account = Account(arguments.endpoint.rstrip("/"))
    for entry in entries:
        if arguments.kind and entry["kind"] not in arguments.kind:
            continue
        reader = Reader(account, entry)
        for region in [HOME] if reader.is_global else arguments.region or REGIONS:
            for line in reader.lines(region):
                print(json.dumps(line, sort_keys=True, ensure_ascii=False, separators=(",", ":")))
    if arguments.figures:
        print(f"{account.calls} calls", file=sys.stderr)
        for refusal, count in sorted(account.refused.items()):
            print(f"{refusal}: {count}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
