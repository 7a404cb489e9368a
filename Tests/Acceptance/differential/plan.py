"""A Terraform plan of new resources, in the form of `terraform show -json`, from what HCL writes.

What HCL leaves out becomes null, a default or "known after apply", as arguments.txt says of each type.
"""

import functools
import json
from pathlib import Path

PROVIDER = "hashicorp/aws"
# The types of what exists once for the account; all others have a region.
GLOBAL = ("aws_iam_", "aws_account_", "aws_organizations_", "aws_s3_account_")


class Ref:
    """A reference to an attribute; its value is None where only apply makes it known."""

    def __init__(self, address, attribute, value=None):
        self.address, self.attribute, self.value = address, attribute, value

    @property
    def references(self):
        return [f"{self.address}.{self.attribute}", self.address]


class Text:
    """A text with references in it, such as a policy; known, or known after apply."""

    def __init__(self, value, *references):
        self.value = value
        self.references = [text for reference in references for text in reference.references]


class Resource:
    """A resource of the plan; resource["id"] refers to its attribute."""

    def __init__(self, type, name, written, known):
        self.type, self.name, self.written, self.known = type, name, written, known
        self.address = f"{type}.{name}"

    def __getitem__(self, attribute):
        value = self.written.get(attribute, self.known.get(attribute))
        return Ref(self.address, attribute, value.value if isinstance(value, (Ref, Text)) else value)


class Plan:
    def __init__(self, region):
        self.region = region
        self.resources = []

    def add(self, type, name, known=None, /, **written):
        """Adds what HCL writes of a resource; arguments of None are not written.

        A resource with known attributes exists already, and the plan leaves it as it is.
        """
        written = {key: value for key, value in written.items() if value is not None}
        unknown = set(written) - set(arguments()[type])
        if unknown:
            raise KeyError(f"{type} has no argument {', '.join(sorted(unknown))}")
        self.resources.append(Resource(type, name, written, known or {}))
        return self.resources[-1]

    @property
    def json(self):
        planned, changes, blocks = [], [], []
        for resource in self.resources:
            types = arguments()[resource.type]
            beside = {"region": self.region} if "region" in types else {}
            if resource.written.get("tags"):
                beside["tags_all"] = resource.written["tags"]
            after, unknown = resolved(types, beside | resource.known | resource.written)
            sensitive = {key: True for key in ("password", "master_password", "private_key") if after.get(key)}
            head = {"address": resource.address, "mode": "managed", "type": resource.type, "name": resource.name}
            planned.append(
                {**head, "provider_name": PROVIDER, "schema_version": 0, "values": after, "sensitive_values": sensitive}
            )
            change = {
                "actions": ["no-op"] if resource.known else ["create"],
                "before": after if resource.known else None,
                "after": after,
                "after_unknown": unknown,
                "before_sensitive": sensitive if resource.known else False,
                "after_sensitive": sensitive,
            }
            changes.append({**head, "provider_name": PROVIDER, "change": change})
            written = {key: expression(value) for key, value in resource.written.items()}
            blocks.append({**head, "provider_config_key": "aws", "expressions": written, "schema_version": 0})
        provider = {
            "name": "aws",
            "full_name": PROVIDER,
            "expressions": {"region": {"constant_value": self.region}},
        }
        return {
            "format_version": "1.2",
            "terraform_version": "1.9.8",
            "planned_values": {"root_module": {"resources": planned}},
            "resource_changes": changes,
            "configuration": {"provider_config": {"aws": provider}, "root_module": {"resources": blocks}},
        }


def resolved(known, written):
    """What is planned for the arguments of a resource or block, and what of it is known after apply."""
    after, unknown = {}, {}
    for name, argument in known.items():
        if name in written:
            value, doubt = planned(argument, written[name])
        else:
            value, doubt = argument.left_out
        if doubt is not True:
            after[name] = value
        if doubt is not False:
            unknown[name] = doubt
    return after, unknown


def planned(argument, value):
    if isinstance(value, (Ref, Text)):
        return value.value, value.value is None
    if argument.block is not None and isinstance(value, list):
        pairs = [resolved(argument.block, element) for element in value]
        return [after for after, _ in pairs], [unknown for _, unknown in pairs]
    if isinstance(value, list):
        pairs = [planned(argument, element) for element in value]
        if any(doubt is True for _, doubt in pairs):  # most are sets, which are unknown as a whole
            return None, True
        return [value for value, _ in pairs], [False for _ in pairs]
    if isinstance(value, dict):
        return value, {}
    return value, False


def expression(value):
    """An argument as the configuration of a plan tells it."""
    if isinstance(value, Text):
        return {"references": value.references} if value.references else {"constant_value": value.value}
    if isinstance(value, Ref):
        return {"references": value.references}
    if isinstance(value, list):
        if value and all(isinstance(element, dict) for element in value):
            return [{key: expression(inner) for key, inner in element.items()} for element in value]
        references = [text for element in value if isinstance(element, Ref) for text in element.references]
        if references:
            return {"references": references}
    return {"constant_value": value}


# What arguments there are


class Argument:
    def __init__(self, block, left_out):
        self.block, self.left_out = block, left_out


@functools.cache
def arguments():
    """The arguments of each type, by name."""
    types = {}
    for line in Path(__file__).with_name("arguments.txt").read_text().splitlines():
        if line.startswith("#"):
            continue
        type, _, text = line.partition(": ")
        types[type], rest = block(text)
        if rest:
            raise ValueError(f"arguments.txt: {type}: {rest}")
        unknown = ["id"] + ["tags_all"] * ("tags" in types[type])
        types[type] |= {name: Argument(None, (None, True)) for name in unknown}
        if not type.startswith(GLOBAL):
            types[type]["region"] = Argument(None, (None, True))
    return types


def block(text):
    """The arguments at the beginning of a text, and what comes after them."""
    found = {}
    while text and not text.startswith("]"):
        length = next((at for at, sign in enumerate(text) if sign in " ?!=[]"), len(text))
        name, text = text[:length], text[length:]
        inner = None
        if text.startswith("["):
            inner, text = block(text[1:])
            text = text[1:]
        if text.startswith(("?", "!")):
            left_out, text = (None, True), text[1:]
        elif text.startswith("="):
            value, end = json.JSONDecoder().raw_decode(text[1:])
            left_out, text = (value, False), text[1 + end :]
        else:
            left_out = (None, False) if inner is None else ([], [])
        found[name] = Argument(inner, left_out)
        text = text.removeprefix(" ")
    return found, text
