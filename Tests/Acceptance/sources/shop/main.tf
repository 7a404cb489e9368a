terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  region = "eu-central-1"

  default_tags {
    tags = { Owner = "shop-team" }
  }
}

data "aws_ami" "linux" {
  most_recent = true
  owners      = ["amazon"]
}

module "network" {
  source = "./modules/network"
  ports  = var.open_ports
  office = var.office
}

module "bucket" {
  source   = "./modules/bucket"
  for_each = local.buckets

  name      = "${local.prefix}-${each.key}"
  public    = each.value.public
  versioned = each.value.versioned
  tags      = local.tags
}

# The block that the module leaves to its callers.
resource "aws_s3_bucket_server_side_encryption_configuration" "orders" {
  bucket = module.bucket["orders"].id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.data.arn
    }
  }
}

resource "aws_kms_key" "data" {
  description         = "Data of ${local.prefix}"
  enable_key_rotation = var.environment == "prod"
}

resource "aws_ebs_volume" "data" {
  count = 2

  availability_zone = element(["eu-central-1a", "eu-central-1b"], count.index)
  size              = 20
  encrypted         = count.index == 0
  tags              = { Name = format("%s-data-%d", local.prefix, count.index) }
}

resource "aws_db_instance" "orders" {
  identifier              = "${local.prefix}-orders"
  engine                  = "postgres"
  instance_class          = "db.t4g.medium"
  allocated_storage       = 50
  username                = "shop"
  password                = var.database_password
  storage_encrypted       = true
  kms_key_id              = aws_kms_key.data.arn
  multi_az                = "true"
  publicly_accessible     = lookup({ test = true }, var.environment, false)
  backup_retention_period = 1
  vpc_security_group_ids  = [module.network.group_id]
}

resource "aws_instance" "web" {
  ami           = data.aws_ami.linux.id
  instance_type = "t3.small"

  metadata_options {
    http_tokens = "optional"
  }

  root_block_device {
    encrypted = true
  }
}

resource "aws_cloudtrail" "audit" {
  count = var.audit ? 1 : 0

  name                       = "${local.prefix}-audit"
  s3_bucket_name             = module.bucket["orders"].id
  is_multi_region_trail      = true
  enable_log_file_validation = true
}
