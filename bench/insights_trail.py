"""A CloudTrail log and 200 Sigma rules about it, for bench/run insights."""
import json
import random

RULES = 200
SERVICES = ["iam", "s3", "ec2", "kms", "sts", "rds", "lambda", "cloudtrail", "logs", "sns"]
VERBS = ["Get", "List", "Describe", "Create", "Delete", "Put", "Update", "Attach"]
THINGS = [
    "User", "Role", "Policy", "Bucket", "Object", "Instance", "Key", "Trail", "Group", "Function", "Snapshot", "Topic",
    "Volume", "Secret", "Cluster",
]  # fmt: skip
AGENTS = ["aws-cli/2.17.1", "Boto3/1.34", "console.amazonaws.com", "Terraform/1.9", "kube-agent/7"]


def write_trail(path, count, seed):
    """Records one a line; most are reads by a few people."""
    draw = random.Random(seed)
    with open(path, "w", buffering=1 << 20) as file:
        for number in range(count):
            service, verb, thing = draw.choice(SERVICES), draw.choice(VERBS[: 3 if draw.random() < 0.85 else 8]), draw.choice(THINGS)
            user = draw.randrange(500)
            record = {
                "eventVersion": "1.08",
                "userIdentity": {
                    "type": draw.choice(["IAMUser", "AssumedRole", "AssumedRole", "Root"] if user < 5 else ["IAMUser", "AssumedRole"]),
                    "principalId": f"AIDA{user:012}", "arn": f"arn:aws:iam::123456789012:user/u{user}",
                    "accountId": "123456789012", "userName": f"u{user}",
                },
                "eventTime": f"2026-03-01T{number * 24 // count:02}:{number % 60:02}:00Z",
                "eventSource": f"{service}.amazonaws.com", "eventName": verb + thing, "awsRegion": "eu-west-1",
                "sourceIPAddress": f"198.51.{user % 100}.{draw.randrange(1, 255)}", "userAgent": draw.choice(AGENTS),
                "requestParameters": {"name": f"{thing.lower()}-{draw.randrange(10_000)}", "maxResults": 100, "policy": "x" * 120},
                "responseElements": None, "requestID": f"{number:032x}", "eventID": f"{seed:08x}-{number:024x}",
                "readOnly": verb in VERBS[:3], "eventType": "AwsApiCall", "managementEvent": True,
                "recipientAccountId": "123456789012", "eventCategory": "Management",
            }  # fmt: skip
            if draw.random() < 0.02:
                record["errorCode"] = draw.choice(["AccessDenied", "Client.UnauthorizedOperation", "ThrottlingException"])
            file.write(json.dumps(record, separators=(",", ":")) + "\n")


def write_rules(folder):
    """Rules with lists, parts of words, patterns, exceptions and fields within fields, by turns."""
    draw = random.Random(7)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(RULES):
        service, writing = draw.choice(SERVICES), draw.choice(VERBS[3:])
        names = sorted({writing + draw.choice(THINGS) for _ in range(3)})
        chosen = {"eventSource": f"{service}.amazonaws.com"}
        condition, other = "chosen", None
        kind = number % 6
        if kind == 0:
            chosen["eventName"] = names
        elif kind == 1:
            chosen["eventName|startswith"] = writing
            chosen["errorCode|contains"] = ["Denied", "Unauthorized"]
        elif kind == 2:
            chosen["eventName|endswith"] = [draw.choice(THINGS)]
            other = {"userAgent|contains": "Terraform"}
        elif kind == 3:
            chosen["eventName|re"] = f"^{writing}(User|Role|{draw.choice(THINGS)})$"
        elif kind == 4:
            chosen["userIdentity.type"] = "Root"
            chosen["eventName"] = names
        else:
            chosen["eventName"] = names
            other = {"userIdentity.userName|startswith": "u1"}
        if other:
            condition = "chosen and not other"
        rule = {
            "title": f"rule {number:03}", "id": f"00000000-0000-4000-8000-{number:012}", "status": "test",
            "logsource": {"product": "aws", "service": "cloudtrail"},
            "detection": {"chosen": chosen} | ({"other": other} if other else {}) | {"condition": condition}, "level": "low",
        }  # fmt: skip
        (folder / f"rule-{number:03}.yml").write_text(json.dumps(rule))
