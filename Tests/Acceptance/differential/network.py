"""Security groups in the three forms that Terraform has, lists of access, networks and their flow logs."""

ANY = "0.0.0.0/0"
ANY6 = "::/0"
OFFICE = "203.0.113.0/24"
NUMBERS = {"tcp": "6", "udp": "17", "icmp": "1", "-1": "-1", "6": "6", "icmpv6": "58"}


class Rule:
    """One rule of a security group; sources are networks, "self" or the group "other"."""

    def __init__(self, protocol, first, last, *sources):
        self.protocol, self.first, self.last, self.sources = protocol, first, last, sources

    def only(self, test):
        return [source for source in self.sources if test(source)]

    @property
    def v4(self):
        return self.only(lambda source: "." in source)

    @property
    def v6(self):
        return self.only(lambda source: ":" in source)

    def block(self, other):
        """As a block in aws_security_group; such a block names all its arguments."""
        return {
            "protocol": self.protocol,
            "from_port": self.first,
            "to_port": self.last,
            "cidr_blocks": self.v4,
            "ipv6_cidr_blocks": self.v6,
            "prefix_list_ids": [],
            "security_groups": [other["id"]] if "other" in self.sources else [],
            "self": "self" in self.sources,
            "description": "",
        }

    def live(self, own, other):
        permission = {"IpProtocol": self.protocol}
        if self.protocol != "-1":
            permission |= {"FromPort": self.first, "ToPort": self.last}
        if self.v4:
            permission["IpRanges"] = [{"CidrIp": source} for source in self.v4]
        if self.v6:
            permission["Ipv6Ranges"] = [{"CidrIpv6": source} for source in self.v6]
        groups = [{"self": own, "other": other}[source] for source in self.sources if source in ("self", "other")]
        if groups:
            permission["UserIdGroupPairs"] = [{"GroupId": group} for group in groups]
        return permission


INGRESS = {
    "ssh": [Rule("tcp", 22, 22, ANY)],
    "ssh-6": [Rule("tcp", 22, 22, ANY6)],
    "ssh-office": [Rule("tcp", 22, 22, OFFICE)],
    "ssh-range": [Rule("tcp", 20, 25, ANY)],
    "ssh-udp": [Rule("udp", 22, 22, ANY)],
    "ssh-number": [Rule("6", 22, 22, ANY)],
    "rdp": [Rule("tcp", 3389, 3389, ANY)],
    "smb": [Rule("tcp", 440, 450, ANY6)],
    "all": [Rule("-1", 0, 0, ANY)],
    "all-6": [Rule("-1", 0, 0, ANY6)],
    "all-office": [Rule("-1", 0, 0, OFFICE)],
    "all-tcp": [Rule("tcp", 0, 65535, ANY)],
    "all-udp": [Rule("udp", 1, 65535, ANY)],
    "most-tcp": [Rule("tcp", 1024, 65535, ANY)],
    "https": [Rule("tcp", 443, 443, ANY), Rule("tcp", 443, 443, ANY6)],
    "http": [Rule("tcp", 80, 443, ANY)],
    "mysql": [Rule("tcp", 3306, 3306, "10.0.0.0/8", ANY)],
    "memcached": [Rule("udp", 11211, 11211, ANY)],
    "redis-office": [Rule("tcp", 6379, 6379, OFFICE)],
    "half": [Rule("tcp", 22, 22, "0.0.0.0/1", "128.0.0.0/1")],
    "ping": [Rule("icmp", -1, -1, ANY)],
    "ping-6": [Rule("icmpv6", -1, -1, ANY6)],
    "itself": [Rule("-1", 0, 0, "self")],
    "other": [Rule("tcp", 5432, 5432, "other")],
    "two": [Rule("tcp", 443, 443, ANY), Rule("tcp", 22, 22, OFFICE), Rule("tcp", 5432, 5432, "other")],
}
EGRESS = {
    "out-all": [Rule("-1", 0, 0, ANY)],
    "out-all-6": [Rule("-1", 0, 0, ANY6)],
    "out-tcp": [Rule("tcp", 0, 65535, ANY)],
    "out-https": [Rule("tcp", 443, 443, ANY)],
    "out-office": [Rule("-1", 0, 0, OFFICE)],
    "out-both": [Rule("tcp", 443, 443, ANY), Rule("udp", 1, 65535, ANY)],
}


def fill(ec2, group, ingress, egress, other):
    """Gives a live group exactly these rules; Terraform too removes the one that AWS makes."""
    ec2.revoke_security_group_egress(
        GroupId=group,
        IpPermissions=ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissionsEgress"],
    )
    for rules, authorize in (
        (ingress, ec2.authorize_security_group_ingress),
        (egress, ec2.authorize_security_group_egress),
    ):
        if rules:
            authorize(GroupId=group, IpPermissions=[rule.live(group, other) for rule in rules])


def security_groups(world):
    ec2 = world.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.50.0.0/16")["Vpc"]["VpcId"]
    groups = {}

    def group(name, ingress, egress, /, **written):
        made = world.add("aws_security_group", name, name=f"plumb-{name}", description="Test", vpc_id=vpc, **written)
        live = ec2.create_security_group(GroupName=f"plumb-{name}", Description="Test", VpcId=vpc)["GroupId"]
        fill(ec2, live, ingress, egress, groups.get("other"))
        world.pair(made, world.arn("ec2", f"security-group/{live}"))
        groups.setdefault("other", live)
        return made

    other = group("plain", [], [])
    group("empty", [], [], ingress=[], egress=[])

    def blocks(rules):
        return [rule.block(other) for rule in rules]

    for name, rules in INGRESS.items():
        group(f"in-{name}", rules, [], ingress=blocks(rules), egress=[])
    for name, rules in EGRESS.items():
        group(f"in-{name}", [], rules, ingress=[], egress=blocks(rules))

    # Rules as resources of their own. The older one takes several networks, the newer a single source.
    for number, (name, rules) in enumerate([*INGRESS.items(), *EGRESS.items()]):
        out = name in EGRESS
        given = ([], rules) if out else (rules, [])
        if number % 2 or out:
            made = group(f"old-{name}", *given)
            for index, rule in enumerate(rules):
                world.add(
                    "aws_security_group_rule",
                    f"{name}-{index}",
                    security_group_id=made["id"],
                    type="egress" if out else "ingress",
                    protocol=rule.protocol,
                    from_port=rule.first,
                    to_port=rule.last,
                    cidr_blocks=rule.v4 or None,
                    ipv6_cidr_blocks=rule.v6 or None,
                    self=True if "self" in rule.sources else None,
                    source_security_group_id=other["id"] if "other" in rule.sources else None,
                )
        if number % 2 == 0 or out:
            made = group(f"new-{name}", *given)
            for index, (rule, source) in enumerate((one, source) for one in rules for source in one.sources):
                ports = {} if rule.protocol == "-1" else {"from_port": rule.first, "to_port": rule.last}
                world.add(
                    f"aws_vpc_security_group_{'egress' if out else 'ingress'}_rule",
                    f"{name}-{index}",
                    security_group_id=made["id"],
                    ip_protocol=rule.protocol,
                    cidr_ipv4=source if "." in source else None,
                    cidr_ipv6=source if ":" in source else None,
                    referenced_security_group_id={"self": made["id"], "other": other["id"]}.get(source),
                    **ports,
                )

    # The group that each network begins with; Terraform adopts it and gives it the rules written.
    own = Rule("-1", 0, 0, "self")
    for name, ingress, egress in (
        ("closed", [], []),
        ("as-made", [own], [Rule("-1", 0, 0, ANY)]),
        ("in-only", [own], []),
        ("out-only", [], [Rule("tcp", 443, 443, ANY)]),
    ):
        network = ec2.create_vpc(CidrBlock="10.51.0.0/16")["Vpc"]["VpcId"]
        of_network = [{"Name": "vpc-id", "Values": [network]}, {"Name": "group-name", "Values": ["default"]}]
        live = ec2.describe_security_groups(Filters=of_network)["SecurityGroups"][0]["GroupId"]
        fill(ec2, live, ingress, egress, None)
        made = world.add(
            "aws_default_security_group", name, vpc_id=network, ingress=blocks(ingress), egress=blocks(egress)
        )
        world.pair(made, world.arn("ec2", f"security-group/{live}"))


# Lists of access: (number, action, protocol, first, last, network)
ENTRIES = {
    "ssh": [(100, "allow", "tcp", 22, 22, ANY)],
    "ssh-6": [(100, "allow", "tcp", 22, 22, ANY6)],
    "ssh-number": [(100, "allow", "6", 22, 22, ANY)],
    "ssh-office": [(100, "allow", "tcp", 22, 22, OFFICE)],
    "ssh-denied": [(100, "deny", "tcp", 22, 22, ANY)],
    "rdp": [(100, "allow", "tcp", 3000, 4000, ANY)],
    "all": [(100, "allow", "-1", 0, 0, ANY)],
    "https": [(100, "allow", "tcp", 443, 443, ANY), (110, "allow", "tcp", 1024, 3388, ANY)],
    "udp": [(100, "allow", "udp", 22, 22, ANY)],
    "behind": [(90, "deny", "tcp", 22, 22, ANY), (100, "allow", "tcp", 0, 65535, ANY)],
}


def access_lists(world):
    ec2 = world.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.52.0.0/16")["Vpc"]["VpcId"]

    def network_acl(name, entries, /, outward=False, **written):
        live = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
        for number, action, protocol, first, last, network in entries:
            ports = {"PortRange": {"From": first, "To": last}} if protocol != "-1" else {}
            ec2.create_network_acl_entry(
                NetworkAclId=live,
                RuleNumber=number,
                RuleAction=action,
                Protocol=NUMBERS[protocol],
                Egress=outward,
                **{"Ipv6CidrBlock" if ":" in network else "CidrBlock": network},
                **ports,
            )
        made = world.add("aws_network_acl", name, vpc_id=vpc, **written)
        world.pair(made, world.arn("ec2", f"network-acl/{live}"))
        return made

    def blocks(entries):
        return [
            {
                "rule_no": number,
                "action": action,
                "protocol": protocol,
                "from_port": first,
                "to_port": last,
                "cidr_block": "" if ":" in network else network,
                "ipv6_cidr_block": network if ":" in network else "",
                "icmp_type": 0,
                "icmp_code": 0,
            }
            for number, action, protocol, first, last, network in entries
        ]

    network_acl("none", [], ingress=[], egress=[])
    network_acl("out", ENTRIES["all"], outward=True, ingress=[], egress=blocks(ENTRIES["all"]))
    for name, entries in ENTRIES.items():
        network_acl(f"in-{name}", entries, ingress=blocks(entries), egress=[])
        made = network_acl(f"rule-{name}", entries)
        for number, action, protocol, first, last, network in entries:
            world.add(
                "aws_network_acl_rule",
                f"{name}-{number}",
                network_acl_id=made["id"],
                rule_number=number,
                rule_action=action,
                protocol=protocol,
                from_port=first,
                to_port=last,
                cidr_block=None if ":" in network else network,
                ipv6_cidr_block=network if ":" in network else None,
            )


def networks(world):
    """Networks that exist already, for a new one's id is known after apply and its flow logs cannot be told."""
    ec2 = world.client("ec2")
    for index in range(2):
        world.client("s3").create_bucket(Bucket=f"plumb-flow-{index}")
    for number, (name, logs) in enumerate(
        {
            "none": [],
            "all": [{"traffic_type": "ALL"}],
            "reject": [{"traffic_type": "REJECT"}],
            "accept": [{"traffic_type": "ACCEPT"}],
            "two": [{"traffic_type": "ACCEPT"}, {"traffic_type": "REJECT"}],
            "subnet-only": [{"traffic_type": "ALL", "subnet": True}],
        }.items()
    ):
        live = ec2.create_vpc(CidrBlock=f"10.{60 + number}.0.0/16")["Vpc"]["VpcId"]
        made = world.add("aws_vpc", name, {"id": live}, cidr_block=f"10.{60 + number}.0.0/16")
        world.pair(made, world.arn("ec2", f"vpc/{live}"))
        for index, public in enumerate((True, False, None)):
            block = f"10.{60 + number}.{index}.0/24"
            subnet = ec2.create_subnet(VpcId=live, CidrBlock=block)["Subnet"]
            if public:
                ec2.modify_subnet_attribute(SubnetId=subnet["SubnetId"], MapPublicIpOnLaunch={"Value": True})
            if number < 2:
                part = world.add(
                    "aws_subnet",
                    f"{name}-{index}",
                    vpc_id=made["id"],
                    cidr_block=block,
                    map_public_ip_on_launch=public,
                )
                world.pair(part, subnet["SubnetArn"])
        for index, log in enumerate(logs):
            target = subnet["SubnetId"] if log.get("subnet") else live
            log_id = ec2.create_flow_logs(
                ResourceIds=[target],
                ResourceType="Subnet" if log.get("subnet") else "VPC",
                TrafficType=log["traffic_type"],
                LogDestinationType="s3",
                LogDestination=f"arn:aws:s3:::plumb-flow-{index}",
            )["FlowLogIds"][0]
            made_log = world.add(
                "aws_flow_log",
                f"{name}-{index}",
                vpc_id=None if log.get("subnet") else made["id"],
                subnet_id=target if log.get("subnet") else None,
                traffic_type=log["traffic_type"],
                log_destination_type="s3",
                log_destination=f"arn:aws:s3:::plumb-flow-{index}",
            )
            world.pair(made_log, world.arn("ec2", f"vpc-flow-log/{log_id}"))
