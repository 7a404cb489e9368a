"""Buckets of S3 and the resources that configure parts of them."""

from plan import Text
from world import allow, deny, policy

EVERYONE = "http://acs.amazonaws.com/groups/global/AllUsers"
SIGNED_IN = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
FLAGS = ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"]
ARGUMENTS = ["block_public_acls", "ignore_public_acls", "block_public_policy", "restrict_public_buckets"]
ALL = [True] * 4
NONE = [False] * 4


def bucket(
    world,
    name,
    acl=None,
    grants=None,
    statements=None,
    block=None,
    versioning=None,
    mfa_delete=None,
    encryption=None,
    key=None,
    logging=None,
    ownership=None,
    lifecycle=False,
    inline=(),
    known=False,
):
    """A bucket with the parts that are given; those named by inline are written in the bucket itself.

    With known, the parts name the bucket by its name, else by its id, which the plan does not know.
    """
    s3 = world.client("s3")
    full = f"plumb-{world.name}-{name}"
    arn = f"arn:aws:s3:::{full}"
    s3.create_bucket(Bucket=full)
    # As S3 makes a bucket since April 2023; moto makes it as before.
    s3.put_public_access_block(Bucket=full, PublicAccessBlockConfiguration=dict.fromkeys(FLAGS, True))
    s3.put_bucket_ownership_controls(
        Bucket=full, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    )
    s3.put_bucket_encryption(Bucket=full, ServerSideEncryptionConfiguration=rules("AES256", None))

    text = None
    if statements is not None:
        text = policy(*(json_with(statement, "BUCKET", arn) for statement in statements))
    written = {}
    if "encryption" in inline:
        written["server_side_encryption_configuration"] = [{"rule": [{**rule(encryption, key)}]}]
    if "versioning" in inline:
        written["versioning"] = [{"enabled": versioning == "Enabled"}]
        if mfa_delete:
            written["versioning"][0]["mfa_delete"] = mfa_delete == "Enabled"
    if "logging" in inline:
        written["logging"] = [{"target_bucket": logging, "target_prefix": "log/"}]
    if "policy" in inline:
        written["policy"] = Text(text)
    made = world.add("aws_s3_bucket", name, bucket=full, **written)
    world.pair(made, arn)
    whole = made["bucket"] if known else made["id"]

    if ownership:
        world.add("aws_s3_bucket_ownership_controls", name, bucket=whole, rule=[{"object_ownership": ownership}])
        s3.put_bucket_ownership_controls(Bucket=full, OwnershipControls={"Rules": [{"ObjectOwnership": ownership}]})
    if block:
        flags = {argument: flag for argument, flag in zip(ARGUMENTS, block, strict=True) if flag is not None}
        world.add("aws_s3_bucket_public_access_block", name, bucket=whole, **flags)
        s3.put_public_access_block(
            Bucket=full,
            PublicAccessBlockConfiguration={key: bool(flag) for key, flag in zip(FLAGS, block, strict=True)},
        )
    if acl:
        world.add("aws_s3_bucket_acl", name, bucket=whole, acl=acl)
        s3.put_bucket_acl(Bucket=full, ACL=acl)
    if grants:
        owner = s3.get_bucket_acl(Bucket=full)["Owner"]["ID"]
        own = ("CanonicalUser", owner, "FULL_CONTROL")
        blocks, live = [], []
        for type, who, permission in [own, *grants]:
            blocks.append({"permission": permission, "grantee": [{"type": type, ("uri", "id")[type == own[0]]: who}]})
            live.append({"Permission": permission, "Grantee": {"Type": type, ("URI", "ID")[type == own[0]]: who}})
        control = [{"owner": [{"id": owner}], "grant": blocks}]
        world.add("aws_s3_bucket_acl", name, bucket=whole, access_control_policy=control)
        s3.put_bucket_acl(Bucket=full, AccessControlPolicy={"Owner": {"ID": owner}, "Grants": live})
    if text:
        if "policy" not in inline:
            # A policy with the bucket's ARN from the resource would be known after apply as a whole.
            world.add("aws_s3_bucket_policy", name, bucket=whole, policy=Text(text))
        s3.put_bucket_policy(Bucket=full, Policy=text)
    if versioning:
        if "versioning" not in inline:
            status = {"status": versioning} | ({"mfa_delete": mfa_delete} if mfa_delete else {})
            world.add("aws_s3_bucket_versioning", name, bucket=whole, versioning_configuration=[status])
        if versioning != "Disabled":
            status = {"Status": versioning} | ({"MFADelete": mfa_delete} if mfa_delete else {})
            s3.put_bucket_versioning(Bucket=full, VersioningConfiguration=status)
    if encryption:
        if "encryption" not in inline:
            world.add(
                "aws_s3_bucket_server_side_encryption_configuration", name, bucket=whole, rule=[rule(encryption, key)]
            )
        s3.put_bucket_encryption(Bucket=full, ServerSideEncryptionConfiguration=rules(encryption, key))
    if logging:
        if "logging" not in inline:
            world.add("aws_s3_bucket_logging", name, bucket=whole, target_bucket=logging, target_prefix="log/")
        target = {"TargetBucket": logging, "TargetPrefix": "log/"}
        s3.put_bucket_logging(Bucket=full, BucketLoggingStatus={"LoggingEnabled": target})
    if lifecycle:
        block = {"id": "old", "status": "Enabled", "filter": [{"prefix": "tmp/"}], "expiration": [{"days": 30}]}
        world.add("aws_s3_bucket_lifecycle_configuration", name, bucket=whole, rule=[block])
        old = {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 30}}
        s3.put_bucket_lifecycle_configuration(Bucket=full, LifecycleConfiguration={"Rules": [old]})
    return made


def json_with(value, word, text):
    if isinstance(value, dict):
        return {key: json_with(inner, word, text) for key, inner in value.items()}
    if isinstance(value, list):
        return [json_with(inner, word, text) for inner in value]
    return value.replace(word, text) if isinstance(value, str) else value


def rule(algorithm, key):
    return {
        "apply_server_side_encryption_by_default": [
            {"sse_algorithm": algorithm} | ({"kms_master_key_id": key} if key else {})
        ]
    }


def rules(algorithm, key):
    default = {"SSEAlgorithm": algorithm} | ({"KMSMasterKeyID": key} if key else {})
    return {"Rules": [{"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": False}]}


OBJECTS = "BUCKET/*"
BOTH = ["BUCKET", OBJECTS]
PLAIN = {"Bool": {"aws:SecureTransport": "false"}}


def read(**condition):
    more = {"Condition": condition} if condition else {}
    return allow("s3:GetObject", OBJECTS, Principal="*", **more)


POLICIES = {
    "tls": [deny("s3:*", BOTH, Principal="*", Condition=PLAIN)],
    "tls-aws": [
        deny("*", BOTH, Principal={"AWS": "*"}, Condition={"BoolIfExists": {"aws:SecureTransport": ["false"]}})
    ],
    "tls-objects": [deny("s3:*", OBJECTS, Principal="*", Condition=PLAIN)],
    "tls-some": [deny("s3:GetObject", BOTH, Principal="*", Condition=PLAIN)],
    "tls-narrow": [deny("s3:*", BOTH, Principal="*", Condition={**PLAIN, "StringEquals": {"aws:PrincipalTag/a": "b"}})],
    "tls-one": [deny("s3:*", BOTH, Principal={"AWS": "arn:aws:iam::210987654321:root"}, Condition=PLAIN)],
    "tls-version": [deny("s3:*", BOTH, Principal="*", Condition={"NumericLessThan": {"s3:TlsVersion": "1.2"}})],
    "open": [read()],
    "open-aws": [allow("s3:GetObject", OBJECTS, Principal={"AWS": ["*"]})],
    "open-and-tls": [read(), deny("s3:*", BOTH, Principal="*", Condition=PLAIN)],
    "organization": [read(StringEquals={"aws:PrincipalOrgID": "o-a1b2c3d4e5"})],
    "account": [read(StringEquals={"aws:PrincipalAccount": "210987654321"})],
    "office": [read(IpAddress={"aws:SourceIp": "203.0.113.0/24"})],
    "everywhere": [read(IpAddress={"aws:SourceIp": "0.0.0.0/0"})],
    "distribution": [read(StringEquals={"aws:SourceArn": "arn:aws:cloudfront::123456789012:distribution/E1"})],
    "like-any": [read(ArnLike={"aws:PrincipalArn": "*"})],
    "like-one": [read(ArnLike={"aws:PrincipalArn": "arn:aws:iam::210987654321:role/*"})],
    "partner": [allow("s3:GetObject", OBJECTS, Principal={"AWS": "arn:aws:iam::210987654321:root"})],
    "all-but": [allow("s3:GetObject", OBJECTS, NotPrincipal={"AWS": "arn:aws:iam::210987654321:root"})],
}


def buckets(world):
    key = world.arn("kms", "key/0f3ad1b1-2a53-4d1e-8d14-5f0f6b0c7a11")
    logs = f"plumb-{world.name}-logs"
    own = {"ownership": "BucketOwnerPreferred", "block": NONE}
    bucket(world, "logs", acl="log-delivery-write", **own | {"block": ALL})
    bucket(world, "bare")
    bucket(world, "enforced", ownership="BucketOwnerEnforced", block=ALL, known=True)
    bucket(world, "lifecycle", lifecycle=True)
    for acl in ("private", "public-read", "public-read-write", "authenticated-read"):
        bucket(world, f"acl-{acl}", acl=acl, **own)
    bucket(world, "grant-everyone", grants=[("Group", EVERYONE, "READ_ACP")], **own)
    bucket(world, "grant-signed-in", grants=[("Group", SIGNED_IN, "WRITE")], **own)
    bucket(world, "grant-owner", grants=[("Group", "http://acs.amazonaws.com/groups/s3/LogDelivery", "WRITE")], **own)
    for index, flags in enumerate(
        [
            ALL,
            NONE,
            [True, None, None, None],
            [True, True, None, False],
            [None, True, True, True],
            [True, True, False, True],
        ]
    ):
        bucket(world, f"block-{index}", block=flags)
    for name, statements in POLICIES.items():
        bucket(world, f"policy-{name}", statements=statements, block=NONE, known=len(name) % 2 == 0)
    bucket(world, "policy-inline", statements=POLICIES["open"], inline=["policy"], block=NONE)
    bucket(world, "policy-inline-tls", statements=POLICIES["tls"], inline=["policy"])
    for index, (status, mfa) in enumerate(
        [
            ("Enabled", None),
            ("Enabled", "Enabled"),
            ("Enabled", "Disabled"),
            ("Suspended", None),
            ("Suspended", "Disabled"),
            ("Disabled", None),
        ]
    ):
        bucket(world, f"versioning-{index}", versioning=status, mfa_delete=mfa)
    bucket(world, "versioning-inline", versioning="Enabled", inline=["versioning"])
    bucket(world, "versioning-inline-mfa", versioning="Enabled", mfa_delete="Enabled", inline=["versioning"])
    bucket(world, "versioning-inline-off", versioning="Disabled", inline=["versioning"])
    for index, (algorithm, master) in enumerate(
        [
            ("AES256", None),
            ("aws:kms", None),
            ("aws:kms", key),
            ("aws:kms:dsse", key),
            ("aws:kms", "alias/aws/s3"),
            ("aws:kms", world.arn("kms", "alias/aws/s3")),
            ("aws:kms", "alias/own"),
        ]
    ):
        bucket(world, f"encryption-{index}", encryption=algorithm, key=master)
    bucket(world, "encryption-inline", encryption="aws:kms", key=key, inline=["encryption"])
    bucket(world, "encryption-inline-plain", encryption="AES256", inline=["encryption"])
    bucket(world, "logging", logging=logs)
    bucket(world, "logging-inline", logging=logs, inline=["logging"])
    bucket(
        world,
        "good",
        statements=POLICIES["tls"],
        block=ALL,
        versioning="Enabled",
        mfa_delete="Enabled",
        encryption="aws:kms",
        key=key,
        logging=logs,
        ownership="BucketOwnerEnforced",
        lifecycle=True,
    )
