"""Fills an empty moto server, good and bad, in two regions; with --large N, makes N security groups and no more.

Names are always the same, and on a server just started so are the identifiers. Of users, log groups, parameters and
security groups there are enough for several pages.
"""

import argparse
import functools
import io
import json
import sys
import urllib.request
import zipfile
from pathlib import Path

import boto3
import botocore.config
import botocore.exceptions

sys.path.append(str(Path(__file__).resolve().parent.parent))
from certificates import certificate

ACCOUNT = "123456789012"
HOME = "us-east-1"
REGIONS = [HOME, "eu-west-1"]
EVERYONE = "0.0.0.0/0"
USERS = 120
LOG_GROUPS = 60
PARAMETERS = 55
SECURITY_GROUPS = 260
TAGS = [{"Key": "owner", "Value": "platform"}, {"Key": "Kostenstelle", "Value": "Prüfung 42"}]
TAG_MAP = {tag["Key"]: tag["Value"] for tag in TAGS}
LOWER_TAGS = [{"key": tag["Key"], "value": tag["Value"]} for tag in TAGS]
SECRET = "hunter2-do-not-store"  # must never come out of a collector

ENDPOINT = None


@functools.cache
def client(service, region=HOME):
    made = boto3.client(
        service,
        region_name=region,
        endpoint_url=ENDPOINT,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=botocore.config.Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}, proxies={}),
    )
    if service == "s3control":
        made.meta.events.register("before-sign.s3-control", without_account)
    return made


def without_account(request, **_):
    """Boto3 puts the account before the host's name, which does not work with an address."""
    request.url = request.url.replace(f"//{ACCOUNT}.", "//")


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action, resource="*", **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def trust(principal, condition=None):
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return policy({**statement, "Condition": condition} if condition else statement)


def package():
    """A Lambda package with one file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo("app.py", (2026, 1, 1, 0, 0, 0)), "def handler(event, context): return 1\n")
    return file.getvalue()


# Once for the account


def identities():
    iam = client("iam")
    iam.create_account_alias(AccountAlias="plumb-test")
    iam.update_account_password_policy(
        MinimumPasswordLength=8, RequireSymbols=True, PasswordReusePrevention=24, MaxPasswordAge=90
    )
    policies = {
        "app": policy(allow(["s3:GetObject", "s3:PutObject"], "arn:aws:s3:::plumb-good/*")),
        "everything": policy(allow("*")),
        "everything-unused": policy(allow(["*"], ["*"])),
        "pass-and-run": policy(allow("iam:PassRole"), allow(["ec2:RunInstances", "ec2:Describe*"])),
        "own-keys": policy(allow("iam:CreateAccessKey", "arn:aws:iam::*:user/${aws:username}")),
        "boundary": policy(allow("s3:*"), {"Effect": "Deny", "Action": "iam:*", "Resource": "*"}),
    }
    arns = {}
    for name, document in policies.items():
        made = iam.create_policy(
            PolicyName=f"plumb-{name}",
            Path="/plumb/",
            PolicyDocument=document,
            Description=f"Règle « {name} »",
            Tags=TAGS,
        )
        arns[name] = made["Policy"]["Arn"]
    iam.create_policy_version(
        PolicyArn=arns["app"],
        PolicyDocument=policy(allow("s3:GetObject", "arn:aws:s3:::plumb-good/*")),
        SetAsDefault=True,
    )
    iam.create_policy_version(PolicyArn=arns["own-keys"], PolicyDocument=policy(allow("iam:*")), SetAsDefault=False)

    service = "config.amazonaws.com"
    roles = {
        "app": trust({"Service": "ec2.amazonaws.com"}),
        "function": trust({"Service": "lambda.amazonaws.com"}),
        "trail": trust({"Service": "cloudtrail.amazonaws.com"}, {"StringEquals": {"aws:SourceAccount": ACCOUNT}}),
        "confused": trust({"Service": service}),
        "careful": trust(
            {"Service": [service, "backup.amazonaws.com"]},
            {"ArnLike": {"aws:SourceArn": f"arn:aws:config:*:{ACCOUNT}:*"}},
        ),
        "partner": trust({"AWS": "arn:aws:iam::210987654321:root"}, {"StringEquals": {"sts:ExternalId": "plumb"}}),
        "anyone": trust("*"),
        "administrator": trust(
            {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
        ),
        "inline-everything": trust({"Service": "ec2.amazonaws.com"}),
        "support": trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}),
        "cluster": trust(
            {"Service": ["eks.amazonaws.com", "ecs-tasks.amazonaws.com"]},
            {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
        ),
    }
    for name, document in roles.items():
        iam.create_role(
            RoleName=f"plumb-{name}",
            AssumeRolePolicyDocument=document,
            Description=f"Rôle {name}",
            MaxSessionDuration=7200,
            Tags=TAGS,
            **({"PermissionsBoundary": arns["boundary"]} if name == "app" else {}),
        )
    managed = "arn:aws:iam::aws:policy/"
    iam.attach_role_policy(RoleName="plumb-app", PolicyArn=arns["app"])
    iam.attach_role_policy(RoleName="plumb-confused", PolicyArn=arns["everything"])
    iam.attach_role_policy(RoleName="plumb-administrator", PolicyArn=managed + "AdministratorAccess")
    iam.attach_role_policy(RoleName="plumb-support", PolicyArn=managed + "AWSSupportAccess")
    iam.put_role_policy(RoleName="plumb-inline-everything", PolicyName="all", PolicyDocument=policy(allow("*:*")))
    iam.put_role_policy(RoleName="plumb-trail", PolicyName="write", PolicyDocument=policy(allow("logs:PutLogEvents")))
    iam.create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com")
    iam.create_instance_profile(InstanceProfileName="plumb-app", Path="/plumb/")
    iam.add_role_to_instance_profile(InstanceProfileName="plumb-app", RoleName="plumb-app")
    iam.create_instance_profile(InstanceProfileName="plumb-empty")

    for name in ("developers", "auditors", "empty"):
        iam.create_group(GroupName=f"plumb-{name}", Path="/teams/")
    iam.attach_group_policy(GroupName="plumb-auditors", PolicyArn=managed + "SecurityAudit")
    iam.attach_group_policy(GroupName="plumb-developers", PolicyArn=arns["own-keys"])
    iam.put_group_policy(GroupName="plumb-developers", PolicyName="read", PolicyDocument=policy(allow("s3:Get*")))

    for name in [f"user-{number:03d}" for number in range(USERS - 6)]:
        iam.create_user(UserName=name)
    for name in ("ann", "bob", "carol", "dave", "erin", "frank"):
        iam.create_user(UserName=name, Path="/people/", Tags=TAGS, PermissionsBoundary=arns["boundary"])
        iam.add_user_to_group(GroupName="plumb-developers", UserName=name)
    iam.add_user_to_group(GroupName="plumb-auditors", UserName="ann")
    for name in ("ann", "bob"):
        iam.create_login_profile(UserName=name, Password=f"{SECRET}-A1", PasswordResetRequired=name == "bob")
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="ann", Path="/people/")["VirtualMFADevice"]
    iam.enable_mfa_device(
        UserName="ann", SerialNumber=device["SerialNumber"], AuthenticationCode1="123456", AuthenticationCode2="654321"
    )
    iam.create_virtual_mfa_device(VirtualMFADeviceName="unassigned")
    for name in ("carol", "carol", "dave", "erin", "user-000"):
        key = iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]
        if name == "dave":
            iam.update_access_key(UserName=name, AccessKeyId=key, Status="Inactive")
    iam.attach_user_policy(UserName="dave", PolicyArn=arns["app"])
    iam.attach_user_policy(UserName="dave", PolicyArn=managed + "IAMUserChangePassword")
    iam.put_user_policy(UserName="erin", PolicyName="inline", PolicyDocument=policy(allow("s3:ListBucket")))

    for name, days in (("expired", -30), ("valid", 700)):
        body, key = certificate(f"{name}.example.org", days)
        iam.upload_server_certificate(
            ServerCertificateName=f"plumb-{name}", Path="/cloudfront/", CertificateBody=body, PrivateKey=key
        )
    iam.create_saml_provider(
        Name="plumb-directory", SAMLMetadataDocument="<EntityDescriptor>" + "x" * 1000 + "</EntityDescriptor>"
    )
    iam.create_open_id_connect_provider(
        Url="https://token.example.org", ClientIDList=["sts.amazonaws.com"], ThumbprintList=["a" * 40], Tags=TAGS
    )
    iam.generate_credential_report()


def account():
    client("account").put_alternate_contact(
        AlternateContactType="SECURITY",
        Name="Sécurité",
        Title="Team",
        EmailAddress="security@example.org",
        PhoneNumber="+49301234567",
    )
    client("s3control").put_public_access_block(
        AccountId=ACCOUNT,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": False,
            "RestrictPublicBuckets": False,
        },
    )


def organization():
    organizations = client("organizations")
    organizations.create_organization(FeatureSet="ALL")
    root = organizations.list_roots()["Roots"][0]["Id"]
    unit = organizations.create_organizational_unit(ParentId=root, Name="Workloads", Tags=TAGS)["OrganizationalUnit"][
        "Id"
    ]
    made = organizations.create_account(AccountName="shop", Email="shop@example.org", Tags=TAGS)
    organizations.move_account(
        AccountId=made["CreateAccountStatus"]["AccountId"], SourceParentId=root, DestinationParentId=unit
    )
    organizations.enable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    made = organizations.create_policy(
        Content=policy({"Effect": "Deny", "Action": "organizations:LeaveOrganization", "Resource": "*"}),
        Description="Stay",
        Name="stay",
        Type="SERVICE_CONTROL_POLICY",
        Tags=TAGS,
    )
    organizations.attach_policy(PolicyId=made["Policy"]["PolicySummary"]["Id"], TargetId=unit)


def buckets():
    def bucket(name, region=HOME, **more):
        if region != HOME:
            more["CreateBucketConfiguration"] = {"LocationConstraint": region}
        client("s3", region).create_bucket(Bucket=name, **more)

    s3 = client("s3")
    arn = "arn:aws:s3:::"
    blocked = dict.fromkeys(["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"], True)
    own = {"ObjectOwnership": "BucketOwnerPreferred"}

    bucket("plumb-logs", **own)
    s3.put_bucket_acl(Bucket="plumb-logs", ACL="log-delivery-write")
    s3.put_bucket_encryption(
        Bucket="plumb-logs",
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        },
    )

    key = client("kms").create_key(Description="Buckets")["KeyMetadata"]["Arn"]
    for name, region in (("plumb-good", HOME), ("plumb-good-eu", "eu-west-1")):
        bucket(name, region)
        there = client("s3", region)
        there.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=blocked)
        there.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled", "MFADelete": "Enabled"})
        rule = {
            "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key},
            "BucketKeyEnabled": True,
        }
        there.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
        there.put_bucket_ownership_controls(
            Bucket=name, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        )
        there.put_bucket_tagging(Bucket=name, Tagging={"TagSet": TAGS})
        there.put_bucket_policy(
            Bucket=name,
            Policy=policy(
                {
                    "Sid": "TLS",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:*",
                    "Resource": [arn + name, f"{arn}{name}/*"],
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                }
            ),
        )
        there.put_bucket_lifecycle_configuration(
            Bucket=name,
            LifecycleConfiguration={
                "Rules": [
                    {
                        "ID": "old",
                        "Status": "Enabled",
                        "Filter": {"Prefix": "tmp/"},
                        "Expiration": {"Days": 30},
                        "NoncurrentVersionExpiration": {"NoncurrentDays": 7},
                    },
                    {
                        "ID": "cold",
                        "Status": "Disabled",
                        "Filter": {"And": {"Prefix": "a&b/", "Tags": TAGS}},
                        "Transitions": [{"Days": 60, "StorageClass": "GLACIER"}],
                    },
                ]
            },
        )
    s3.put_bucket_logging(
        Bucket="plumb-good",
        BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": "plumb-logs", "TargetPrefix": "good/"}},
    )
    s3.put_bucket_cors(
        Bucket="plumb-good",
        CORSConfiguration={
            "CORSRules": [
                {"AllowedMethods": ["GET", "PUT"], "AllowedOrigins": ["https://example.org"], "MaxAgeSeconds": 3000}
            ]
        },
    )

    bucket("plumb-trail")
    deliver = {"Service": "cloudtrail.amazonaws.com"}
    s3.put_bucket_policy(
        Bucket="plumb-trail",
        Policy=policy(
            {"Effect": "Allow", "Principal": deliver, "Action": "s3:GetBucketAcl", "Resource": arn + "plumb-trail"},
            {"Effect": "Allow", "Principal": deliver, "Action": "s3:PutObject", "Resource": arn + "plumb-trail/*"},
        ),
    )

    s3.put_bucket_logging(
        Bucket="plumb-trail",
        BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": "plumb-logs", "TargetPrefix": "trail/"}},
    )

    bucket("plumb-open-list", **own)
    s3.put_bucket_acl(Bucket="plumb-open-list", ACL="public-read")
    bucket("plumb-open-policy")
    s3.put_bucket_policy(
        Bucket="plumb-open-policy",
        Policy=policy(
            {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": arn + "plumb-open-policy/*"}
        ),
    )
    s3.put_public_access_block(
        Bucket="plumb-open-policy", PublicAccessBlockConfiguration={**blocked, "BlockPublicPolicy": False}
    )
    bucket("plumb-suspended")
    s3.put_bucket_versioning(Bucket="plumb-suspended", VersioningConfiguration={"Status": "Suspended"})
    bucket("plumb-website")
    s3.put_bucket_website(Bucket="plumb-website", WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}})
    bucket("plumb.with.dots")
    bucket("plumb-locked", ObjectLockEnabledForBucket=True)
    bucket("plumb-bare-eu", "eu-west-1")


def edge():
    """CloudFront and DNS."""
    origin = {
        "Id": "site",
        "DomainName": "plumb-website.s3.amazonaws.com",
        "S3OriginConfig": {"OriginAccessIdentity": ""},
    }
    for name, protocol, tls, logs in (
        ("old", "allow-all", "TLSv1", False),
        ("new", "redirect-to-https", "TLSv1.2_2021", True),
    ):
        client("cloudfront").create_distribution_with_tags(
            DistributionConfigWithTags={
                "Tags": {"Items": TAGS},
                "DistributionConfig": {
                    "CallerReference": name,
                    "Comment": f"{name} & <site>",
                    "Enabled": True,
                    "Origins": {"Quantity": 1, "Items": [origin]},
                    "DefaultCacheBehavior": {
                        "TargetOriginId": "site",
                        "ViewerProtocolPolicy": protocol,
                        "MinTTL": 0,
                        "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}},
                    },
                    "ViewerCertificate": {"CloudFrontDefaultCertificate": True, "MinimumProtocolVersion": tls},
                    "Logging": {
                        "Enabled": logs,
                        "IncludeCookies": False,
                        "Bucket": "plumb-logs.s3.amazonaws.com",
                        "Prefix": name,
                    },
                    "DefaultRootObject": "index.html",
                },
            }
        )
    route53 = client("route53")
    for name in ("example.org", "example.net"):
        zone = route53.create_hosted_zone(Name=name, CallerReference=name, HostedZoneConfig={"Comment": "Zone"})[
            "HostedZone"
        ]["Id"]
        record = {"Name": f"www.{name}", "Type": "A", "TTL": 300, "ResourceRecords": [{"Value": "203.0.113.7"}]}
        route53.change_resource_record_sets(
            HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
        )
    client("wafv2").create_web_acl(Scope="CLOUDFRONT", **web_acl("edge"))


def web_acl(name):
    seen = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": name}
    rule = {
        "Name": "rate",
        "Priority": 1,
        "Action": {"Block": {}},
        "VisibilityConfig": seen,
        "Statement": {"RateBasedStatement": {"Limit": 2000, "AggregateKeyType": "IP"}},
    }
    return {
        "Name": f"plumb-{name}",
        "DefaultAction": {"Allow": {}},
        "VisibilityConfig": seen,
        "Rules": [rule],
        "Tags": TAGS,
    }


# In each region


def keys(region):
    """Makes keys, good and bad; gives the ARN of the good one."""
    kms = client("kms", region)

    def key(description, **more):
        return kms.create_key(Description=description, Tags=[{"TagKey": "owner", "TagValue": "platform"}], **more)[
            "KeyMetadata"
        ]

    good = key("Good")
    kms.enable_key_rotation(KeyId=good["KeyId"])
    kms.create_alias(AliasName="alias/plumb-good", TargetKeyId=good["KeyId"])
    key("Not rotated")
    key("Open", Policy=policy(allow("kms:*", Principal={"AWS": "*"})))
    key(
        "Open to the account",
        Policy=policy(
            allow("kms:*", Principal={"AWS": "*"}, Condition={"StringEquals": {"kms:CallerAccount": ACCOUNT}})
        ),
    )
    key("Signs", KeyUsage="SIGN_VERIFY", KeySpec="ECC_NIST_P256")
    key("Imported", Origin="EXTERNAL")
    kms.disable_key(KeyId=key("Disabled")["KeyId"])
    kms.schedule_key_deletion(KeyId=key("Going")["KeyId"], PendingWindowInDays=30)
    return good["Arn"]


def network(region):
    """Makes two networks; gives the identifiers that others need."""
    ec2 = client("ec2", region)

    def named(kind, name):
        return {"TagSpecifications": [{"ResourceType": kind, "Tags": [*TAGS, {"Key": "Name", "Value": name}]}]}

    vpc = ec2.create_vpc(CidrBlock="10.10.0.0/16", AmazonProvidedIpv6CidrBlock=True, **named("vpc", "main"))["Vpc"][
        "VpcId"
    ]
    other = ec2.create_vpc(CidrBlock="10.20.0.0/16", InstanceTenancy="dedicated")["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    subnets = []
    for number, zone in enumerate("ab"):
        made = ec2.create_subnet(
            VpcId=vpc,
            CidrBlock=f"10.10.{number}.0/24",
            AvailabilityZone=region + zone,
            **named("subnet", f"main-{zone}"),
        )
        subnets.append(made["Subnet"]["SubnetId"])
    ec2.modify_subnet_attribute(SubnetId=subnets[0], MapPublicIpOnLaunch={"Value": True})
    gateway = ec2.create_internet_gateway(**named("internet-gateway", "main"))["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=subnets[0], AllocationId=address)["NatGateway"]["NatGatewayId"]
    for subnet, target in zip(subnets, ({"GatewayId": gateway}, {"NatGatewayId": nat})):
        table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
        ec2.create_route(RouteTableId=table, DestinationCidrBlock=EVERYONE, **target)
        ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    peering = ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=other)["VpcPeeringConnection"]
    ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=peering["VpcPeeringConnectionId"])
    ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=f"com.amazonaws.{region}.s3", VpcEndpointType="Gateway")
    ec2.create_vpc_endpoint(
        VpcId=vpc,
        ServiceName=f"com.amazonaws.{region}.ssm",
        VpcEndpointType="Interface",
        SubnetIds=subnets[1:],
        PolicyDocument=policy(allow("ssm:*", Principal="*")),
    )
    ec2.create_network_interface(SubnetId=subnets[1], Description="Spare")
    ec2.create_dhcp_options(DhcpConfigurations=[{"Key": "domain-name", "Values": ["example.org"]}])
    ec2.create_managed_prefix_list(
        PrefixListName="offices", MaxEntries=5, AddressFamily="IPv4", Entries=[{"Cidr": "203.0.113.0/24"}]
    )
    ec2.create_transit_gateway(Description="Hub")
    ec2.create_vpn_gateway(Type="ipsec.1")

    acl = ec2.create_network_acl(VpcId=vpc, **named("network-acl", "open"))["NetworkAcl"]["NetworkAclId"]
    for number, port, block in (
        (100, 443, {"CidrBlock": EVERYONE}),
        (110, 22, {"CidrBlock": EVERYONE}),
        (120, 3389, {"Ipv6CidrBlock": "::/0"}),
    ):
        ec2.create_network_acl_entry(
            NetworkAclId=acl,
            RuleNumber=number,
            Protocol="6",
            RuleAction="allow",
            Egress=False,
            PortRange={"From": port, "To": port},
            **block,
        )
    closed = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    ec2.create_network_acl_entry(
        NetworkAclId=closed,
        RuleNumber=10,
        Protocol="1",
        RuleAction="allow",
        Egress=False,
        CidrBlock="10.0.0.0/8",
        IcmpTypeCode={"Type": -1, "Code": -1},
    )

    logs = client("logs", region)
    logs.create_log_group(logGroupName="/vpc/flow")
    ec2.create_flow_logs(
        ResourceIds=[vpc],
        ResourceType="VPC",
        TrafficType="ALL",
        LogGroupName="/vpc/flow",
        LogDestinationType="cloud-watch-logs",
        DeliverLogsPermissionArn=f"arn:aws:iam::{ACCOUNT}:role/plumb-trail",
    )
    ec2.create_flow_logs(
        ResourceIds=subnets[:1],
        ResourceType="Subnet",
        TrafficType="ACCEPT",
        LogDestinationType="s3",
        LogDestination="arn:aws:s3:::plumb-logs",
        MaxAggregationInterval=60,
    )
    return {"vpc": vpc, "subnets": subnets, "groups": security_groups(region, vpc, named)}


def security_groups(region, vpc, named):
    ec2 = client("ec2", region)

    def group(name, *rules, within=vpc):
        made = ec2.create_security_group(
            GroupName=name, Description=f"Test of {name}", VpcId=within, **named("security-group", name)
        )["GroupId"]
        if rules:
            ec2.authorize_security_group_ingress(GroupId=made, IpPermissions=list(rules))
        return made

    def rule(first, last=None, protocol="tcp", block=EVERYONE):
        ranges = (
            {"Ipv6Ranges": [{"CidrIpv6": block}]}
            if ":" in block
            else {"IpRanges": [{"CidrIp": block, "Description": "Büro & Heim"}]}
        )
        return {"IpProtocol": protocol, "FromPort": first, "ToPort": first if last is None else last, **ranges}

    everything = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": EVERYONE}]}
    groups = {
        "web": group("web", rule(443), rule(443, block="::/0")),
        "ssh-open": group("ssh-open", rule(22)),
        "ssh-office": group("ssh-office", rule(22, block="203.0.113.0/24")),
        "rdp-open-v6": group("rdp-open-v6", rule(3389, block="::/0")),
        "all-open": group("all-open", everything),
        "all-tcp-open": group("all-tcp-open", rule(0, 65535)),
        "databases-open": group("databases-open", rule(3306), rule(5400, 5500), rule(11211, protocol="udp")),
        "smb-open": group("smb-open", rule(445)),
        "range-open": group("range-open", rule(80, 443)),
        "ping": group("ping", rule(-1, protocol="icmp")),
        "empty": group("empty"),
    }
    ec2.authorize_security_group_ingress(
        GroupId=groups["empty"],
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 5432,
                "ToPort": 5432,
                "UserIdGroupPairs": [{"GroupId": groups["web"], "Description": "App"}],
            }
        ],
    )
    outward = [everything, {"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}]
    for name in ("web", "empty"):
        ec2.revoke_security_group_egress(GroupId=groups[name], IpPermissions=outward)
    of_network = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    default = ec2.describe_security_groups(Filters=of_network)["SecurityGroups"][0]
    ec2.revoke_security_group_egress(GroupId=default["GroupId"], IpPermissions=outward)
    ec2.authorize_security_group_egress(GroupId=groups["web"], IpPermissions=[rule(443, block="10.0.0.0/8")])
    if region == HOME:
        many = ec2.create_vpc(CidrBlock="10.30.0.0/16")["Vpc"]["VpcId"]
        for number in range(SECURITY_GROUPS):
            ec2.create_security_group(GroupName=f"many-{number:03d}", Description="One of many", VpcId=many)
    return groups


def machines(region, net, key):
    ec2 = client("ec2", region)
    image = ec2.register_image(
        Name="plumb-base",
        Architecture="x86_64",
        RootDeviceName="/dev/sda1",
        VirtualizationType="hvm",
        BlockDeviceMappings=[{"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 8, "VolumeType": "gp3"}}],
    )["ImageId"]
    ec2.create_key_pair(KeyName="plumb")

    def instance(name, subnet=1, **more):
        made = ec2.run_instances(
            ImageId=image,
            InstanceType="t3.micro",
            MinCount=1,
            MaxCount=1,
            KeyName="plumb",
            TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": name}, *TAGS]}],
            **({"SubnetId": net["subnets"][subnet], "SecurityGroupIds": [net["groups"]["web"]]} | more),
        )
        return made["Instances"][0]["InstanceId"]

    good = instance(
        "good",
        MetadataOptions={"HttpTokens": "required", "HttpEndpoint": "enabled"},
        IamInstanceProfile={"Name": "plumb-app"},
        Monitoring={"Enabled": True},
    )
    public = instance("public", subnet=0, UserData=f"#!/bin/sh\nexport DB_PASSWORD={SECRET}\n")
    stopped = instance("stopped")
    gone = instance("gone")
    ec2.stop_instances(InstanceIds=[stopped])
    ec2.terminate_instances(InstanceIds=[gone])
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.associate_address(AllocationId=address, InstanceId=public)

    if region != HOME:
        ec2.enable_ebs_encryption_by_default()
    volumes = [
        ec2.create_volume(
            AvailabilityZone=region + "b",
            Size=size,
            VolumeType="gp3",
            Iops=3000,
            **more,
            TagSpecifications=[{"ResourceType": "volume", "Tags": TAGS}],
        )["VolumeId"]
        for size, more in ((8, {"Encrypted": True, "KmsKeyId": key}), (9, {"Encrypted": False}))
    ]
    ec2.attach_volume(VolumeId=volumes[1], InstanceId=good, Device="/dev/sdh")
    for volume, shared in (
        (volumes[0], {}),
        (volumes[1], {"GroupNames": ["all"]}),
        (volumes[1], {"UserIds": ["210987654321"]}),
    ):
        snapshot = ec2.create_snapshot(VolumeId=volume, Description=f"Of {volume}")["SnapshotId"]
        if shared:
            ec2.modify_snapshot_attribute(
                SnapshotId=snapshot, Attribute="createVolumePermission", OperationType="add", **shared
            )
    images = [ec2.create_image(InstanceId=good, Name=f"plumb-{name}")["ImageId"] for name in ("private", "public")]
    ec2.modify_image_attribute(ImageId=images[1], LaunchPermission={"Add": [{"Group": "all"}]})

    template = ec2.create_launch_template(
        LaunchTemplateName="plumb",
        LaunchTemplateData={
            "ImageId": image,
            "InstanceType": "t3.small",
            "MetadataOptions": {"HttpTokens": "required"},
        },
    )["LaunchTemplate"]["LaunchTemplateId"]
    autoscaling = client("autoscaling", region)
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName="plumb-web",
        LaunchTemplate={"LaunchTemplateId": template, "Version": "$Latest"},
        MinSize=1,
        MaxSize=3,
        DesiredCapacity=1,
        VPCZoneIdentifier=",".join(net["subnets"]),
        HealthCheckType="ELB",
        HealthCheckGracePeriod=60,
        Tags=[{"Key": "owner", "Value": "platform", "PropagateAtLaunch": True}],
    )
    autoscaling.create_launch_configuration(
        LaunchConfigurationName="plumb-old", ImageId=image, InstanceType="t2.micro", AssociatePublicIpAddress=True
    )
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName="plumb-batch",
        LaunchConfigurationName="plumb-old",
        MinSize=0,
        MaxSize=1,
        AvailabilityZones=[region + "a"],
    )


def watching(region, key):
    """Trails, log groups, alarms, recorders."""
    home = region == HOME
    sns = client("sns", region)
    good = sns.create_topic(Name="plumb-alarms", Attributes={"KmsMasterKeyId": key}, Tags=TAGS)["TopicArn"]
    plain = sns.create_topic(
        Name="plumb-plain.fifo", Attributes={"FifoTopic": "true", "ContentBasedDeduplication": "true"}
    )["TopicArn"]
    sns.set_topic_attributes(
        TopicArn=plain,
        AttributeName="Policy",
        AttributeValue=policy(allow("sns:Publish", plain, Principal={"AWS": "*"})),
    )
    sns.subscribe(TopicArn=good, Protocol="email", Endpoint="security@example.org")

    logs = client("logs", region)
    logs.create_log_group(logGroupName="/trail", kmsKeyId=key, tags=TAG_MAP)
    logs.put_retention_policy(logGroupName="/trail", retentionInDays=400)
    for number in range(LOG_GROUPS if home else 3):
        name = f"/app/{number:02d}"
        logs.create_log_group(logGroupName=name)
        if number % 2:
            logs.put_retention_policy(logGroupName=name, retentionInDays=30)

    root = '{ $.userIdentity.type = "Root" && $.userIdentity.invokedBy NOT EXISTS && $.eventType != "AwsServiceEvent" }'
    calls = [
        "AuthorizeSecurityGroupIngress",
        "AuthorizeSecurityGroupEgress",
        "RevokeSecurityGroupIngress",
        "RevokeSecurityGroupEgress",
        "CreateSecurityGroup",
        "DeleteSecurityGroup",
    ]
    filters = {
        "refused": ('{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") }', 10),
        "root": (root, 1),
        "groups": ("{ " + " || ".join(f"($.eventName = {call})" for call in calls) + " }", 1),
        "trail": ("{ ($.eventName = CreateTrail) || ($.eventName = StopLogging) }", 1),  # some calls are missing
    }
    watch = client("cloudwatch", region)
    for name, (pattern, threshold) in filters.items():
        value = {"metricName": name, "metricNamespace": "Trail", "metricValue": "1", "defaultValue": 0}
        logs.put_metric_filter(
            logGroupName="/trail", filterName=name, filterPattern=pattern, metricTransformations=[value]
        )
        watch.put_metric_alarm(
            AlarmName=f"plumb-{name}",
            Namespace="Trail",
            MetricName=name,
            Statistic="Sum",
            Period=300,
            EvaluationPeriods=1,
            Threshold=threshold,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
            TreatMissingData="notBreaching",
            ActionsEnabled=name != "groups",
            AlarmActions=[] if name == "root" else [good],
            Tags=TAGS,
        )

    trails = client("cloudtrail", region)
    group = f"arn:aws:logs:{region}:{ACCOUNT}:log-group:/trail:*"
    if home:
        trails.create_trail(
            Name="plumb-all",
            S3BucketName="plumb-trail",
            S3KeyPrefix="all",
            IsMultiRegionTrail=True,
            EnableLogFileValidation=True,
            IncludeGlobalServiceEvents=True,
            KmsKeyId=key,
            CloudWatchLogsLogGroupArn=group,
            SnsTopicName="plumb-alarms",
            CloudWatchLogsRoleArn=f"arn:aws:iam::{ACCOUNT}:role/plumb-trail",
            TagsList=TAGS,
        )
        trails.put_event_selectors(
            TrailName="plumb-all",
            EventSelectors=[
                {
                    "ReadWriteType": "All",
                    "IncludeManagementEvents": True,
                    "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}],
                }
            ],
        )
        trails.put_insight_selectors(TrailName="plumb-all", InsightSelectors=[{"InsightType": "ApiCallRateInsight"}])
        trails.start_logging(Name="plumb-all")
        trails.create_trail(Name="plumb-open-bucket", S3BucketName="plumb-open-policy")
    else:
        trails.create_trail(Name="plumb-local", S3BucketName="plumb-trail", IncludeGlobalServiceEvents=False)
        trails.put_event_selectors(
            TrailName="plumb-local",
            AdvancedEventSelectors=[
                {
                    "Name": "Writes",
                    "FieldSelectors": [
                        {"Field": "eventCategory", "Equals": ["Management"]},
                        {"Field": "readOnly", "Equals": ["false"]},
                    ],
                }
            ],
        )
        trails.start_logging(Name="plumb-local")
        trails.stop_logging(Name="plumb-local")

    config = client("config", region)
    recorded = (
        {"allSupported": True, "includeGlobalResourceTypes": True}
        if home
        else {"allSupported": False, "includeGlobalResourceTypes": False, "resourceTypes": ["AWS::EC2::Instance"]}
    )
    config.put_configuration_recorder(
        ConfigurationRecorder={
            "name": "default",
            "roleARN": f"arn:aws:iam::{ACCOUNT}:role/plumb-careful",
            "recordingGroup": recorded,
        }
    )
    config.put_delivery_channel(
        DeliveryChannel={
            "name": "default",
            "s3BucketName": "plumb-logs",
            "configSnapshotDeliveryProperties": {"deliveryFrequency": "TwentyFour_Hours"},
        }
    )
    if home:
        config.start_configuration_recorder(ConfigurationRecorderName="default")
    config.put_config_rule(
        ConfigRule={
            "ConfigRuleName": "plumb-versioning",
            "Source": {"Owner": "AWS", "SourceIdentifier": "S3_BUCKET_VERSIONING_ENABLED"},
        }
    )


def guards(region):
    home = region == HOME
    detector = client("guardduty", region).create_detector(
        Enable=home, FindingPublishingFrequency="ONE_HOUR", DataSources={"S3Logs": {"Enable": True}}, Tags=TAG_MAP
    )["DetectorId"]
    client("guardduty", region).create_filter(
        DetectorId=detector, Name="low", Action="ARCHIVE", FindingCriteria={"Criterion": {"severity": {"LessThan": 2}}}
    )
    if home:
        client("securityhub", region).enable_security_hub(EnableDefaultStandards=True, Tags=TAG_MAP)
        client("macie2", region).enable_macie(status="ENABLED", findingPublishingFrequency="ONE_HOUR")
    client("inspector2", region).enable(
        accountIds=[ACCOUNT], resourceTypes=["EC2", "ECR", "LAMBDA"] if home else ["EC2"]
    )
    client("wafv2", region).create_ip_set(
        Name="offices", Scope="REGIONAL", IPAddressVersion="IPV4", Addresses=["203.0.113.0/24"]
    )


def databases(region, net, key):
    rds = client("rds", region)
    rds.create_db_subnet_group(
        DBSubnetGroupName="plumb", DBSubnetGroupDescription="Main", SubnetIds=net["subnets"], Tags=TAGS
    )
    for name, family, parameter, value in (
        ("plumb-tls", "postgres15", "rds.force_ssl", "1"),
        ("plumb-plain", "mysql8.0", "require_secure_transport", "0"),
    ):
        rds.create_db_parameter_group(DBParameterGroupName=name, DBParameterGroupFamily=family, Description="Test")
        rds.modify_db_parameter_group(
            DBParameterGroupName=name,
            Parameters=[{"ParameterName": parameter, "ParameterValue": value, "ApplyMethod": "immediate"}],
        )
    common = {
        "DBInstanceClass": "db.t3.micro",
        "AllocatedStorage": 20,
        "MasterUsername": "root",
        "MasterUserPassword": SECRET,
    }
    rds.create_db_instance(
        DBInstanceIdentifier="plumb-good",
        Engine="postgres",
        EngineVersion="15.4",
        StorageEncrypted=True,
        KmsKeyId=key,
        MultiAZ=True,
        PubliclyAccessible=False,
        AutoMinorVersionUpgrade=True,
        BackupRetentionPeriod=30,
        DeletionProtection=True,
        DBParameterGroupName="plumb-tls",
        DBSubnetGroupName="plumb",
        VpcSecurityGroupIds=[net["groups"]["empty"]],
        EnableIAMDatabaseAuthentication=True,
        CopyTagsToSnapshot=True,
        EnableCloudwatchLogsExports=["postgresql"],
        Tags=TAGS,
        **common,
    )
    rds.create_db_instance(
        DBInstanceIdentifier="plumb-bad",
        Engine="mysql",
        EngineVersion="8.0.35",
        PubliclyAccessible=True,
        BackupRetentionPeriod=0,
        AutoMinorVersionUpgrade=False,
        DBParameterGroupName="plumb-plain",
        **common,
    )
    rds.create_db_instance_read_replica(DBInstanceIdentifier="plumb-replica", SourceDBInstanceIdentifier="plumb-good")
    for name, more in (
        (
            "plumb-aurora",
            {
                "StorageEncrypted": True,
                "DeletionProtection": True,
                "BackupRetentionPeriod": 14,
                "Engine": "aurora-postgresql",
            },
        ),
        ("plumb-aurora-bad", {"Engine": "aurora-mysql"}),
    ):
        rds.create_db_cluster(
            DBClusterIdentifier=name, MasterUsername="root", MasterUserPassword=SECRET, Tags=TAGS, **more
        )
    rds.create_db_instance(
        DBInstanceIdentifier="plumb-aurora-1",
        DBClusterIdentifier="plumb-aurora",
        Engine="aurora-postgresql",
        DBInstanceClass="db.r5.large",
    )
    for name, shared in (("private", []), ("public", ["all"]), ("shared", ["210987654321"])):
        rds.create_db_snapshot(DBSnapshotIdentifier=f"plumb-{name}", DBInstanceIdentifier="plumb-bad", Tags=TAGS)
        rds.create_db_cluster_snapshot(DBClusterSnapshotIdentifier=f"plumb-{name}", DBClusterIdentifier="plumb-aurora")
        if shared:
            rds.modify_db_snapshot_attribute(
                DBSnapshotIdentifier=f"plumb-{name}", AttributeName="restore", ValuesToAdd=shared
            )
            rds.modify_db_cluster_snapshot_attribute(
                DBClusterSnapshotIdentifier=f"plumb-{name}", AttributeName="restore", ValuesToAdd=shared
            )
    rds.create_option_group(
        OptionGroupName="plumb", EngineName="mysql", MajorEngineVersion="8.0", OptionGroupDescription="Test"
    )

    dynamo = client("dynamodb", region)
    for name, more in (
        (
            "plumb-good",
            {
                "BillingMode": "PAY_PER_REQUEST",
                "DeletionProtectionEnabled": True,
                "SSESpecification": {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
            },
        ),
        ("plumb-bad", {"ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}}),
    ):
        dynamo.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            Tags=TAGS,
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            **more,
        )
    dynamo.update_continuous_backups(
        TableName="plumb-good", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )

    redshift = client("redshift", region)
    for name, good in (("plumb-good", True), ("plumb-bad", False)):
        redshift.create_cluster(
            ClusterIdentifier=name,
            NodeType="ra3.xlplus",
            MasterUsername="root",
            MasterUserPassword=f"{SECRET}A1",
            Encrypted=good,
            PubliclyAccessible=not good,
            ClusterType="single-node",
            Tags=TAGS,
            **({"KmsKeyId": key} if good else {}),
        )
    redshift.enable_logging(ClusterIdentifier="plumb-good", BucketName="plumb-logs", S3KeyPrefix="redshift/")
    cache = client("elasticache", region)
    for name, good in (("plumb-good", True), ("plumb-bad", False)):
        cache.create_replication_group(
            ReplicationGroupId=name,
            ReplicationGroupDescription="Test",
            TransitEncryptionEnabled=good,
            AtRestEncryptionEnabled=good,
            Engine="redis",
            CacheNodeType="cache.t3.micro",
            NumCacheClusters=2,
            AutomaticFailoverEnabled=True,
        )
    cache.create_cache_cluster(
        CacheClusterId="plumb-memcached", Engine="memcached", CacheNodeType="cache.t3.micro", NumCacheNodes=1
    )
    search = client("opensearch", region)
    search.create_domain(
        DomainName="plumb-good",
        EngineVersion="OpenSearch_2.11",
        EncryptionAtRestOptions={"Enabled": True, "KmsKeyId": key},
        NodeToNodeEncryptionOptions={"Enabled": True},
        TagList=TAGS,
        DomainEndpointOptions={"EnforceHTTPS": True, "TLSSecurityPolicy": "Policy-Min-TLS-1-2-2019-07"},
        ClusterConfig={"InstanceType": "t3.small.search", "InstanceCount": 2},
    )
    search.create_domain(DomainName="plumb-bad", AccessPolicies=policy(allow("es:*", Principal="*")))


def storage(region, net, key):
    efs = client("efs", region)
    for name, encrypted in (("good", True), ("bad", False)):
        system = efs.create_file_system(
            CreationToken=name,
            Encrypted=encrypted,
            Tags=[{"Key": "Name", "Value": name}],
            **({"KmsKeyId": key} if encrypted else {}),
        )["FileSystemId"]
        efs.create_mount_target(FileSystemId=system, SubnetId=net["subnets"][1], SecurityGroups=[net["groups"]["web"]])
        if encrypted:
            efs.put_file_system_policy(
                FileSystemId=system,
                Policy=policy(
                    {
                        "Effect": "Deny",
                        "Principal": {"AWS": "*"},
                        "Action": "*",
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    }
                ),
            )
    client("glacier", region).create_vault(accountId="-", vaultName="plumb")
    backup = client("backup", region)
    backup.create_backup_vault(BackupVaultName="plumb", EncryptionKeyArn=key)
    backup.create_backup_plan(
        BackupPlan={
            "BackupPlanName": "nightly",
            "Rules": [
                {"RuleName": "night", "TargetBackupVaultName": "plumb", "ScheduleExpression": "cron(0 5 * * ? *)"}
            ],
        }
    )
    client("fsx", region).create_file_system(
        FileSystemType="LUSTRE", StorageCapacity=1200, SubnetIds=net["subnets"][:1], Tags=TAGS
    )


def code(region, key):
    functions = client("lambda", region)
    for name, runtime, more in (
        (
            "good",
            "python3.13",
            {"Environment": {"Variables": {"STAGE": "test"}}, "KMSKeyArn": key, "TracingConfig": {"Mode": "Active"}},
        ),
        ("bad", "nodejs16.x", {"Environment": {"Variables": {"DB_PASSWORD": SECRET, "STAGE": "test"}}}),
        ("url", "python3.13", {}),
    ):
        functions.create_function(
            FunctionName=f"plumb-{name}",
            Runtime=runtime,
            Role=f"arn:aws:iam::{ACCOUNT}:role/plumb-function",
            Handler="app.handler",
            Code={"ZipFile": package()},
            Tags=TAG_MAP,
            Description=f"Fonction « {name} »",
            Timeout=15,
            **more,
        )
    functions.create_function_url_config(FunctionName="plumb-url", AuthType="NONE", Cors={"AllowOrigins": ["*"]})
    functions.create_function_url_config(FunctionName="plumb-good", AuthType="AWS_IAM")
    functions.add_permission(FunctionName="plumb-bad", StatementId="all", Action="lambda:InvokeFunction", Principal="*")
    functions.add_permission(
        FunctionName="plumb-good",
        StatementId="bucket",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn="arn:aws:s3:::plumb-good",
        SourceAccount=ACCOUNT,
    )
    functions.publish_layer_version(
        LayerName="plumb", Content={"ZipFile": package()}, CompatibleRuntimes=["python3.13"]
    )

    ecr = client("ecr", region)
    ecr.create_repository(
        repositoryName="plumb/good",
        imageTagMutability="IMMUTABLE",
        imageScanningConfiguration={"scanOnPush": True},
        tags=TAGS,
        encryptionConfiguration={"encryptionType": "KMS", "kmsKey": key},
    )
    ecr.put_lifecycle_policy(
        repositoryName="plumb/good",
        lifecyclePolicyText=json.dumps(
            {
                "rules": [
                    {
                        "rulePriority": 1,
                        "action": {"type": "expire"},
                        "selection": {
                            "tagStatus": "untagged",
                            "countType": "sinceImagePushed",
                            "countUnit": "days",
                            "countNumber": 14,
                        },
                    }
                ]
            }
        ),
    )
    ecr.create_repository(repositoryName="plumb/bad")
    opened = {"Sid": "pull", "Effect": "Allow", "Principal": "*", "Action": ["ecr:BatchGetImage"]}
    ecr.set_repository_policy(repositoryName="plumb/bad", policyText=policy(opened))
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "size": 7,
            "digest": "sha256:" + "a" * 64,
        },
        "layers": [],
    }
    for tag in ("1.0", "1.1"):
        ecr.put_image(repositoryName="plumb/good", imageManifest=json.dumps({**manifest, "tag": tag}), imageTag=tag)

    states = client("stepfunctions", region)
    states.create_state_machine(
        name="plumb",
        roleArn=f"arn:aws:iam::{ACCOUNT}:role/plumb-function",
        tags=LOWER_TAGS,
        definition=json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}),
    )
    client("codebuild", region).create_project(
        name="plumb",
        source={"type": "S3", "location": "plumb-good/source.zip"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
            "environmentVariables": [{"name": "API_TOKEN", "value": SECRET, "type": "PLAINTEXT"}],
        },
        serviceRole=f"arn:aws:iam::{ACCOUNT}:role/plumb-function",
    )
    for name, access in (("good", "Disabled"), ("bad", "Enabled")):
        client("sagemaker", region).create_notebook_instance(
            NotebookInstanceName=f"plumb-{name}",
            InstanceType="ml.t3.medium",
            DirectInternetAccess=access,
            RootAccess=access,
            RoleArn=f"arn:aws:iam::{ACCOUNT}:role/plumb-function",
        )
    client("cloudformation", region).create_stack(
        StackName="plumb",
        Tags=TAGS,
        Parameters=[{"ParameterKey": "Password", "ParameterValue": SECRET}],
        TemplateBody=json.dumps(
            {
                "Parameters": {"Password": {"Type": "String", "NoEcho": True}},
                "Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "plumb-stack"}}},
                "Outputs": {"Url": {"Value": {"Ref": "Queue"}}},
            }
        ),
    )


def containers(region, net, key):
    eks = client("eks", region)
    role = f"arn:aws:iam::{ACCOUNT}:role/plumb-cluster"
    eks.create_cluster(
        name="plumb-good",
        roleArn=role,
        tags=TAG_MAP,
        resourcesVpcConfig={"subnetIds": net["subnets"], "endpointPublicAccess": False, "endpointPrivateAccess": True},
        logging={"clusterLogging": [{"types": ["api", "audit", "authenticator"], "enabled": True}]},
        encryptionConfig=[{"resources": ["secrets"], "provider": {"keyArn": key}}],
    )
    eks.create_cluster(
        name="plumb-bad",
        roleArn=role,
        resourcesVpcConfig={"subnetIds": net["subnets"], "endpointPublicAccess": True, "publicAccessCidrs": [EVERYONE]},
        logging={"clusterLogging": [{"types": ["api"], "enabled": False}]},
    )
    eks.create_nodegroup(clusterName="plumb-good", nodegroupName="main", subnets=net["subnets"], nodeRole=role)
    ecs = client("ecs", region)
    ecs.create_cluster(
        clusterName="plumb-good", tags=LOWER_TAGS, settings=[{"name": "containerInsights", "value": "enabled"}]
    )
    ecs.create_cluster(clusterName="plumb-bad")
    ecs.register_task_definition(
        family="plumb",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        taskRoleArn=role,
        containerDefinitions=[
            {
                "name": "app",
                "image": "plumb/good:1.0",
                "privileged": True,
                "memory": 256,
                "environment": [{"name": "DB_PASSWORD", "value": SECRET}, {"name": "STAGE", "value": "test"}],
            }
        ],
    )
    ecs.create_service(
        cluster="plumb-good",
        serviceName="web",
        taskDefinition="plumb",
        desiredCount=1,
        launchType="FARGATE",
        networkConfiguration={
            "awsvpcConfiguration": {
                "subnets": net["subnets"],
                "securityGroups": [net["groups"]["web"]],
                "assignPublicIp": "ENABLED",
            }
        },
    )


def balancers(region, net):
    acm = client("acm", region)
    arns = {}
    for name, days in (("soon", 10), ("later", 400)):
        body, key = certificate(f"{name}.example.org", days)
        arns[name] = acm.import_certificate(Certificate=body, PrivateKey=key, Tags=TAGS)["CertificateArn"]
    acm.request_certificate(
        DomainName="www.example.org",
        ValidationMethod="DNS",
        SubjectAlternativeNames=["example.org"],
        IdempotencyToken="plumb",
    )

    elb = client("elbv2", region)

    def balancer(name, **more):
        return elb.create_load_balancer(Name=f"plumb-{name}", Subnets=net["subnets"], Tags=TAGS, **more)[
            "LoadBalancers"
        ][0]["LoadBalancerArn"]

    def listen(arn, port, protocol, *actions, **more):
        elb.create_listener(LoadBalancerArn=arn, Port=port, Protocol=protocol, DefaultActions=list(actions), **more)

    web = [net["groups"]["web"]]
    target = elb.create_target_group(
        Name="plumb", Protocol="HTTPS", Port=8443, VpcId=net["vpc"], HealthCheckPath="/health"
    )
    forward = {"Type": "forward", "TargetGroupArn": target["TargetGroups"][0]["TargetGroupArn"]}
    redirect = {"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}}
    good = balancer("good", Scheme="internet-facing", SecurityGroups=web)
    listen(good, 80, "HTTP", redirect)
    listen(
        good,
        443,
        "HTTPS",
        forward,
        SslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06",
        Certificates=[{"CertificateArn": arns["later"]}],
    )
    elb.modify_load_balancer_attributes(
        LoadBalancerArn=good,
        Attributes=[
            {"Key": "access_logs.s3.enabled", "Value": "true"},
            {"Key": "access_logs.s3.bucket", "Value": "plumb-logs"},
            {"Key": "deletion_protection.enabled", "Value": "true"},
        ],
    )
    bad = balancer("bad", Scheme="internet-facing", SecurityGroups=web)
    listen(bad, 80, "HTTP", forward)
    listen(
        bad,
        443,
        "HTTPS",
        forward,
        SslPolicy="ELBSecurityPolicy-2016-08",
        Certificates=[{"CertificateArn": arns["soon"]}],
    )
    balancer("inside", Scheme="internal", SecurityGroups=web)
    through = elb.create_target_group(Name="plumb-tcp", Protocol="TCP", Port=5432, VpcId=net["vpc"])["TargetGroups"][0]
    listen(
        balancer("network", Type="network"),
        5432,
        "TCP",
        {"Type": "forward", "TargetGroupArn": through["TargetGroupArn"]},
    )
    waf = client("wafv2", region)
    acl = waf.create_web_acl(Scope="REGIONAL", **web_acl("web"))["Summary"]["ARN"]
    waf.associate_web_acl(WebACLArn=acl, ResourceArn=good)
    waf.create_web_acl(Scope="REGIONAL", **web_acl("unused"))

    classic = client("elb", region)
    classic.create_load_balancer(
        LoadBalancerName="plumb-classic",
        Subnets=net["subnets"],
        SecurityGroups=web,
        Tags=TAGS,
        Listeners=[{"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 8080}],
    )
    classic.modify_load_balancer_attributes(
        LoadBalancerName="plumb-classic",
        LoadBalancerAttributes={
            "AccessLog": {"Enabled": True, "S3BucketName": "plumb-logs", "EmitInterval": 60},
            "CrossZoneLoadBalancing": {"Enabled": True},
        },
    )


def interfaces(region):
    """REST and HTTP interfaces."""
    rest = client("apigateway", region)
    for name, kind in (("good", "REGIONAL"), ("private", "PRIVATE")):
        api = rest.create_rest_api(name=f"plumb-{name}", endpointConfiguration={"types": [kind]}, tags=TAG_MAP)["id"]
        root = rest.get_resources(restApiId=api)["items"][0]["id"]
        rest.put_method(
            restApiId=api, resourceId=root, httpMethod="GET", authorizationType="NONE", apiKeyRequired=False
        )
        rest.put_integration(restApiId=api, resourceId=root, httpMethod="GET", type="MOCK")
        deployment = rest.create_deployment(restApiId=api)["id"]
        rest.create_stage(
            restApiId=api,
            stageName="live",
            deploymentId=deployment,
            tracingEnabled=name == "good",
            variables={"stage": "live"},
            tags=TAG_MAP,
        )
    http = client("apigatewayv2", region)
    api = http.create_api(
        Name="plumb-http", ProtocolType="HTTP", CorsConfiguration={"AllowOrigins": ["*"]}, Tags=TAG_MAP
    )["ApiId"]
    http.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    http.create_route(ApiId=api, RouteKey="GET /", AuthorizationType="NONE")
    http.create_api(Name="plumb-socket", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action")


def messages(region, key):
    sqs = client("sqs", region)
    dead = sqs.create_queue(QueueName="plumb-dead", Attributes={"SqsManagedSseEnabled": "false"})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sqs.create_queue(
        QueueName="plumb-good",
        tags=TAG_MAP,
        Attributes={
            "KmsMasterKeyId": key,
            "RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5}),
        },
    )
    sqs.create_queue(
        QueueName="plumb-open",
        Attributes={"Policy": policy(allow("sqs:*", f"arn:aws:sqs:{region}:{ACCOUNT}:plumb-open", Principal="*"))},
    )
    sqs.create_queue(QueueName="plumb-order.fifo", Attributes={"FifoQueue": "true"})
    kinesis = client("kinesis", region)
    for name in ("good", "bad"):
        kinesis.create_stream(StreamName=f"plumb-{name}", ShardCount=1)
    kinesis.start_stream_encryption(StreamName="plumb-good", EncryptionType="KMS", KeyId=key)
    client("firehose", region).create_delivery_stream(
        DeliveryStreamName="plumb",
        S3DestinationConfiguration={
            "RoleARN": f"arn:aws:iam::{ACCOUNT}:role/plumb-function",
            "BucketARN": "arn:aws:s3:::plumb-logs",
        },
    )
    events = client("events", region)
    bus = events.create_event_bus(Name="plumb", Tags=TAGS)["EventBusArn"]
    events.put_permission(EventBusName="plumb", Action="events:PutEvents", Principal="*", StatementId="everybody")
    events.put_rule(
        Name="plumb", EventBusName="plumb", EventPattern=json.dumps({"source": ["aws.ec2"]}), State="ENABLED"
    )
    events.put_targets(Rule="plumb", EventBusName="plumb", Targets=[{"Id": "bus", "Arn": bus}])
    events.put_rule(Name="plumb-hourly", ScheduleExpression="rate(1 hour)", State="DISABLED")


def settings(region, key):
    secrets = client("secretsmanager", region)
    arn = f"arn:aws:lambda:{region}:{ACCOUNT}:function:plumb-good"
    secrets.create_secret(Name="plumb/good", SecretString=SECRET, KmsKeyId=key, Tags=TAGS)
    secrets.rotate_secret(
        SecretId="plumb/good",
        RotationLambdaARN=arn,
        RotationRules={"AutomaticallyAfterDays": 30},
        RotateImmediately=False,
    )
    secrets.create_secret(Name="plumb/bad", SecretString=SECRET)
    secrets.put_resource_policy(
        SecretId="plumb/bad",
        ResourcePolicy=policy(
            allow("secretsmanager:GetSecretValue", Principal={"AWS": "arn:aws:iam::210987654321:root"})
        ),
    )
    for number in range(12 if region == HOME else 0):
        secrets.create_secret(Name=f"plumb/many-{number:02d}", SecretString=SECRET)
    ssm = client("ssm", region)
    for number in range(PARAMETERS if region == HOME else 3):
        kind = ("String", "SecureString", "StringList")[number % 3]
        ssm.put_parameter(Name=f"/plumb/{number:02d}", Value=SECRET, Type=kind, Description=f"Wert {number}", Tags=TAGS)
    ssm.create_document(
        Name="plumb-run",
        DocumentType="Command",
        DocumentFormat="JSON",
        Tags=TAGS,
        Content=json.dumps(
            {
                "schemaVersion": "2.2",
                "description": "Runs",
                "mainSteps": [{"action": "aws:runShellScript", "name": "run", "inputs": {"runCommand": ["true"]}}],
            }
        ),
    )
    ssm.create_maintenance_window(
        Name="night", Schedule="cron(0 3 ? * SUN *)", Duration=3, Cutoff=1, AllowUnassociatedTargets=True
    )
    client("cognito-idp", region).create_user_pool(
        PoolName="plumb", MfaConfiguration="OFF", Policies={"PasswordPolicy": {"MinimumLength": 8}}
    )


def region_of_everything(region):
    key = keys(region)
    net = network(region)
    machines(region, net, key)
    watching(region, key)
    guards(region)
    databases(region, net, key)
    storage(region, net, key)
    code(region, key)
    containers(region, net, key)
    balancers(region, net)
    interfaces(region)
    messages(region, key)
    settings(region, key)


def post(path):
    # Without proxies: the server is on this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    opener.open(urllib.request.Request(ENDPOINT + path, method="POST")).read()


def main():
    global ENDPOINT
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint", required=True, metavar="URL")
    parser.add_argument("--large", type=int, metavar="N", help="N security groups and nothing else")
    arguments = parser.parse_args()
    ENDPOINT = arguments.endpoint.rstrip("/")
    if arguments.large:
        post(f"/moto-api/security-groups?{arguments.large}")  # of script/moto; through the API it would take minutes
        return 0
    if client("iam").list_account_aliases()["AccountAliases"]:
        print("seed: the server is filled already; script/moto reset FOLDER empties it", file=sys.stderr)
        return 2
    post("/moto-api/seed?a=42")
    identities()
    account()
    organization()
    buckets()
    edge()
    for region in REGIONS:
        region_of_everything(region)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, OSError) as error:
        print(f"seed: {error}", file=sys.stderr)
        sys.exit(2)
