"""Settings of which an account, or a region of it, has one; each of the small accounts has others."""

from buckets import ALL, NONE, bucket
from data import trail
from plan import Text
from world import trusting

SUPPORT = "arn:aws:iam::aws:policy/AWSSupportAccess"
# Regions that an account must be let into, the only ones that Terraform switches on.
REGIONS = ["ap-east-1", "eu-south-1", "me-south-1"]

# By the number of the account
COUNT = 6
PASSWORDS = [
    {},
    {"minimum_password_length": 14, "password_reuse_prevention": 24},
    {"minimum_password_length": 13, "password_reuse_prevention": 23},
    {"minimum_password_length": 20, "require_symbols": True, "require_numbers": True},
    {"password_reuse_prevention": 24, "max_password_age": 90},
    {
        "minimum_password_length": 14,
        "password_reuse_prevention": 5,
        "allow_users_to_change_password": False,
        "hard_expiry": True,
        "max_password_age": 30,
    },
]
BLOCKS = [ALL, NONE, [True, True, False, False], [True, None, None, None], [None, True, True, True], None]
CONTACTS = ["SECURITY", None, "SECURITY", "BILLING", "SECURITY", None]
SUPPORTERS = ["role", "group", "user", None, "list", None]
# Selectors of the trail, whether it is for all regions, whether it is logging
TRAILS = [
    ("objects", True, True),
    ("objects-read", True, None),
    ("data-only", True, True),
    ("advanced-objects-writes", True, True),
    ("advanced-writes", True, True),
    ("management", True, False),
]
ORGANIZATIONS = [True, False, False, True, False, False]

# By the number of the region, counted over all accounts
ENCRYPTION = [True, False, None]
DETECTORS = [True, False, None, {}]
RECORDERS = [
    {"all_supported": True, "include_global_resource_types": True},
    {"all_supported": False, "resource_types": ["AWS::EC2::Instance"]},
    {
        "all_supported": False,
        "exclusion_by_resource_types": [{"resource_types": ["AWS::EC2::Volume"]}],
        "recording_strategy": [{"use_only": "EXCLUSION_BY_RESOURCE_TYPES"}],
    },
    {},
    None,
]
RECORDING = [True, False]
INSPECTORS = [["EC2", "ECR", "LAMBDA"], ["EC2"], ["ECR", "LAMBDA"], None]


def password_policy(world, number):
    settings = PASSWORDS[number]
    names = {
        "minimum_password_length": "MinimumPasswordLength",
        "password_reuse_prevention": "PasswordReusePrevention",
        "max_password_age": "MaxPasswordAge",
        "hard_expiry": "HardExpiry",
        "allow_users_to_change_password": "AllowUsersToChangePassword",
        "require_symbols": "RequireSymbols",
        "require_numbers": "RequireNumbers",
        "require_lowercase_characters": "RequireLowercaseCharacters",
        "require_uppercase_characters": "RequireUppercaseCharacters",
    }
    # The provider's defaults, which it sends.
    given = {"MinimumPasswordLength": 6, "AllowUsersToChangePassword": True}
    given |= {names[key]: value for key, value in settings.items()}
    world.client("iam").update_account_password_policy(**given)
    made = world.add("aws_iam_account_password_policy", "account", **settings)
    world.pair(made, f"arn:aws:iam::{world.account}:password-policy")


def blocks(world, number):
    """What the account forbids to its buckets, and buckets that add to it."""
    flags = BLOCKS[number]
    arguments = ["block_public_acls", "ignore_public_acls", "block_public_policy", "restrict_public_buckets"]
    names = ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"]
    if flags:
        world.client("s3control").put_public_access_block(
            AccountId=world.account,
            PublicAccessBlockConfiguration={name: bool(flag) for name, flag in zip(names, flags, strict=True)},
        )
        written = {argument: flag for argument, flag in zip(arguments, flags, strict=True) if flag is not None}
        made = world.add("aws_s3_account_public_access_block", "account", **written)
        world.pair(made, f"arn:aws:s3::{world.account}:account-public-access-block")
    bucket(world, "closed")
    bucket(world, "open", block=NONE)
    bucket(world, "half", block=[None, None, True, True])


def contact(world, number):
    kind = CONTACTS[number]
    if not kind:
        return
    facts = {
        "name": "Security",
        "title": "Team",
        "email_address": "security@example.org",
        "phone_number": "+49301234567",
    }
    made = world.add("aws_account_alternate_contact", "contact", alternate_contact_type=kind, **facts)
    world.client("account").put_alternate_contact(
        AlternateContactType=kind,
        Name=facts["name"],
        Title=facts["title"],
        EmailAddress=facts["email_address"],
        PhoneNumber=facts["phone_number"],
    )
    if kind == "SECURITY":  # the others are not read
        world.pair(made, f"arn:aws:account::{world.account}:contact/security")


def organization(world, number):
    if ORGANIZATIONS[number]:
        live = world.client("organizations").create_organization(FeatureSet="ALL")["Organization"]
        known = {"id": live["Id"], "arn": live["Arn"]} if number else None
        made = world.add("aws_organizations_organization", "all", known)
        world.pair(made, live["Arn"])


def supporters(world, number):
    iam = world.client("iam")
    holder = SUPPORTERS[number]
    trust = trusting({"AWS": f"arn:aws:iam::{world.account}:root"})
    iam.create_role(RoleName="plumb-support", AssumeRolePolicyDocument=trust)
    role = world.add("aws_iam_role", "support", name="plumb-support", assume_role_policy=Text(trust))
    world.pair(role, f"arn:aws:iam::{world.account}:role/plumb-support")
    iam.create_group(GroupName="plumb-support")
    group = world.add("aws_iam_group", "support", name="plumb-support")
    world.pair(group, f"arn:aws:iam::{world.account}:group/plumb-support")
    iam.create_user(UserName="plumb-support")
    user = world.add("aws_iam_user", "support", name="plumb-support")
    world.pair(user, f"arn:aws:iam::{world.account}:user/plumb-support")
    match holder:
        case "role":
            iam.attach_role_policy(RoleName="plumb-support", PolicyArn=SUPPORT)
            world.add("aws_iam_role_policy_attachment", "support", role=role["name"], policy_arn=SUPPORT)
        case "group":
            iam.attach_group_policy(GroupName="plumb-support", PolicyArn=SUPPORT)
            world.add("aws_iam_group_policy_attachment", "support", group=group["name"], policy_arn=SUPPORT)
        case "user":
            iam.attach_user_policy(UserName="plumb-support", PolicyArn=SUPPORT)
            world.add("aws_iam_user_policy_attachment", "support", user=user["name"], policy_arn=SUPPORT)
        case "list":
            iam.attach_group_policy(GroupName="plumb-support", PolicyArn=SUPPORT)
            iam.attach_user_policy(UserName="plumb-support", PolicyArn=SUPPORT)
            world.add(
                "aws_iam_policy_attachment",
                "support",
                name="support",
                policy_arn=SUPPORT,
                groups=[group["name"]],
                users=[user["id"]],
            )
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="plumb")["VirtualMFADevice"]["SerialNumber"]
    made = world.add("aws_iam_virtual_mfa_device", "plumb", virtual_mfa_device_name="plumb")
    world.pair(made, device)


def regions(world, number):
    for place, region in enumerate(REGIONS):
        index = number * len(REGIONS) + place
        name = region
        there = {"region": region}
        made = world.add("aws_account_region", name, region_name=region, enabled=True)
        world.pair(made, f"arn:aws:ec2::{world.account}:region/{region}")

        encrypted = ENCRYPTION[index % len(ENCRYPTION)]
        if encrypted is not False:
            world.client("ec2", region).enable_ebs_encryption_by_default()
        made = world.add("aws_ebs_encryption_by_default", name, enabled=encrypted, **there)
        world.pair(made, world.arn("ec2", "ebs-default-encryption", region))

        enabled = DETECTORS[index % len(DETECTORS)]
        if enabled is not None:
            there_enabled = enabled is not False
            detector = world.client("guardduty", region).create_detector(Enable=there_enabled)["DetectorId"]
            made = world.add("aws_guardduty_detector", name, enable=None if enabled == {} else enabled, **there)
            world.pair(made, world.arn("guardduty", f"detector/{detector}", region))

        recorder(world, region, RECORDERS[index % len(RECORDERS)], RECORDING[index % len(RECORDING)])

        kinds = INSPECTORS[index % len(INSPECTORS)]
        if kinds:
            world.client("inspector2", region).enable(accountIds=[world.account], resourceTypes=kinds)
            made = world.add("aws_inspector2_enabler", name, account_ids=[world.account], resource_types=kinds, **there)
            world.pair(made, world.arn("inspector2", "account-status", region))

        if place == 0:
            hub = world.client("securityhub", region)
            hub.enable_security_hub(EnableDefaultStandards=False)
            made = world.add("aws_securityhub_account", name, enable_default_standards=False, **there)
            world.pair(made, hub.describe_hub()["HubArn"])


def recorder(world, region, group, recording):
    if group is None:
        return
    config = world.client("config", region)
    role = f"arn:aws:iam::{world.account}:role/plumb-support"
    live = {}
    if group:
        live = {"allSupported": group["all_supported"]}
        live["includeGlobalResourceTypes"] = group.get("include_global_resource_types", False)
        if "resource_types" in group:
            live["resourceTypes"] = group["resource_types"]
        if "recording_strategy" in group:
            live["recordingStrategy"] = {"useOnly": group["recording_strategy"][0]["use_only"]}
            live["exclusionByResourceTypes"] = {
                "resourceTypes": group["exclusion_by_resource_types"][0]["resource_types"]
            }
    config.put_configuration_recorder(
        ConfigurationRecorder={"name": "default", "roleARN": role} | ({"recordingGroup": live} if live else {})
    )
    made = world.add(
        "aws_config_configuration_recorder",
        region,
        name="default",
        role_arn=role,
        recording_group=[group] if group else None,
        region=region,
    )
    world.pair(made, world.arn("config", "configuration-recorder/default", region))
    world.client("s3").create_bucket(Bucket=f"plumb-{world.name}-config-{region}")
    config.put_delivery_channel(
        DeliveryChannel={"name": "default", "s3BucketName": f"plumb-{world.name}-config-{region}"}
    )
    if recording:
        config.start_configuration_recorder(ConfigurationRecorderName="default")
    made = world.add(
        "aws_config_configuration_recorder_status", region, name="default", is_enabled=recording, region=region
    )
    world.pair(made, world.arn("config", "configuration-recorder-status/default", region))


def account(world, number):
    """All settings of a small account."""
    password_policy(world, number)
    blocks(world, number)
    contact(world, number)
    organization(world, number)
    supporters(world, number)
    selectors, everywhere, logging = TRAILS[number]
    target = bucket(world, "trail")
    trail(world, "account", target, selectors, everywhere, logging)
    if number == 0:
        # A bucket that the trail names by what only apply makes known
        world.plan.resources[-1].written["s3_bucket_name"] = target["id"]
    regions(world, number)
