"""Machines and their disks, functions, images of containers, clusters, load balancers."""

import io
import zipfile

from plan import Text
from world import HOME, policy


def network(world, block):
    """A network with two subnets that the plan does not hold."""
    ec2 = world.client("ec2")
    vpc = ec2.create_vpc(CidrBlock=f"{block}.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"{block}.{number}.0/24", AvailabilityZone=f"{HOME}{zone}")["Subnet"]
        for number, zone in enumerate("ab")
    ]
    return vpc, [subnet["SubnetId"] for subnet in subnets]


def machines(world):
    ec2 = world.client("ec2")
    iam = world.client("iam")
    vpc, subnets = network(world, "10.70")
    iam.create_instance_profile(InstanceProfileName="plumb-machine")
    base = ec2.register_image(Name="base", RootDeviceName="/dev/sda1", Architecture="x86_64")["ImageId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)

    def instance(name, public=None, profile=False, address=None, exists=False, **options):
        """Options are those of the metadata service by Terraform's names; a public address is asked for or refused.

        Of one that exists already the plan tells what only apply makes known.
        """
        interface = {"DeviceIndex": 0, "SubnetId": subnets[0]}
        if public is not None:
            interface["AssociatePublicIpAddress"] = public
        names = {
            "http_tokens": "HttpTokens",
            "http_endpoint": "HttpEndpoint",
            "http_put_response_hop_limit": "HttpPutResponseHopLimit",
        }
        live = ec2.run_instances(
            ImageId=base,
            InstanceType="t3.micro",
            MinCount=1,
            MaxCount=1,
            NetworkInterfaces=[interface],
            **({"MetadataOptions": {names[key]: value for key, value in options.items()}} if options else {}),
            **({"IamInstanceProfile": {"Name": "plumb-machine"}} if profile else {}),
        )["Instances"][0]["InstanceId"]
        known = None
        if exists:
            facts = ec2.describe_instances(InstanceIds=[live])["Reservations"][0]["Instances"][0]
            settings = {"http_tokens": "optional", "http_endpoint": "enabled", "http_put_response_hop_limit": 1}
            known = {"id": live, "public_ip": facts.get("PublicIpAddress", ""), "instance_state": "running"}
            known |= {"iam_instance_profile": "", "metadata_options": [settings | options]}
            known |= {"associate_public_ip_address": "PublicIpAddress" in facts}
        made = world.add(
            "aws_instance",
            name,
            known,
            ami=base,
            instance_type="t3.micro",
            subnet_id=subnets[0],
            associate_public_ip_address=public,
            iam_instance_profile="plumb-machine" if profile else None,
            metadata_options=[options] if options else None,
        )
        if address:
            allocation = ec2.allocate_address(Domain="vpc")["AllocationId"]
            ec2.associate_address(AllocationId=allocation, InstanceId=live)
            if address == "aws_eip":
                world.add("aws_eip", name, instance=made["id"], domain="vpc")
            else:
                world.add("aws_eip_association", name, instance_id=made["id"], allocation_id=allocation)
        world.pair(made, world.arn("ec2", f"instance/{live}"))

    instance("bare")
    instance("tokens", http_tokens="required")
    instance("tokens-and-endpoint", http_tokens="required", http_endpoint="enabled")
    instance("tokens-optional", http_tokens="optional", http_endpoint="enabled")
    instance("no-endpoint", http_endpoint="disabled")
    instance("no-endpoint-optional", http_endpoint="disabled", http_tokens="optional")
    instance("hops", http_tokens="optional", http_put_response_hop_limit=2)
    instance("profile", profile=True, http_tokens="required")
    instance("private", public=False)
    instance("exists", exists=True)
    instance("exists-private", exists=True, public=False, http_tokens="required")
    instance("exists-public", exists=True, public=True, profile=True)
    instance("private-profile", public=False, profile=True)
    instance("public", public=True)
    instance("address", address="aws_eip", public=False)
    instance("address-associated", address="aws_eip_association", public=False)


def disks(world):
    ec2 = world.client("ec2")
    key = world.arn("kms", "key/0f3ad1b1-2a53-4d1e-8d14-5f0f6b0c7a11")
    for name, encrypted, own in (
        ("on", True, None),
        ("own-key", True, key),
        ("off", False, None),
        ("left", None, None),
    ):
        written = {"Encrypted": bool(encrypted)} | ({"KmsKeyId": own} if own else {})
        live = ec2.create_volume(AvailabilityZone=f"{HOME}a", Size=8, VolumeType="gp3", **written)["VolumeId"]
        made = world.add(
            "aws_ebs_volume",
            name,
            availability_zone=f"{HOME}a",
            size=8,
            type="gp3",
            encrypted=encrypted,
            kms_key_id=own,
        )
        world.pair(made, world.arn("ec2", f"volume/{live}"))
        if encrypted is None:
            continue
        for with_permission in (False, True):
            taken = ec2.create_snapshot(VolumeId=live)["SnapshotId"]
            part = world.add("aws_ebs_snapshot", f"{name}-{with_permission}".lower(), volume_id=made["id"])
            if with_permission:
                ec2.modify_snapshot_attribute(
                    SnapshotId=taken,
                    Attribute="createVolumePermission",
                    OperationType="add",
                    UserIds=["210987654321"],
                )
                world.add(
                    "aws_snapshot_create_volume_permission",
                    name,
                    snapshot_id=part["id"],
                    account_id="210987654321",
                )
            world.pair(part, f"arn:aws:ec2:{HOME}::snapshot/{taken}")
    for name, launch in (("private", None), ("shared", {"UserId": "210987654321"}), ("public", {"Group": "all"})):
        live = ec2.register_image(Name=f"plumb-{name}", RootDeviceName="/dev/sda1", Architecture="x86_64")["ImageId"]
        made = world.add(
            "aws_ami",
            name,
            name=f"plumb-{name}",
            root_device_name="/dev/sda1",
            virtualization_type="hvm",
            ebs_block_device=[{"device_name": "/dev/sda1", "volume_size": 8}],
        )
        if launch:
            ec2.modify_image_attribute(ImageId=live, LaunchPermission={"Add": [launch]})
            world.add(
                "aws_ami_launch_permission",
                name,
                image_id=made["id"],
                account_id=launch.get("UserId"),
                group=launch.get("Group"),
            )
        world.pair(made, f"arn:aws:ec2:{HOME}::image/{live}")


def package():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo("app.py", (2026, 1, 1, 0, 0, 0)), "def handler(event, context): return 1\n")
    return file.getvalue()


def functions(world):
    live = world.client("lambda")
    role = f"arn:aws:iam::{world.account}:role/plumb-function"
    world.client("iam").create_role(
        RoleName="plumb-function",
        AssumeRolePolicyDocument=policy(
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ),
    )
    code = package()

    def function(name, runtime="python3.13", variables=None, url=None, permissions=(), alias=None):
        """With an alias, address and permissions are the alias's, not the function's."""
        full = f"plumb-{name}"
        live.create_function(
            FunctionName=full,
            Runtime=runtime,
            Role=role,
            Handler="app.handler",
            Code={"ZipFile": code},
            **({"Environment": {"Variables": variables}} if variables else {}),
        )
        made = world.add(
            "aws_lambda_function",
            name,
            function_name=full,
            role=role,
            runtime=runtime,
            handler="app.handler",
            filename="app.zip",
            environment=[{"variables": variables}] if variables else None,
        )
        there = {"Qualifier": alias} if alias else {}
        if alias:
            version = live.publish_version(FunctionName=full)["Version"]
            live.create_alias(FunctionName=full, Name=alias, FunctionVersion=version)
        if url:
            live.create_function_url_config(FunctionName=full, AuthType=url, **there)
            world.add(
                "aws_lambda_function_url",
                name,
                function_name=made["function_name"],
                authorization_type=url,
                qualifier=alias,
            )
        for index, (principal, more) in enumerate(permissions):
            names = {"source_arn": "SourceArn", "source_account": "SourceAccount", "principal_org_id": "PrincipalOrgID"}
            names |= {"function_url_auth_type": "FunctionUrlAuthType"}
            live.add_permission(
                FunctionName=full,
                StatementId=f"s{index}",
                Action="lambda:InvokeFunction",
                Principal=principal,
                **there,
                **{names[key]: value for key, value in more.items()},
            )
            world.add(
                "aws_lambda_permission",
                f"{name}-{index}",
                function_name=made["function_name"] if index else made["arn"],
                statement_id=f"s{index}",
                action="lambda:InvokeFunction",
                principal=principal,
                qualifier=alias,
                **more,
            )
        world.pair(made, world.arn("lambda", f"function:{full}"))

    image = "plumb/app:1.0"
    live.create_function(FunctionName="plumb-image", PackageType="Image", Role=role, Code={"ImageUri": image})
    made = world.add(
        "aws_lambda_function",
        "image",
        function_name="plumb-image",
        role=role,
        package_type="Image",
        image_uri=image,
    )
    world.pair(made, world.arn("lambda", "function:plumb-image"))
    function("bare")
    for runtime in ("nodejs16.x", "nodejs22.x", "python3.9", "python3.12", "go1.x", "java21"):
        function(f"runtime-{runtime.replace('.', '-')}", runtime=runtime)
    function("variables", variables={"STAGE": "test"})
    function("secret", variables={"STAGE": "test", "DB_PASSWORD": "x"})
    function("token", variables={"GITHUB_TOKEN": "x"})
    function("url-open", url="NONE")
    function("url-signed", url="AWS_IAM")
    bucket = {"source_arn": "arn:aws:s3:::plumb-uploads", "source_account": world.account}
    function("from-bucket", permissions=[("s3.amazonaws.com", bucket)])
    function("from-topic", permissions=[("sns.amazonaws.com", {"source_arn": world.arn("sns", "news")})])
    function("from-anyone", permissions=[("*", {})])
    function("from-organization", permissions=[("*", {"principal_org_id": "o-a1b2c3d4e5"})])
    function("from-account", permissions=[("*", {"source_account": "210987654321"})])
    function("from-source", permissions=[("*", {"source_arn": "arn:aws:s3:::plumb-uploads"})])
    function("from-partner", permissions=[("210987654321", {})])
    function("from-url", permissions=[("*", {"function_url_auth_type": "AWS_IAM"})])
    function("alias-from-anyone", permissions=[("*", {})], alias="live")
    function("alias-url-open", url="NONE", alias="live")
    function("from-several", permissions=[("s3.amazonaws.com", bucket), ("*", {})])


PULL = ["ecr:BatchGetImage"]
REPOSITORY_POLICIES = {
    "open": {"Effect": "Allow", "Principal": "*", "Action": PULL},
    "open-aws": {"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": PULL},
    "partner": {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::210987654321:root"}, "Action": PULL},
    "organization": {
        "Effect": "Allow",
        "Principal": "*",
        "Action": PULL,
        "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}},
    },
    "denied": {"Effect": "Deny", "Principal": "*", "Action": PULL},
}


def repositories(world):
    ecr = world.client("ecr")
    key = world.arn("kms", "key/0f3ad1b1-2a53-4d1e-8d14-5f0f6b0c7a11")

    def repository(name, mutability=None, scan=None, encryption=None, own=None, statement=None, lifecycle=False):
        full = f"plumb/{name}"
        written, arguments = {}, {}
        if mutability:
            written["imageTagMutability"] = arguments["image_tag_mutability"] = mutability
        if scan is not None:
            written["imageScanningConfiguration"] = {"scanOnPush": scan}
            arguments["image_scanning_configuration"] = [{"scan_on_push": scan}]
        if encryption:
            written["encryptionConfiguration"] = {"encryptionType": encryption} | ({"kmsKey": own} if own else {})
            arguments["encryption_configuration"] = [
                {"encryption_type": encryption} | ({"kms_key": own} if own else {})
            ]
        arn = ecr.create_repository(repositoryName=full, **written)["repository"]["repositoryArn"]
        made = world.add("aws_ecr_repository", name, name=full, **arguments)
        world.pair(made, arn)
        if statement:
            text = policy(statement)
            ecr.set_repository_policy(repositoryName=full, policyText=text)
            world.add("aws_ecr_repository_policy", name, repository=made["name"], policy=Text(text))
        if lifecycle:
            text = (
                '{"rules":[{"rulePriority":1,"selection":{"tagStatus":"untagged","countType":"sinceImagePushed",'
                '"countUnit":"days","countNumber":14},"action":{"type":"expire"}}]}'
            )
            ecr.put_lifecycle_policy(repositoryName=full, lifecyclePolicyText=text)
            world.add("aws_ecr_lifecycle_policy", name, repository=made["id"], policy=Text(text))

    repository("bare")
    repository("immutable", mutability="IMMUTABLE")
    repository("mutable", mutability="MUTABLE")
    repository("scanned", scan=True)
    repository("not-scanned", scan=False)
    repository("aes", encryption="AES256")
    repository("kms", encryption="KMS")
    repository("kms-own", encryption="KMS", own=key)
    repository("kms-twice", encryption="KMS_DSSE")
    repository("lifecycle", lifecycle=True)
    for name, statement in REPOSITORY_POLICIES.items():
        repository(name, statement=statement)
    repository("good", "IMMUTABLE", True, "KMS", key, REPOSITORY_POLICIES["partner"], True)


def clusters(world):
    eks = world.client("eks")
    key = world.arn("kms", "key/0f3ad1b1-2a53-4d1e-8d14-5f0f6b0c7a11")
    role = f"arn:aws:iam::{world.account}:role/plumb-function"
    _, subnets = network(world, "10.71")

    def cluster(name, public=None, private=None, networks=None, logs=None, encrypted=False):
        access, block = {"subnetIds": subnets}, {"subnet_ids": subnets}
        for value, there, here in (
            (public, "endpointPublicAccess", "endpoint_public_access"),
            (private, "endpointPrivateAccess", "endpoint_private_access"),
            (networks, "publicAccessCidrs", "public_access_cidrs"),
        ):
            if value is not None:
                access[there] = block[here] = value
        more, arguments = {}, {}
        if logs:
            more["logging"] = {"clusterLogging": [{"types": logs, "enabled": True}]}
            arguments["enabled_cluster_log_types"] = logs
        if encrypted:
            more["encryptionConfig"] = [{"resources": ["secrets"], "provider": {"keyArn": key}}]
            arguments["encryption_config"] = [{"resources": ["secrets"], "provider": [{"key_arn": key}]}]
        arn = eks.create_cluster(name=f"plumb-{name}", roleArn=role, resourcesVpcConfig=access, **more)["cluster"][
            "arn"
        ]
        made = world.add("aws_eks_cluster", name, name=f"plumb-{name}", role_arn=role, vpc_config=[block], **arguments)
        world.pair(made, arn)

    cluster("bare")
    cluster("public", public=True, private=True)
    cluster("closed", public=False, private=True)
    cluster("office", public=True, networks=["203.0.113.0/24"])
    cluster("world", public=True, networks=["0.0.0.0/0"])
    cluster("office-and-world", networks=["203.0.113.0/24", "0.0.0.0/0"])
    cluster("logs", logs=["api", "audit", "authenticator"])
    cluster("all-logs", logs=["api", "audit", "authenticator", "controllerManager", "scheduler"])
    cluster("few-logs", logs=["audit"])
    cluster("encrypted", encrypted=True)
    cluster("good", False, True, None, ["api", "audit", "authenticator"], True)


def balancers(world):
    elb = world.client("elbv2")
    waf = world.client("wafv2")
    ec2 = world.client("ec2")
    vpc, subnets = network(world, "10.72")
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    group = ec2.create_security_group(GroupName="balancers", Description="Test", VpcId=vpc)["GroupId"]
    certificate = world.client("acm").request_certificate(DomainName="www.example.org", ValidationMethod="DNS")[
        "CertificateArn"
    ]
    targets = {
        protocol: elb.create_target_group(Name=f"plumb-{protocol}".lower(), Protocol=protocol, Port=80, VpcId=vpc)[
            "TargetGroups"
        ][0]["TargetGroupArn"]
        for protocol in ("HTTP", "TCP")
    }
    seen = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "plumb"}
    acl = waf.create_web_acl(Name="plumb", Scope="REGIONAL", DefaultAction={"Allow": {}}, VisibilityConfig=seen)[
        "Summary"
    ]["ARN"]

    def balancer(name, type=None, internal=None, logs=None, protected=False, listeners=()):
        settings = {"SecurityGroups": [group]} if type != "network" else {}
        live = elb.create_load_balancer(
            Name=f"plumb-{name}",
            Subnets=subnets,
            Type=type or "application",
            Scheme="internal" if internal else "internet-facing",
            **settings,
        )["LoadBalancers"][0]["LoadBalancerArn"]
        made = world.add(
            "aws_lb",
            name,
            name=f"plumb-{name}",
            subnets=subnets,
            load_balancer_type=type,
            internal=internal,
            security_groups=[group] if settings else None,
            access_logs=None if logs is None else [{"bucket": "plumb-main-logs", "enabled": logs}],
        )
        world.pair(made, live)
        if logs:
            attributes = [("access_logs.s3.enabled", "true"), ("access_logs.s3.bucket", "plumb-main-logs")]
            elb.modify_load_balancer_attributes(
                LoadBalancerArn=live, Attributes=[{"Key": key, "Value": value} for key, value in attributes]
            )
        if protected:
            waf.associate_web_acl(WebACLArn=acl, ResourceArn=live)
            world.add("aws_wafv2_web_acl_association", name, resource_arn=made["arn"], web_acl_arn=acl)
        for port, protocol, action, rules in listeners:
            target = targets["TCP" if type == "network" else "HTTP"]
            redirect = {"port": "443", "protocol": "HTTPS", "status_code": "HTTP_301"}
            forms = {
                "forward": (
                    {"Type": "forward", "TargetGroupArn": target},
                    {"type": "forward", "target_group_arn": target},
                ),
                "redirect": (
                    {
                        "Type": "redirect",
                        "RedirectConfig": {"Port": "443", "Protocol": "HTTPS", "StatusCode": "HTTP_301"},
                    },
                    {"type": "redirect", "redirect": [redirect]},
                ),
                "elsewhere": (
                    {
                        "Type": "redirect",
                        "RedirectConfig": {"Host": "example.org", "Protocol": "HTTP", "StatusCode": "HTTP_302"},
                    },
                    {
                        "type": "redirect",
                        "redirect": [{"host": "example.org", "protocol": "HTTP", "status_code": "HTTP_302"}],
                    },
                ),
                "fixed": (
                    {
                        "Type": "fixed-response",
                        "FixedResponseConfig": {"StatusCode": "200", "ContentType": "text/plain"},
                    },
                    {
                        "type": "fixed-response",
                        "fixed_response": [{"status_code": "200", "content_type": "text/plain"}],
                    },
                ),
            }
            there, here = forms[action]
            encrypted = protocol in ("HTTPS", "TLS")
            elb.create_listener(
                LoadBalancerArn=live,
                Port=port,
                Protocol=protocol,
                DefaultActions=[there],
                **({"Certificates": [{"CertificateArn": certificate}]} if encrypted else {}),
                **({"SslPolicy": rules} if rules else {}),
            )
            world.add(
                "aws_lb_listener",
                f"{name}-{port}",
                load_balancer_arn=made["arn"],
                port=port,
                protocol=protocol,
                ssl_policy=rules,
                certificate_arn=certificate if encrypted else None,
                default_action=[here],
            )

    new, old = "ELBSecurityPolicy-TLS13-1-2-2021-06", "ELBSecurityPolicy-2016-08"
    balancer("bare")
    balancer("inside", internal=True)
    balancer("outside", internal=False)
    balancer("logs", logs=True)
    balancer("no-logs", logs=False)
    balancer("protected", protected=True)
    balancer("inside-protected", internal=True, protected=True)
    balancer("network", type="network")
    balancer("network-logs", type="network", logs=True)
    balancer("network-tls", type="network", listeners=[(443, "TLS", "forward", new)])
    balancer("network-tcp", type="network", listeners=[(5432, "TCP", "forward", None)])
    balancer("gateway-less", internal=True, listeners=[(80, "HTTP", "fixed", None)])
    balancer("plain", listeners=[(80, "HTTP", "forward", None)])
    balancer("redirect", listeners=[(80, "HTTP", "redirect", None)])
    balancer("elsewhere", listeners=[(80, "HTTP", "elsewhere", None)])
    balancer("tls", listeners=[(443, "HTTPS", "forward", new)])
    balancer("tls-old", listeners=[(443, "HTTPS", "forward", old)])
    balancer("tls-left", listeners=[(443, "HTTPS", "forward", None)])
    balancer("both", listeners=[(80, "HTTP", "redirect", None), (443, "HTTPS", "forward", new)])
    balancer("mixed", listeners=[(443, "HTTPS", "forward", new), (8443, "HTTPS", "forward", old)])
    balancer("good", None, False, True, True, [(80, "HTTP", "redirect", None), (443, "HTTPS", "forward", new)])
