"""Databases, tables, file systems, topics, secrets, log groups, certificates and trails."""

from certificates import certificate
from plan import Text
from world import allow, policy

PASSWORD = "Plumb-Line-1"


def databases(world):
    rds = world.client("rds")
    key = world.arn("kms", "key/0f3ad1b1-2a53-4d1e-8d14-5f0f6b0c7a11")
    groups = {}
    for name, family, parameters in (
        ("tls", "postgres15", {"rds.force_ssl": "1"}),
        ("plain", "postgres15", {"rds.force_ssl": "0"}),
        ("secure", "mysql8.0", {"require_secure_transport": "ON"}),
        ("insecure", "mysql8.0", {"require_secure_transport": "0"}),
        ("other", "mysql8.0", {"max_connections": "100"}),
    ):
        full = f"plumb-{name}"
        arn = rds.create_db_parameter_group(
            DBParameterGroupName=full, DBParameterGroupFamily=family, Description="Managed by Terraform"
        )["DBParameterGroup"]["DBParameterGroupArn"]
        rds.modify_db_parameter_group(
            DBParameterGroupName=full,
            Parameters=[
                {"ParameterName": key, "ParameterValue": value, "ApplyMethod": "immediate"}
                for key, value in parameters.items()
            ],
        )
        groups[name] = world.add(
            "aws_db_parameter_group",
            name,
            name=full,
            family=family,
            parameter=[{"name": key, "value": value} for key, value in parameters.items()],
        )
        world.pair(groups[name], arn)

    names = {
        "storage_encrypted": "StorageEncrypted",
        "kms_key_id": "KmsKeyId",
        "publicly_accessible": "PubliclyAccessible",
        "multi_az": "MultiAZ",
        "auto_minor_version_upgrade": "AutoMinorVersionUpgrade",
        "backup_retention_period": "BackupRetentionPeriod",
        "deletion_protection": "DeletionProtection",
    }

    def instance(name, engine="postgres", version="16.4", group=None, **settings):
        full = f"plumb-{name}"
        given = {names[key]: value for key, value in settings.items()}
        # The provider sends its own defaults, so that AWS's do not count.
        given.setdefault("PubliclyAccessible", False)
        made_live = rds.create_db_instance(
            DBInstanceIdentifier=full,
            DBInstanceClass="db.t3.micro",
            Engine=engine,
            EngineVersion=version,
            AllocatedStorage=20,
            MasterUsername="plumb",
            MasterUserPassword=PASSWORD,
            **({"DBParameterGroupName": f"plumb-{group}"} if group else {}),
            **given,
        )["DBInstance"]
        made = world.add(
            "aws_db_instance",
            name,
            identifier=full,
            instance_class="db.t3.micro",
            engine=engine,
            engine_version=version,
            allocated_storage=20,
            username="plumb",
            password=PASSWORD,
            parameter_group_name=groups[group]["name"] if group else None,
            **settings,
        )
        world.pair(made, made_live["DBInstanceArn"])
        return made

    instance("bare")
    instance("encrypted", storage_encrypted=True)
    instance("own-key", storage_encrypted=True, kms_key_id=key)
    instance("not-encrypted", storage_encrypted=False)
    instance("public", publicly_accessible=True)
    instance("private", publicly_accessible=False)
    instance("two-zones", multi_az=True)
    instance("one-zone", multi_az=False)
    instance("upgrades", auto_minor_version_upgrade=True)
    instance("stays", auto_minor_version_upgrade=False)
    for days in (0, 6, 7, 30):
        instance(f"backup-{days}", backup_retention_period=days)
    protected = instance("protected", deletion_protection=True, backup_retention_period=7)
    instance("unprotected", deletion_protection=False)
    for group in ("tls", "plain"):
        instance(f"group-{group}", group=group)
    for group in ("secure", "insecure", "other"):
        instance(f"group-{group}", engine="mysql", version="8.0.39", group=group)
    instance("oracle", engine="oracle-se2", version="19.0.0.0.ru-2024-01.rur-2024-01.r1")
    instance(
        "good",
        group="tls",
        storage_encrypted=True,
        kms_key_id=key,
        publicly_accessible=False,
        multi_az=True,
        auto_minor_version_upgrade=True,
        backup_retention_period=14,
        deletion_protection=True,
    )
    rds.create_db_instance_read_replica(
        DBInstanceIdentifier="plumb-replica",
        SourceDBInstanceIdentifier="plumb-protected",
        PubliclyAccessible=False,
        DeletionProtection=False,  # as the provider sends it
    )
    replica = world.add(
        "aws_db_instance",
        "replica",
        identifier="plumb-replica",
        instance_class="db.t3.micro",
        replicate_source_db=protected["identifier"],
    )
    world.pair(replica, world.arn("rds", "db:plumb-replica"))

    for name, shared in (("private", None), ("shared", ["210987654321"]), ("public", ["all"])):
        full = f"plumb-{name}"
        arn = rds.create_db_snapshot(DBSnapshotIdentifier=full, DBInstanceIdentifier="plumb-good")["DBSnapshot"][
            "DBSnapshotArn"
        ]
        if shared:
            rds.modify_db_snapshot_attribute(DBSnapshotIdentifier=full, AttributeName="restore", ValuesToAdd=shared)
        made = world.add(
            "aws_db_snapshot",
            name,
            db_snapshot_identifier=full,
            db_instance_identifier="plumb-good",
            shared_accounts=shared,
        )
        world.pair(made, arn)

    def cluster(name, member=None, **settings):
        full = f"plumb-{name}"
        arn = rds.create_db_cluster(
            DBClusterIdentifier=full,
            Engine="aurora-postgresql",
            MasterUsername="plumb",
            MasterUserPassword=PASSWORD,
            **{names[key]: value for key, value in settings.items()},
        )["DBCluster"]["DBClusterArn"]
        made = world.add(
            "aws_rds_cluster",
            name,
            cluster_identifier=full,
            engine="aurora-postgresql",
            master_username="plumb",
            master_password=PASSWORD,
            **settings,
        )
        world.pair(made, arn)
        if member is None:
            return
        # The provider's default, which it sends.
        given = {"AutoMinorVersionUpgrade": True} | {names[key]: value for key, value in member.items()}
        arn = rds.create_db_instance(
            DBInstanceIdentifier=f"{full}-1",
            DBClusterIdentifier=full,
            DBInstanceClass="db.r6g.large",
            Engine="aurora-postgresql",
            **given,
        )["DBInstance"]["DBInstanceArn"]
        part = world.add(
            "aws_rds_cluster_instance",
            name,
            identifier=f"{full}-1",
            cluster_identifier=made["cluster_identifier"],
            instance_class="db.r6g.large",
            engine="aurora-postgresql",
            **member,
        )
        world.pair(part, arn)

    cluster("cluster-bare")
    cluster("cluster-member", member={})
    cluster("cluster-member-public", member={"publicly_accessible": True, "auto_minor_version_upgrade": False})
    cluster("cluster-member-private", member={"publicly_accessible": False, "auto_minor_version_upgrade": True})
    cluster("cluster-encrypted", storage_encrypted=True)
    cluster("cluster-own-key", storage_encrypted=True, kms_key_id=key)
    cluster("cluster-not-encrypted", storage_encrypted=False)
    cluster("cluster-protected", deletion_protection=True)
    cluster("cluster-unprotected", deletion_protection=False)
    for days in (1, 7, 35):
        cluster(f"cluster-backup-{days}", backup_retention_period=days)
    cluster("cluster-good", member={}, storage_encrypted=True, deletion_protection=True, backup_retention_period=14)


def tables(world):
    dynamo = world.client("dynamodb")
    key = world.arn("kms", "key/0f3ad1b1-2a53-4d1e-8d14-5f0f6b0c7a11")
    for name, recovery, own in (
        ("bare", None, False),
        ("recovery", True, False),
        ("none", False, False),
        ("own-key", True, True),
    ):
        full = f"plumb-{name}"
        encryption = {"SSESpecification": {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}} if own else {}
        arn = dynamo.create_table(
            TableName=full,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            **encryption,
        )["TableDescription"]["TableArn"]
        if recovery:
            dynamo.update_continuous_backups(
                TableName=full, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
            )
        made = world.add(
            "aws_dynamodb_table",
            name,
            name=full,
            billing_mode="PAY_PER_REQUEST",
            hash_key="id",
            attribute=[{"name": "id", "type": "S"}],
            point_in_time_recovery=None if recovery is None else [{"enabled": recovery}],
            server_side_encryption=[{"enabled": True, "kms_key_arn": key}] if own else None,
        )
        world.pair(made, arn)


def file_systems(world):
    efs = world.client("efs")
    key = world.arn("kms", "key/0f3ad1b1-2a53-4d1e-8d14-5f0f6b0c7a11")
    for name, encrypted, own in (
        ("bare", None, None),
        ("on", True, None),
        ("own-key", True, key),
        ("off", False, None),
    ):
        given = {} if encrypted is None else {"Encrypted": encrypted}
        given |= {"KmsKeyId": own} if own else {}
        arn = efs.create_file_system(CreationToken=name, **given)["FileSystemArn"]
        made = world.add("aws_efs_file_system", name, creation_token=name, encrypted=encrypted, kms_key_id=own)
        world.pair(made, arn)


def topics(world):
    sns = world.client("sns")
    key = world.arn("kms", "key/0f3ad1b1-2a53-4d1e-8d14-5f0f6b0c7a11")

    def topic(name, master=None, part=False, inside=False, subscribed=False, fifo=False):
        full = f"plumb-{name}" + (".fifo" if fifo else "")
        text = policy(allow("sns:Publish", world.arn("sns", full), Principal={"Service": "s3.amazonaws.com"}))
        given = {"KmsMasterKeyId": master} if master else {}
        given |= {"Policy": text} if part or inside else {}
        given |= {"FifoTopic": "true"} if fifo else {}
        arn = sns.create_topic(Name=full, Attributes=given)["TopicArn"]
        made = world.add(
            "aws_sns_topic",
            name,
            name=full,
            kms_master_key_id=master,
            fifo_topic=fifo or None,
            policy=Text(text) if inside else None,
        )
        world.pair(made, arn)
        if part:
            world.add("aws_sns_topic_policy", name, arn=made["arn"], policy=Text(text))
        if subscribed:
            mail = "security@example.org"
            sns.subscribe(TopicArn=arn, Protocol="email", Endpoint=mail)
            world.add("aws_sns_topic_subscription", name, topic_arn=made["arn"], protocol="email", endpoint=mail)

    topic("bare")
    topic("fifo", fifo=True)
    topic("own-key", master=key)
    topic("provided-key", master="alias/aws/sns")
    topic("policy", part=True)
    topic("policy-inside", inside=True, master=key)
    topic("subscribed", subscribed=True)


def secrets(world):
    manager = world.client("secretsmanager")
    function = world.arn("lambda", "function:plumb-bare")
    text = policy(allow("secretsmanager:GetSecretValue", Principal={"AWS": "arn:aws:iam::210987654321:root"}))

    def secret(name, key=None, rotates=None, part=False, inside=False):
        full = f"plumb/{name}"
        arn = manager.create_secret(Name=full, SecretString="x", **({"KmsKeyId": key} if key else {}))["ARN"]
        made = world.add(
            "aws_secretsmanager_secret", name, name=full, kms_key_id=key, policy=Text(text) if inside else None
        )
        world.pair(made, arn)
        if part or inside:
            manager.put_resource_policy(SecretId=arn, ResourcePolicy=text)
        if part:
            world.add("aws_secretsmanager_secret_policy", name, secret_arn=made["arn"], policy=Text(text))
        if rotates:
            manager.rotate_secret(
                SecretId=arn,
                RotationLambdaARN=function,
                RotationRules={"AutomaticallyAfterDays": rotates},
                RotateImmediately=False,
            )
            world.add(
                "aws_secretsmanager_secret_rotation",
                name,
                secret_id=made["id"],
                rotation_lambda_arn=function,
                rotation_rules=[{"automatically_after_days": rotates}],
            )

    secret("bare")
    secret("own-key", key=world.arn("kms", "key/0f3ad1b1-2a53-4d1e-8d14-5f0f6b0c7a11"))
    secret("policy", part=True)
    secret("policy-inside", inside=True)
    secret("rotates", rotates=30)
    secret("rotates-seldom", rotates=365, part=True)


def log_groups(world):
    logs = world.client("logs")
    key = world.arn("kms", "key/0f3ad1b1-2a53-4d1e-8d14-5f0f6b0c7a11")
    for name, days, own, kind in (
        ("bare", None, None, None),
        ("forever", 0, None, None),
        ("month", 30, None, None),
        ("almost", 180, None, None),
        ("year", 365, None, None),
        ("decade", 3653, key, None),
        ("own-key", None, key, None),
        ("seldom", 30, None, "INFREQUENT_ACCESS"),
    ):
        full = f"/plumb/{name}"
        given = {"kmsKeyId": own} if own else {}
        given |= {"logGroupClass": kind} if kind else {}
        logs.create_log_group(logGroupName=full, **given)
        if days:
            logs.put_retention_policy(logGroupName=full, retentionInDays=days)
        made = world.add(
            "aws_cloudwatch_log_group", name, name=full, retention_in_days=days, kms_key_id=own, log_group_class=kind
        )
        world.pair(made, world.arn("logs", f"log-group:{full}"))


def certificates(world):
    """Imported certificates exist already, for the plan of a new one does not read it."""
    acm = world.client("acm")
    for name, days in (("soon", 10), ("month", 29), ("later", 400), ("today", 1)):
        body, key = certificate(f"{name}.example.org", days)
        arn = acm.import_certificate(Certificate=body, PrivateKey=key)["CertificateArn"]
        end = acm.describe_certificate(CertificateArn=arn)["Certificate"]["NotAfter"]
        known = {"id": arn, "arn": arn, "not_after": end.strftime("%Y-%m-%dT%H:%M:%SZ"), "status": "ISSUED"}
        known |= {"type": "IMPORTED", "domain_name": f"{name}.example.org"}
        for suffix, facts in (("", known), ("-new", None)):
            made = world.add("aws_acm_certificate", name + suffix, facts, certificate_body=body, private_key=key)
            world.pair(made, arn)
    arn = acm.request_certificate(DomainName="plumb.example.org", ValidationMethod="DNS")["CertificateArn"]
    made = world.add("aws_acm_certificate", "requested", domain_name="plumb.example.org", validation_method="DNS")
    world.pair(made, arn)


SELECTORS = {
    "bare": {},
    "management": {"event_selector": [("All", True, [])]},
    "writes": {"event_selector": [("WriteOnly", True, [])]},
    "objects": {"event_selector": [("All", True, ["arn:aws:s3"])]},
    "objects-write": {"event_selector": [("WriteOnly", True, ["arn:aws:s3:::"])]},
    "objects-read": {"event_selector": [("ReadOnly", True, ["arn:aws:s3"])]},
    "one-bucket": {"event_selector": [("All", True, ["arn:aws:s3:::plumb-main-good/"])]},
    "data-only": {"event_selector": [("All", False, ["arn:aws:s3"])]},
    "advanced": {"advanced": [[("eventCategory", ["Management"])]]},
    "advanced-writes": {"advanced": [[("eventCategory", ["Management"]), ("readOnly", ["false"])]]},
    "advanced-objects": {"advanced": [[("eventCategory", ["Data"]), ("resources.type", ["AWS::S3::Object"])]]},
    "advanced-objects-writes": {
        "advanced": [
            [("eventCategory", ["Management"])],
            [("eventCategory", ["Data"]), ("resources.type", ["AWS::S3::Object"]), ("readOnly", ["false"])],
        ]
    },
}


def trail(world, name, bucket, selectors="bare", everywhere=None, logging=None, validation=None, key=None, group=None):
    """Bucket is a resource of the plan, or a name."""
    live = world.client("cloudtrail")
    full = f"plumb-{name}"
    role = f"arn:aws:iam::{world.account}:role/plumb-trail"
    bucket = bucket if isinstance(bucket, str) else bucket["bucket"]  # known, for it is written
    given = {"KmsKeyId": key} if key else {}
    given |= {"CloudWatchLogsLogGroupArn": group, "CloudWatchLogsRoleArn": role} if group else {}
    arn = live.create_trail(
        Name=full,
        S3BucketName=getattr(bucket, "value", bucket),
        IsMultiRegionTrail=bool(everywhere),
        EnableLogFileValidation=bool(validation),
        IncludeGlobalServiceEvents=True,
        **given,
    )["TrailARN"]
    if logging is not False:  # the provider starts it
        live.start_logging(Name=full)
    arguments, chosen = {}, SELECTORS[selectors]
    if "event_selector" in chosen:
        type = "AWS::S3::Object"
        arguments["event_selector"] = [
            {
                "read_write_type": kind,
                "include_management_events": management,
                "data_resource": [{"type": type, "values": values}] if values else [],
            }
            for kind, management, values in chosen["event_selector"]
        ]
        live.put_event_selectors(
            TrailName=full,
            EventSelectors=[
                {
                    "ReadWriteType": kind,
                    "IncludeManagementEvents": management,
                    "DataResources": [{"Type": type, "Values": values}] if values else [],
                }
                for kind, management, values in chosen["event_selector"]
            ],
        )
    if "advanced" in chosen:
        arguments["advanced_event_selector"] = [
            {"field_selector": [{"field": field, "equals": values} for field, values in fields]}
            for fields in chosen["advanced"]
        ]
        live.put_event_selectors(
            TrailName=full,
            AdvancedEventSelectors=[
                {"FieldSelectors": [{"Field": field, "Equals": values} for field, values in fields]}
                for fields in chosen["advanced"]
            ],
        )
    made = world.add(
        "aws_cloudtrail",
        name,
        name=full,
        s3_bucket_name=bucket,
        is_multi_region_trail=everywhere,
        enable_logging=logging,
        enable_log_file_validation=validation,
        kms_key_id=key,
        cloud_watch_logs_group_arn=group,
        cloud_watch_logs_role_arn=role if group else None,
        **arguments,
    )
    world.pair(made, arn)


def trails(world):
    """Trails whose selectors differ are in accounts of their own, for the rules ask whether some trail does."""
    key = world.arn("kms", "key/0f3ad1b1-2a53-4d1e-8d14-5f0f6b0c7a11")
    world.client("logs").create_log_group(logGroupName="/plumb/trail")
    group = world.arn("logs", "log-group:/plumb/trail:*")
    trail(world, "plain", f"plumb-{world.name}-bare")
    trail(world, "validated", f"plumb-{world.name}-logging", validation=True)
    trail(world, "encrypted", f"plumb-{world.name}-policy-open", key=key)
    trail(world, "read", f"plumb-{world.name}-acl-public-read", group=group)
    trail(world, "complete", f"plumb-{world.name}-good", "objects", True, True, True, key, group)
