"""Users, groups, roles and policies of IAM, and keys of KMS."""

from certificates import certificate
from plan import Text
from world import allow, deny, policy, trusting

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"

POLICIES = {
    "reads": [allow(["s3:GetObject", "s3:ListBucket"], "arn:aws:s3:::plumb-main-good/*")],
    "everything": [allow("*")],
    "everything-lists": [allow(["*"], ["*"])],
    "everything-colon": [allow("*:*")],
    "everything-somewhere": [allow("*", "arn:aws:s3:::plumb-main-good/*")],
    "everything-denied": [deny("*")],
    "second-statement": [allow("s3:GetObject"), allow("*")],
    "attach": [allow("iam:AttachUserPolicy")],
    "iam": [allow("iam:*")],
    "iam-reads": [allow(["iam:Get*", "iam:List*"])],
    "own-keys": [allow("iam:CreateAccessKey", "arn:aws:iam::*:user/${aws:username}")],
    "others-keys": [allow("iam:CreateAccessKey", "arn:aws:iam::*:user/*")],
    "pass-and-run": [allow("iam:PassRole"), allow(["ec2:RunInstances", "ec2:Describe*"])],
    "pass-one-and-run": [allow("iam:PassRole", "arn:aws:iam::123456789012:role/app"), allow("ec2:RunInstances")],
    "pass-only": [allow("iam:PassRole", "arn:aws:iam::123456789012:role/*")],
    "all-but-iam": [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}],
    "all-but-s3": [{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}],
    "not-there": [{"Effect": "Allow", "Action": "iam:PutUserPolicy", "NotResource": "arn:aws:iam::*:user/root"}],
}


def policies(world):
    """Each policy alone and attached; it matters only then."""
    iam = world.client("iam")
    for name, statements in POLICIES.items():
        text = (
            policy(*statements) if name != "iam" else '{"Version": "2012-10-17", "Statement": ' + one(statements) + "}"
        )
        for attached in ("no", "role", "group", "user", "list", "inside") if name == "everything" else ("no", "role"):
            full = f"plumb-{name}-{attached}"
            arn = iam.create_policy(PolicyName=full, PolicyDocument=text)["Policy"]["Arn"]
            made = world.add("aws_iam_policy", f"{name}-{attached}", name=full, policy=Text(text))
            world.pair(made, arn)
            if attached == "no":
                continue
            if attached in ("role", "list", "inside"):
                iam.create_role(RoleName=full, AssumeRolePolicyDocument=TRUSTS["machine"])
                holder = world.add(
                    "aws_iam_role",
                    full,
                    name=full,
                    assume_role_policy=Text(TRUSTS["machine"]),
                    managed_policy_arns=[made["arn"]] if attached == "inside" else None,
                )
                iam.attach_role_policy(RoleName=full, PolicyArn=arn)
                world.pair(holder, f"arn:aws:iam::{world.account}:role/{full}")
            elif attached == "group":
                iam.create_group(GroupName=full)
                holder = world.add("aws_iam_group", full, name=full)
                iam.attach_group_policy(GroupName=full, PolicyArn=arn)
            else:
                iam.create_user(UserName=full)
                holder = world.add("aws_iam_user", full, name=full)
                iam.attach_user_policy(UserName=full, PolicyArn=arn)
            if attached == "list":
                world.add("aws_iam_policy_attachment", full, name=full, policy_arn=made["arn"], roles=[holder["name"]])
            elif attached != "inside":
                whole = {attached: holder["name"]}
                world.add(f"aws_iam_{attached}_policy_attachment", full, policy_arn=made["arn"], **whole)


def one(statements):
    """A document may hold its only statement without a list."""
    return policy(*statements).partition('"Statement": [')[2].removesuffix("]}")


CONFIG = {"Service": "config.amazonaws.com"}
TRUSTS = {
    "machine": trusting({"Service": "ec2.amazonaws.com"}),
    "function": trusting({"Service": ["lambda.amazonaws.com"]}),
    "service": trusting(CONFIG),
    "services": trusting({"Service": ["ec2.amazonaws.com", "config.amazonaws.com"]}),
    "service-account": trusting(CONFIG, StringEquals={"aws:SourceAccount": "123456789012"}),
    "service-arn": trusting(CONFIG, ArnLike={"aws:SourceArn": "arn:aws:config:*:123456789012:*"}),
    "service-any-arn": trusting(CONFIG, ArnLike={"aws:SourceArn": "arn:aws:config:*:*:*"}),
    "service-like": trusting(CONFIG, StringLike={"aws:SourceArn": ["arn:aws:s3:::plumb-main-good"]}),
    "anyone": trusting("*"),
    "anyone-aws": trusting({"AWS": "*"}),
    "anyone-organization": trusting({"AWS": "*"}, StringEquals={"aws:PrincipalOrgID": "o-a1b2c3d4e5"}),
    "partner": trusting({"AWS": "arn:aws:iam::210987654321:root"}),
    "partner-external": trusting({"AWS": "*"}, StringEquals={"sts:ExternalId": "plumb"}),
    "federated": trusting({"Federated": "arn:aws:iam::123456789012:saml-provider/directory"}),
}


def roles(world):
    iam = world.client("iam")

    def role(name, trust=TRUSTS["machine"], managed=(), inline=(), form="part", path=None, profile=False):
        """The policies of a role are parts, or stand in the role itself."""
        full = f"plumb-role-{name}"
        iam.create_role(RoleName=full, AssumeRolePolicyDocument=trust, **({"Path": path} if path else {}))
        arguments = {}
        if form == "inside":
            arguments["managed_policy_arns"] = list(managed) or None
            arguments["inline_policy"] = [
                {"name": f"p{index}", "policy": Text(policy(statement))} for index, statement in enumerate(inline)
            ] or None
        made = world.add("aws_iam_role", name, name=full, path=path, assume_role_policy=Text(trust), **arguments)
        world.pair(made, f"arn:aws:iam::{world.account}:role{path or '/'}{full}")
        for index, arn in enumerate(managed):
            iam.attach_role_policy(RoleName=full, PolicyArn=arn)
            if form == "part":
                world.add("aws_iam_role_policy_attachment", f"{name}-{index}", role=made["name"], policy_arn=arn)
        for index, statement in enumerate(inline):
            text = policy(statement)
            iam.put_role_policy(RoleName=full, PolicyName=f"p{index}", PolicyDocument=text)
            if form == "part":
                world.add(
                    "aws_iam_role_policy", f"{name}-{index}", role=made["id"], name=f"p{index}", policy=Text(text)
                )
        if profile:
            iam.create_instance_profile(InstanceProfileName=full)
            iam.add_role_to_instance_profile(InstanceProfileName=full, RoleName=full)
            world.add("aws_iam_instance_profile", name, name=full, role=made["name"])

    for name, trust in TRUSTS.items():
        role(f"trust-{name}", trust)
    for form in ("part", "inside"):
        role(f"administrator-{form}", managed=[ADMINISTRATOR], form=form)
        role(f"reader-{form}", managed=[READ_ONLY], form=form)
        role(f"inline-{form}", inline=[allow("s3:Get*"), allow("*")], form=form)
        role(f"inline-narrow-{form}", inline=[allow("*", "arn:aws:s3:::plumb-main-good")], form=form)
    role("profile", profile=True)
    role("path", managed=[ADMINISTRATOR], path="/teams/")


def users(world):
    iam = world.client("iam")

    def user(name, attached=(), inline=(), keys=(), login=False, group=None):
        full = f"plumb-user-{name}"
        iam.create_user(UserName=full)
        made = world.add("aws_iam_user", name, name=full)
        world.pair(made, f"arn:aws:iam::{world.account}:user/{full}")
        for index, arn in enumerate(attached):
            iam.attach_user_policy(UserName=full, PolicyArn=arn)
            world.add("aws_iam_user_policy_attachment", f"{name}-{index}", user=made["name"], policy_arn=arn)
        for index, statement in enumerate(inline):
            text = policy(statement)
            iam.put_user_policy(UserName=full, PolicyName=f"p{index}", PolicyDocument=text)
            world.add("aws_iam_user_policy", f"{name}-{index}", user=made["id"], name=f"p{index}", policy=Text(text))
        for index, status in enumerate(keys):
            made_key = iam.create_access_key(UserName=full)["AccessKey"]["AccessKeyId"]
            if status == "Inactive":
                iam.update_access_key(UserName=full, AccessKeyId=made_key, Status=status)
            world.add("aws_iam_access_key", f"{name}-{index}", user=made["name"], status=status)
        if login:
            iam.create_login_profile(UserName=full, Password="Plumb-Line-1")
            world.add("aws_iam_user_login_profile", name, user=made["name"])
        if group:
            iam.add_user_to_group(GroupName=group, UserName=full)
            world.add("aws_iam_user_group_membership", name, user=made["name"], groups=[group])

    iam.create_group(GroupName="plumb-readers")
    readers = world.add("aws_iam_group", "readers", name="plumb-readers")
    world.pair(readers, f"arn:aws:iam::{world.account}:group/plumb-readers")
    text = policy(allow("s3:Get*"))
    iam.put_group_policy(GroupName="plumb-readers", PolicyName="read", PolicyDocument=text)
    world.add("aws_iam_group_policy", "readers", group=readers["name"], name="read", policy=Text(text))
    user("bare")
    user("attached", attached=[READ_ONLY])
    user("inline", inline=[allow("s3:Get*")])
    user("both", attached=[READ_ONLY], inline=[allow("s3:Get*")])
    user("key", keys=["Active"])
    user("key-left", keys=[None])
    user("key-inactive", keys=["Inactive"])
    user("two-keys", keys=["Active", "Active"])
    user("one-of-two", keys=["Active", "Inactive"])
    user("login", login=True)
    user("login-and-key", login=True, keys=["Active"])
    user("member", group="plumb-readers")


def server_certificates(world):
    """Certificates that exist already: when a new one ends is known after apply."""
    iam = world.client("iam")
    for name, days in (("expired", -30), ("valid", 700)):
        body, key = certificate(f"{name}.example.org", days)
        made = iam.upload_server_certificate(
            ServerCertificateName=f"plumb-{name}", CertificateBody=body, PrivateKey=key
        )["ServerCertificateMetadata"]
        known = {"id": made["ServerCertificateId"], "expiration": made["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ")}
        for suffix, facts in (("", known), ("-new", None)):
            resource = world.add(
                "aws_iam_server_certificate",
                name + suffix,
                facts,
                name=f"plumb-{name}",
                certificate_body=body,
                private_key=key,
            )
            world.pair(resource, made["Arn"])


KEY_POLICIES = {
    "root": {"AWS": "arn:aws:iam::123456789012:root"},
    "open": "*",
    "open-aws": {"AWS": ["*"]},
}
KEY_CONDITIONS = {
    "caller": {"StringEquals": {"kms:CallerAccount": "123456789012"}},
    "organization": {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}},
    "like-any": {"ArnLike": {"aws:PrincipalArn": "*"}},
    "like-one": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/*"}},
    "via": {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}},
}


def keys(world):
    kms = world.client("kms")

    def key(name, rotation=None, enabled=None, spec=None, usage=None, text=None, part=False):
        given = {"KeySpec": spec} if spec else {}
        given |= {"KeyUsage": usage} if usage else {}
        given |= {"Policy": text} if text and not part else {}
        live = kms.create_key(Description=name, **given)["KeyMetadata"]
        made = world.add(
            "aws_kms_key",
            name,
            description=name,
            enable_key_rotation=rotation,
            is_enabled=enabled,
            customer_master_key_spec=spec,
            key_usage=usage,
            policy=Text(text) if text and not part else None,
        )
        world.pair(made, live["Arn"])
        if rotation:
            kms.enable_key_rotation(KeyId=live["KeyId"])
        if text and part:
            kms.put_key_policy(KeyId=live["KeyId"], PolicyName="default", Policy=text)
            world.add("aws_kms_key_policy", name, key_id=made["id"], policy=Text(text))
        if enabled is False:
            kms.disable_key(KeyId=live["KeyId"])

    key("bare")
    key("rotates", rotation=True)
    key("does-not-rotate", rotation=False)
    key("disabled", enabled=False)
    key("disabled-rotates", rotation=True, enabled=False)
    key("signs", spec="ECC_NIST_P256", usage="SIGN_VERIFY")
    key("rsa", spec="RSA_2048", usage="ENCRYPT_DECRYPT")
    key("hashes", spec="HMAC_256", usage="GENERATE_VERIFY_MAC")
    for name, principal in KEY_POLICIES.items():
        for part in (False, True):
            key(f"{name}-{part}".lower(), text=policy(allow("kms:*", Principal=principal)), part=part)
    for name, condition in KEY_CONDITIONS.items():
        key(name, text=policy(allow("kms:*", Principal={"AWS": "*"}, Condition=condition)), rotation=True)
