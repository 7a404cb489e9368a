"""The same configurations twice: as a Terraform plan, and made in moto with boto3.

  pairs.py --endpoint URL --output FOLDER

Writes NAME.plan.json for each account, and pairs.json: the accounts with their regions, credentials, the Terraform
types of their plans and which address of a plan is which live resource; what moto lacks; and why verdicts may differ
or be unknown. The server must be one that was just started or reset.
"""

import argparse
import fnmatch
import json
import sys
import urllib.request
from pathlib import Path

import botocore.exceptions

sys.path.append(str(Path(__file__).resolve().parent.parent))
import settings
from buckets import buckets
from compute import balancers, clusters, disks, functions, machines, repositories
from data import certificates, databases, file_systems, log_groups, secrets, tables, topics, trails
from identity import keys, policies, roles, server_certificates, users
from network import access_lists, networks, security_groups
from world import HOME, World, kinds

# What makes the configurations of which types; all of them go into one account.
MAKERS = [
    (buckets, "aws_s3_bucket and the eight types that configure parts of it"),
    (security_groups, "aws_security_group, aws_default_security_group, and the three types of their rules"),
    (access_lists, "aws_network_acl, aws_network_acl_rule"),
    (networks, "aws_vpc, aws_subnet, aws_flow_log"),
    (machines, "aws_instance, aws_eip, aws_eip_association"),
    (disks, "aws_ebs_volume, aws_ebs_snapshot, aws_ami, and their permissions"),
    (functions, "aws_lambda_function, aws_lambda_function_url, aws_lambda_permission"),
    (repositories, "aws_ecr_repository, its policy and its lifecycle"),
    (clusters, "aws_eks_cluster"),
    (balancers, "aws_lb, aws_lb_listener, aws_wafv2_web_acl_association"),
    (policies, "aws_iam_policy and the ways to attach it"),
    (roles, "aws_iam_role, aws_iam_role_policy, aws_iam_instance_profile"),
    (users, "aws_iam_user, its policies, keys and password, aws_iam_group"),
    (server_certificates, "aws_iam_server_certificate"),
    (keys, "aws_kms_key, aws_kms_key_policy"),
    (databases, "aws_db_instance, aws_rds_cluster, their members, snapshots and parameters"),
    (tables, "aws_dynamodb_table"),
    (file_systems, "aws_efs_file_system"),
    (topics, "aws_sns_topic, its policy and subscriptions"),
    (secrets, "aws_secretsmanager_secret, its policy and rotation"),
    (log_groups, "aws_cloudwatch_log_group"),
    (certificates, "aws_acm_certificate"),
    (trails, "aws_cloudtrail"),
]

# Mapped types that no plan here has.
LEFT_OUT = {
    "aws_accessanalyzer_analyzer": "moto has no Access Analyzer",
    "aws_securityhub_standards_subscription": "moto does not tell the standards of a hub",
    "aws_guardduty_detector_feature": "no rule reads it, and moto does not tell features",
    "aws_lb_listener_certificate": "no rule reads it",
    "aws_network_acl_association": "no rule reads it",
    "aws_volume_attachment": "no rule reads it",
    "aws_vpc_ipv4_cidr_block_association": "no rule reads it",
}

# Kinds that moto cannot list; what asks for them has no live side.
UNREADABLE = {
    "accessanalyzer/analyzer": LEFT_OUT["aws_accessanalyzer_analyzer"],
    "securityhub/standard": LEFT_OUT["aws_securityhub_standards_subscription"],
}

# Where verdicts differ because moto is not as AWS: rule, addresses, reason.
EXCUSED = [
    (
        "aws.s3.bucket-not-public",
        ["aws_s3_bucket.policy-everywhere", "aws_s3_bucket.policy-like-any", "aws_s3_bucket.policy-all-but"],
        "moto calls no statement public that has a condition or NotPrincipal; S3 weighs them",
    ),
    (
        "aws.s3.mfa-delete",
        ["aws_s3_bucket.versioning-1", "aws_s3_bucket.versioning-inline-mfa", "aws_s3_bucket.good"],
        "moto forgets MFA delete",
    ),
    (
        "aws.lambda.not-public",
        ["aws_lambda_function.alias-*"],
        "moto gives the policy and the address of an alias to the function",
    ),
]

# Why a plan may leave a verdict open. Values of related resources count too: that these were all read is given.
OPEN = [
    "known after apply",
    "known only from the live account",
    "as in the source of the replica",
    "as in the cluster",
    "left as it is",
    "not fully read",
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--endpoint", required=True, metavar="URL")
    parser.add_argument("--output", required=True, type=Path, metavar="FOLDER")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    endpoint = arguments.endpoint.rstrip("/")
    # Without proxies: the server is on this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    opener.open(urllib.request.Request(f"{endpoint}/moto-api/seed?a=42", method="POST")).read()

    worlds = [World(endpoint, "main", "200000000001")]
    for make, _ in MAKERS:
        make(worlds[0])
    for number in range(settings.COUNT):
        worlds.append(World(endpoint, f"account-{number}", f"20000000001{number}", [HOME, *settings.REGIONS]))
        settings.account(worlds[-1], number)
    for world in worlds:
        (arguments.output / f"{world.name}.plan.json").write_text(json.dumps(world.plan.json))
        for pair in world.pairs:
            pair["excused"] = {
                rule: reason
                for rule, addresses, reason in EXCUSED
                if world.name == "main" and any(fnmatch.fnmatchcase(pair["address"], known) for known in addresses)
            }
    told = {
        "accounts": [world.json for world in worlds],
        "kinds": kinds(),
        "left_out": LEFT_OUT,
        "unreadable": UNREADABLE,
        "open": OPEN,
    }
    (arguments.output / "pairs.json").write_text(json.dumps(told, indent=1))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, OSError) as error:
        print(f"pairs: {error}", file=sys.stderr)
        sys.exit(2)
