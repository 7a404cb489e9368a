import Foundation
import JSON
import TestSupport
import Testing

@testable import Collectors

/// Terraform itself, where it is installed.
private enum Terraform {
  static let path = ["/usr/local/bin/terraform", "/usr/bin/terraform"].first {
    FileManager.default.isExecutableFile(atPath: $0)
  }

  /// Runs it in a folder.
  static func run(_ arguments: [String], in folder: URL) throws -> CommandRun {
    try CommandRun(URL(fileURLWithPath: try #require(path)), arguments, folder: folder)
  }
}

struct TerraformItselfTests {
  /// Expressions that need no provider.
  private static let expressions = [
    "1 + 2 * 3 - 4 / 8", "10 % 3", "-(2 - 5)", "1.5 * 4", "1 / 3 > 0.33", "true && !false || false",
    "\"5\" + 1", "1 == 1 && \"a\" != \"b\"", "[1, \"2\", true]",
    "{ a = 1, \"b c\" = [2], (upper(\"d\")) = null }",
    "{ a = 1 } == { a = 1 }", "var.text == \"x\" ? [1] : [2]", "local.map.b[1]", "local.list[*].n",
    "local.list.*.n", "[for i, v in local.list : \"${i}-${v.n}\" if v.n > 1]",
    "{ for k, v in local.map : v[0] => upper(k) }", "{ for v in local.list : v.g => v.n... }",
    "\"%{ for k, v in local.map ~} ${k}=${v[0]} %{ endfor ~}\"",
    "\"a%{ if var.flag }b%{ else }c%{ endif }d\"",
    "<<-EOT\n    one\n      two ${var.text}\n\n    three\n    EOT\n",
    "<<EOT\n  keep\n  $${x} %%{y}\nEOT\n",
    "join(\",\", [\"a\", \"b\"])", "split(\",\", \"a,,b\")", "concat([1], [2, 3], [])",
    "merge({ a = 1 }, { a = 2, b = 3 })", "lookup({ a = 1 }, \"b\", 9)", "length(\"héllo\")",
    "length(local.map)", "keys(local.map)", "values({ b = 1, a = 2 })", "contains([\"a\"], \"a\")",
    "element([\"a\", \"b\", \"c\"], 4)", "index([\"a\", \"b\"], \"b\")", "flatten([[1, [2]], [3]])",
    "distinct([\"a\", \"b\", \"a\"])", "compact([\"a\", \"\", \"b\"])", "coalesce(\"\", \"x\")",
    "coalescelist([], [\"x\"])", "reverse([1, 2, 3])", "sort([\"b\", \"a\", \"C\"])",
    "slice([1, 2, 3], 1, 3)",
    "chunklist([1, 2, 3], 2)", "range(3)", "range(1, 8, 3)", "range(5, 2)",
    "zipmap([\"a\", \"b\"], [1, 2])",
    "setunion([\"b\"], [\"a\", \"b\"])", "setintersection([\"a\", \"b\"], [\"b\"])",
    "setsubtract([\"a\", \"b\"], [\"b\"])",
    "setproduct([\"a\", \"b\"], [\"x\"])", "toset([\"b\", \"a\", \"b\"])", "tolist([\"b\", \"a\"])",
    "tomap({ a = 1 })", "tostring(1.5)", "tostring(true)", "tonumber(\"12\")", "tobool(\"true\")",
    "one([7])", "sum([1, 2.5])",
    "max(1, 5, 3)", "min(4, 2)", "abs(-3)", "ceil(1.2)", "floor(-1.2)", "signum(-9)",
    "parseint(\"ff\", 16)",
    "upper(\"aé\")", "lower(\"AB\")", "title(\"hello world\")", "trimspace(\"  x \\n\")",
    "trim(\"?!x!?\", \"!?\")",
    "trimprefix(\"abc\", \"a\")", "trimsuffix(\"abc\", \"c\")", "chomp(\"x\\n\\n\")",
    "strrev(\"abc\")",
    "substr(\"hello\", 1, 3)", "substr(\"hello\", -3, -1)", "replace(\"a.b.c\", \".\", \"-\")",
    "indent(2, \"a\\nb\")",
    "startswith(\"abc\", \"ab\")", "endswith(\"abc\", \"bc\")", "strcontains(\"abc\", \"b\")",
    "format(\"%s-%03d-%v-%q-%5.2f%%\", \"a\", 7, true, \"x\", 1.239)",
    "format(\"%-5s|%5s|%x\", \"a\", \"b\", 255)",
    "formatlist(\"%s.%s\", [\"a\", \"b\"], \"z\")",
    "jsonencode({ b = [1, null, \"x\"], a = { c = true } })",
    "jsondecode(\"{\\\"a\\\":[1,2.5,null]}\")", "yamldecode(\"a: [1, x]\")", "base64encode(\"hé\")",
    "base64decode(\"aMOp\")", "urlencode(\"a b/c?\")", "sha256(\"x\")", "basename(\"/a/b.c\")",
    "dirname(\"/a/b.c\")",
    "cidrsubnet(\"10.0.0.0/16\", 8, 3)", "cidrsubnet(\"fd00::/48\", 16, 10)",
    "cidrhost(\"10.1.0.0/16\", 258)",
    "cidrhost(\"10.1.0.0/24\", -1)", "cidrnetmask(\"10.0.0.0/12\")",
    "cidrsubnets(\"10.0.0.0/16\", 4, 8, 8)",
    "alltrue([true, \"true\"])", "anytrue([false])", "try(local.map.none, \"fallback\")",
    "can(local.map.a)",
    "try(tonumber(\"x\"), 0)", "max(local.numbers...)", "nonsensitive(\"x\")", "var.object",
    "var.typed", "local.chain",
    "module.child.echo", "module.each[\"p\"].echo", "[for m in module.many : m.echo]",
    "module.many[*].echo",
  ]

  private static let rest = """
    variable "text" { default = "x" }
    variable "flag" { default = true }
    variable "object" {
      type = object({ a = string, b = optional(number, 3), c = optional(list(string)) })
      default = { a = 7, extra = 1 }
    }
    variable "typed" {
      type = map(list(string))
      default = { a = [1, true] }
    }
    locals {
      map     = { a = ["x"], b = ["y", "z"] }
      list    = [{ n = 1, g = "p" }, { n = 2, g = "q" }, { n = 3, g = "p" }]
      numbers = [3, 9, 4]
      chain   = "${local.link}!"
      link    = join("", ["a", var.text])
    }
    module "child" {
      source = "./child"
      input  = "v"
    }
    module "each" {
      source   = "./child"
      for_each = toset(["p", "q"])
      input    = each.key
    }
    module "many" {
      source = "./child"
      count  = 2
      input  = count.index
    }

    """

  @Test(.enabled(if: Terraform.path != nil, "terraform is not installed"))
  func `expressions have the values that Terraform's own plan gives them`() throws {
    var text = Self.rest
    for (index, expression) in Self.expressions.enumerated() {
      text += "output \"o\(index)\" {\n  value = \(expression)\n}\n"
    }
    let sources = try Sources([
      "main.tf": text,
      "child/main.tf":
        "variable \"input\" { type = string }\noutput \"echo\" { value = \"<${var.input}>\" }\n",
    ])
    defer { sources.remove() }
    for arguments in [["init"], ["plan", "-out=p"]] {
      let run = try Terraform.run(arguments + ["-input=false", "-no-color"], in: sources.folder)
      try #require(run.exitCode == 0, "\(run.errors)")
    }
    let shown = try Terraform.run(["show", "-json", "p"], in: sources.folder)
    let plan = try JSONParser().parse(shown.output.utf8)
    for (index, expression) in Self.expressions.enumerated() {
      let theirs = plan["planned_values"]?["outputs"]?["o\(index)"]?["value"] ?? .null
      let ours = try sources.output("o\(index)")
      #expect(ours.json == theirs, "\(expression): \(ours), not \(theirs.text)")
    }
  }

  @Test(.enabled(if: Terraform.path != nil, "terraform is not installed"))
  func `what Terraform refuses to parse is refused here, and nothing else`() throws {
    let texts = [
      "a = 1\n", "a = [1,\n2,\n]\n", "a = {\n  b = 1,\n  c = 2\n}\n", "a = {b=1 c=2}\n",
      "a = (1\n+ 2)\n",
      "a = 1\n+ 2\n", "b {}\n", "b {\n}\n", "b { c = 1 }\n", "b { c = 1\n}\n", "b \"x\" y {}\n",
      "b { c {} }\n",
      "a = true ? 1 : 2\n", "a = true ?\n1 : 2\n", "a = f(1, 2,)\n", "a = f(1\n,2)\n",
      "a = \"x\ny\"\n", "a = \"${\n1\n}\"\n",
      "a = <<E\nx\nE\n", "a = <<E\nx\n E\n", "a = <<-E\nx\n E\n", "a = [for x in y : x]\n",
      "a = [for x, y, z in w : x]\n",
      "a = {for k in x : k => k}\n", "a = {for k in x : k}\n", "a = x[*].y\n", "a = x.*.y\n",
      "a = x.0.1\n", "a = x.\n",
      "a = !x\n", "a = x!\n", "a = - 1\n", "a = 1 == = 2\n", "a = \"\\x\"\n", "a = \"\\u00e9\"\n",
      "a = 'x'\n", "a\n", "a = \n",
      "= 1\n", "a = 1, b = 2\n", "a = x => y\n", "a : 1\n", "a = {x : 1}\n", "a = {\"x\" = 1}\n",
      "a = {(x) = 1}\n", "a = ..\n",
      "a = f(x...)\n", "a = f(x..., y)\n", "a = provider::x::y(1)\n",
      "a = \"%{ if x }y%{ endif }\"\n", "a = \"%{ if x }y\"\n",
      "a = \"%{ endif }\"\n", "a = 1 # c\n", "a = 1 // c\n", "a = /* c */ 1\n", "a = 1 /* c\n*/\n",
      "a = {\n}\n", "a = [\n]\n",
      "a = 0x1\n", "a = 1.\n", "a = .5\n", "a = 1e5\n", "a = x-y\n", "a = x - y\n", "a-b = 1\n",
      "1a = 1\n", "a = ~1\n", "a = x[1\n]\n",
      "a = x[]\n", "a = {a = 1,, b = 2}\n", "a = [1,,2]\n", "a = [,]\n", "b c = 1\n", "}\n",
      "b {\n", "a = (1\n", "a = x ? y\n",
    ]
    var files: [String: String] = [:]
    for (index, text) in texts.enumerated() { files["f\(index).tf"] = text }
    let sources = try Sources(files)
    defer { sources.remove() }
    // terraform fmt parses, and knows nothing of what names mean.
    let errors = try Terraform.run(["fmt", "-no-color"], in: sources.folder).errors
    for (index, text) in texts.enumerated() {
      let theirs = !errors.contains("on f\(index).tf line")
      let ours = HCLParser.file(Array(text.utf8), name: "main.tf").faults
      #expect(ours.isEmpty == theirs, "\(text) \(ours)")
    }
  }
}
