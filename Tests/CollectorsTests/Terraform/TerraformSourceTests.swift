import JSON
import Model
import TestSupport
import Testing

@testable import Collectors

struct TerraformEvaluationTests {
  @Test func `variables take defaults, files and the command line, in that order`() throws {
    let sources = try Sources([
      "main.tf": """
      variable "a" { default = "default" }
      variable "b" { default = "default" }
      variable "c" { default = "default" }
      variable "d" { default = "default" }
      variable "n" { type = number }
      variable "l" { type = list(string) }
      variable "o" {
        type = object({ x = string, y = optional(number, 5), z = optional(bool) })
        default = { x = 1 }
      }
      variable "none" {}
      variable "secret" {
        sensitive = true
        default = "hunter2"
      }
      output "all" { value = [var.a, var.b, var.c, var.d, var.n, var.l, var.o] }
      output "none" { value = "x-${var.none}" }
      output "secret" { value = { password = var.secret } }
      """,
      "terraform.tfvars": "b = \"own\"\nc = \"own\"\nd = \"own\"\n",
      "z.auto.tfvars.json": #"{"c": "auto", "d": "auto"}"#,
    ])
    defer { sources.remove() }
    let inputs = TerraformInputs(values: [("d", "given"), ("n", "7"), ("l", #"["p", 8]"#)])
    #expect(
      try sources.output("all", inputs).json
        == [
          "default", "own", "auto", "given", 7, ["p", "8"], ["x": "1", "y": 5, "z": .null],
        ]
    )
    #expect(
      try sources.output("none").obstacle == "the variable none has no value; --var gives one"
    )
    #expect(try sources.output("secret").firstReason == "sensitive")
    #expect(throws: DocumentError.self) {
      try sources.output("all", TerraformInputs(values: [("no_such", "1")]))
    }
  }

  @Test func `what rests on itself has no value`() throws {
    let sources = try Sources([
      "main.tf": """
      locals {
        a = local.b
        b = local.a
      }
      resource "aws_s3_bucket" "x" {
        bucket = aws_s3_bucket.y.bucket
        tags   = { n = aws_s3_bucket.x.bucket }
      }
      resource "aws_s3_bucket" "y" { bucket = aws_s3_bucket.x.bucket }
      resource "aws_s3_bucket" "z" { count = length(aws_s3_bucket.z) }
      output "a" { value = local.a }
      """
    ])
    defer { sources.remove() }
    #expect(try sources.output("a").obstacle?.contains("rests on itself") == true)
    let found = try sources.collect()
    #expect(found.unread("aws_s3_bucket.x", "Name")?.contains("rests on itself") == true)
    #expect(found.resources["aws_s3_bucket.z"] != nil)
  }

  @Test func `files are read in the module's folder only`() throws {
    let sources = try Sources([
      "main.tf": """
      output "in" { value = file("${path.module}/data/x.json") }
      output "rendered" { value = templatefile("t.tpl", { names = ["a", "b"] }) }
      output "out" { value = file("/etc/passwd") }
      output "up" { value = file("${path.module}/../x") }
      """, "data/x.json": "{}", "t.tpl": "%{ for n in names ~}\n<${n}>\n%{ endfor ~}\n",
    ])
    defer { sources.remove() }
    #expect(try sources.output("in").json == "{}")
    #expect(try sources.output("rendered").json == "<a>\n<b>\n")
    for name in ["out", "up"] {
      #expect(try sources.output(name).obstacle?.contains("no file of the module's folder") == true)
    }
  }
}

struct TerraformSourceTests {
  private static let group = """
    resource "aws_security_group" "web" {
      name = "web"
      dynamic "ingress" {
        for_each = var.ports
        content {
          from_port   = ingress.value
          to_port     = ingress.value
          protocol    = "tcp"
          cidr_blocks = ["0.0.0.0/0"]
        }
      }
    }
    """

  @Test func `count and for_each make instances, dynamic blocks make blocks`() throws {
    let sources = try Sources([
      "main.tf": """
      variable "ports" { default = [80, 443] }
      variable "zones" { default = ["a", "b"] }
      variable "unknown" {}
      resource "aws_ebs_volume" "n" {
        count             = length(var.zones)
        availability_zone = "eu-${var.zones[count.index]}"
        size              = 8
        encrypted         = count.index == 0
      }
      resource "aws_ebs_volume" "k" {
        for_each          = { x = true, y = false }
        availability_zone = each.key
        size              = 8
        encrypted         = each.value
      }
      resource "aws_ebs_volume" "open" {
        count             = var.unknown ? 1 : 0
        availability_zone = "a"
        size              = 8
      }
      resource "aws_ebs_volume" "none" {
        count             = 0
        availability_zone = "a"
      }
      \(Self.group)
      """
    ])
    defer { sources.remove() }
    let found = try sources.collect()
    #expect(
      Set(found.resources.keys) == [
        "aws_ebs_volume.n[0]", "aws_ebs_volume.n[1]", #"aws_ebs_volume.k["x"]"#,
        #"aws_ebs_volume.k["y"]"#, "aws_ebs_volume.open", "aws_security_group.web",
      ]
    )
    #expect(found.resources["aws_ebs_volume.n[1]"]?.configuration["AvailabilityZone"] == "eu-b")
    #expect(found.resources["aws_ebs_volume.n[1]"]?.configuration["Encrypted"] == false)
    #expect(found.resources[#"aws_ebs_volume.k["x"]"#]?.configuration["Encrypted"] == true)
    #expect(
      found.unread("aws_ebs_volume.open", "$resource.exists")?
        .contains("var.unknown ? 1 : 0 > 0") == true
    )
    let rules = found.resources["aws_security_group.web"]?.configuration["IpPermissions"]?.array
    #expect(rules?.map { $0["FromPort"] } == [80, 443])
    #expect(rules?[1]["IpRanges"] == [["CidrIp": "0.0.0.0/0"]])
  }

  @Test func `what a dynamic block goes through may be unknown, and so are its blocks`() throws {
    let sources = try Sources(["main.tf": "variable \"ports\" {}\n" + Self.group])
    defer { sources.remove() }
    let reason = try sources.collect().unread("aws_security_group.web", "IpPermissions")
    #expect(reason == "the variable ports has no value; --var gives one")
  }

  @Test func `local modules are read with their inputs, others are told`() throws {
    let sources = try Sources([
      "main.tf": """
      module "logs" {
        source = "./modules/bucket"
        for_each = toset(["a", "b"])
        name   = "logs-${each.key}"
      }
      module "far" {
        source  = "terraform-aws-modules/s3-bucket/aws"
        bucket  = aws_s3_bucket.own.id
      }
      resource "aws_s3_bucket" "own" { bucket = "own" }
      resource "aws_s3_bucket" "other" { bucket = "other" }
      resource "aws_s3_bucket_versioning" "a" {
        bucket = module.logs["a"].id
        versioning_configuration { status = "Enabled" }
      }
      data "aws_caller_identity" "me" {}
      resource "aws_s3_bucket" "named" { bucket = "x-${data.aws_caller_identity.me.account_id}" }
      """,
      "modules/bucket/main.tf": """
      variable "name" { type = string }
      resource "aws_s3_bucket" "this" { bucket = var.name }
      output "id" { value = aws_s3_bucket.this.id }
      """,
    ])
    defer { sources.remove() }
    let found = try sources.collect()
    let first = #"module.logs["a"].aws_s3_bucket.this"#
    #expect(found.resources[first]?.configuration["Name"] == "logs-a")
    let file = found.resources[first]?.source?["file"]?.string ?? ""
    #expect(file.hasSuffix("modules/bucket/main.tf"))
    #expect(found.outside["module.far"]?.contains("terraform-aws-modules") == true)
    #expect(found.outside["data.aws_caller_identity.me"] == "a data source")
    // What a module that is not read does with a bucket is not known; of the other buckets it is.
    #expect(found.unread("aws_s3_bucket.own", "PublicAccessBlock")?.contains("module.far") == true)
    #expect(found.unread("aws_s3_bucket.other", "PublicAccessBlock") == nil)
    #expect(
      found.unread("aws_s3_bucket.named", "Name")?.contains("data.aws_caller_identity") == true
    )
  }

  @Test func `parts join by reference, through locals and counts too`() throws {
    let sources = try Sources([
      "main.tf": """
      locals { id = aws_s3_bucket.a[0].id }
      resource "aws_s3_bucket" "a" { count = 2 }
      resource "aws_s3_bucket_versioning" "a" {
        bucket = local.id
        versioning_configuration { status = "Enabled" }
      }
      resource "aws_s3_bucket_public_access_block" "each" {
        count             = 2
        bucket            = aws_s3_bucket.a[count.index].id
        block_public_acls = count.index == 0
      }
      """
    ])
    defer { sources.remove() }
    let found = try sources.collect()
    func configuration(_ index: Int, _ key: String) -> JSONValue? {
      found.resources["aws_s3_bucket.a[\(index)]"]?.configuration[key]
    }
    #expect(configuration(0, "Versioning") == ["Status": "Enabled"])
    #expect(configuration(1, "Versioning") == [:])
    #expect(configuration(0, "PublicAccessBlock")?["BlockPublicAcls"] == true)
    #expect(configuration(1, "PublicAccessBlock")?["BlockPublicAcls"] == false)
  }

  @Test func `a broken file is told, the others go on, and what it may hold is unread`() throws {
    let sources = try Sources([
      "a.tf": "resource \"aws_s3_bucket\" \"a\" {\n  bucket = \n}\n",
      "b.tf": "resource \"aws_s3_bucket\" \"b\" { bucket = \"b\" }\n", "c.tf": "\u{1}",
    ])
    defer { sources.remove() }
    let found = try sources.collect()
    #expect(
      found.diagnostics.map { "\($0)".split(separator: "/").last } == [
        "a.tf:2: column 12: expected an expression, found the end of the line",
        #"c.tf:1: column 1: "\x1" does not belong here"#,
      ]
    )
    #expect(Array(found.resources.keys) == ["aws_s3_bucket.b"])
    #expect(found.unread("aws_s3_bucket.b", "PublicAccessBlock")?.contains("is not read") == true)
    #expect(found.unread("aws_s3_bucket.b", "Name") == nil)
  }

  @Test func `files that were not named may hold parts`() throws {
    let sources = try Sources([
      "a.tf": "resource \"aws_s3_bucket\" \"a\" { bucket = var.name }\n",
      "b.tf": "variable \"name\" { default = \"x\" }\n",
    ])
    defer { sources.remove() }
    let part = try sources.collect(["a.tf"])
    #expect(part.unread("aws_s3_bucket.a", "PublicAccessBlock")?.contains("b.tf") == true)
    #expect(part.unread("aws_s3_bucket.a", "Name")?.contains("in the files that were read") == true)
    let whole = try sources.collect(["a.tf", "b.tf"])
    #expect(whole.unread("aws_s3_bucket.a", "PublicAccessBlock") == nil)
    #expect(whole.resources["aws_s3_bucket.a"]?.name == "x")
  }

  @Test func `arguments that are not written mean what the provider takes`() throws {
    let sources = try Sources([
      "main.tf": """
      resource "aws_db_instance" "d" {
        identifier = "d"
        publicly_accessible = null
      }
      """
    ])
    defer { sources.remove() }
    let found = try sources.collect()
    let configuration = found.resources["aws_db_instance.d"]?.configuration
    #expect(configuration?["PubliclyAccessible"] == false)
    #expect(configuration?["AutoMinorVersionUpgrade"] == true)
    #expect(found.unread("aws_db_instance.d", "KmsKeyId") == "known after apply")
  }

  @Test func `overrides replace and default tags are added`() throws {
    let sources = try Sources([
      "main.tf": """
      provider "aws" {
        region = "eu-west-1"
        default_tags { tags = { Team = "a", Name = "default" } }
      }
      provider "aws" {
        alias  = "us"
        region = "us-east-1"
      }
      resource "aws_ebs_volume" "v" {
        size      = 1
        encrypted = true
        tags      = { Name = "v" }
      }
      resource "aws_ebs_volume" "w" { provider = aws.us }
      """, "x_override.tf": "resource \"aws_ebs_volume\" \"v\" { encrypted = false }",
    ])
    defer { sources.remove() }
    let found = try sources.collect()
    let volume = found.resources["aws_ebs_volume.v"]
    #expect(volume?.configuration["Encrypted"] == false)
    #expect(volume?.region == "eu-west-1")
    #expect(found.resources["aws_ebs_volume.w"]?.region == "us-east-1")
    #expect(
      volume.map { Dictionary(uniqueKeysWithValues: $0.tags.map { ($0.key, $0.value) }) }
        == ["Team": "a", "Name": "v"]
    )
  }

  @Test func `JSON's syntax is read with its lines`() throws {
    let sources = try Sources([
      "main.tf.json": """
      {
        "variable": {"open": {"default": "0.0.0.0/0"}},
        "resource": {
          "aws_security_group": {
            "web": {
              "ingress": [{
                "from_port": 22, "to_port": 22, "protocol": "tcp",
                "cidr_blocks": ["${var.open}"]
              }]
            }
          },
          "aws_s3_bucket": {"b": {"bucket": "b", "versioning": {"enabled": true}}}
        }
      }
      """
    ])
    defer { sources.remove() }
    let found = try sources.collect()
    #expect(found.diagnostics.isEmpty, "\(found.diagnostics)")
    let group = found.resources["aws_security_group.web"]
    #expect(group?.source?["line"] == 5)
    #expect(found.place("aws_security_group.web", "IpPermissions[0].IpRanges") == 8)
    #expect(group?.configuration["IpPermissions"]?.array?.first?["FromPort"] == 22)
    #expect(found.resources["aws_s3_bucket.b"]?.configuration["Versioning"]?["Status"] == "Enabled")
  }

  @Test func `places lead from the provider's representation to the line`() throws {
    let sources = try Sources([
      "main.tf": """
      resource "aws_s3_bucket" "b" {
        bucket = "b"
        tags = {
          Owner = "x"
        }
      }
      """,
      "parts.tf": """

      resource "aws_s3_bucket_public_access_block" "b" {
        bucket                  = aws_s3_bucket.b.id
        block_public_acls       = true
        restrict_public_buckets = false
      }
      """,
    ])
    defer { sources.remove() }
    let found = try sources.collect()
    #expect(found.resources["aws_s3_bucket.b"]?.source?["line"] == 1)
    #expect(found.place("aws_s3_bucket.b", "Name") == 2)
    let places = found.resources["aws_s3_bucket.b"]?.source?["places"]
    let place = places?["PublicAccessBlock.RestrictPublicBuckets"]
    #expect(place?["line"] == 5)
    #expect(place?["file"]?.string?.hasSuffix("parts.tf") == true)
    #expect(found.place("aws_s3_bucket.b", "PublicAccessBlock") == 2)
  }
}
