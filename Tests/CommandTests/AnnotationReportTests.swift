import Foundation
import JSON
import Model
import TestSupport
import Testing

/// Terraform sources of one failing security group in a folder of its own, scanned there.
private func scan(_ format: String, name: String = "main.tf") throws -> CommandRun {
  let folder = try Fixtures.temporaryFolder()
  defer { Fixtures.remove(folder) }
  let text = """
    variable "ports" {}
    resource "aws_security_group" "web" {
      name = "100%\\n::error::x"
      ingress {
        from_port   = 22
        to_port     = 22
        protocol    = "tcp"
        cidr_blocks = ["0.0.0.0/0"]
      }
    }
    """
  try Data(text.utf8).write(to: folder.appendingPathComponent(name))
  try Data("x = \n".utf8).write(to: folder.appendingPathComponent("broken.tf"))
  return try CommandRun(
    ["scan", "terraform", ".", "--format", format, "--rule-pages", "https://x.example/r"],
    folder: folder
  )
}

struct AnnotationReportTests {
  @Test func `failures are commands of GitHub at their lines`() throws {
    let run = try scan("github", name: "a,b:c%.tf")
    #expect(run.exitCode == 2)
    let lines = run.output.split(separator: "\n")
    #expect(lines.first?.hasPrefix("::error file=broken.tf,line=1,title=Not read::") == true)
    let failure = try #require(lines.first { $0.contains("aws.ec2.sg-no-ssh-from-internet") })
    #expect(failure.hasPrefix("::error file=a%2Cb%3Ac%25.tf,line=8,title="))
    #expect(failure.contains("%0Ahttps://x.example/r"))
    // All else is one closing line, so that nothing that was read can be a command.
    #expect(lines.filter { !$0.hasPrefix("::") }.count == 1)
    #expect(lines.last?.hasPrefix("plumb: .: score ") == true)
  }

  @Test func `failures are entries of GitLab's code quality report`() throws {
    let run = try scan("gitlab")
    let entries = try #require(try JSONValue(parsing: run.output).array)
    #expect(entries.first?["check_name"] == "plumb.unread")
    let failure = try #require(
      entries.first { $0["check_name"] == "aws.ec2.sg-no-ssh-from-internet" }
    )
    #expect(failure["location"] == ["path": "main.tf", "lines": ["begin": 8]])
    #expect(
      ["info", "minor", "major", "critical", "blocker"].contains(failure["severity"]?.string)
    )
    let prints = entries.compactMap { $0["fingerprint"]?.string }
    #expect(Set(prints).count == entries.count)
  }

  @Test func `SARIF, JSON and text point at the line that decides`() throws {
    let log = try JSONValue(parsing: try scan("sarif").output)
    let results = log["runs"]?.array?.first?["results"]?.array ?? []
    let found = results.first { $0["ruleId"] == "aws.ec2.sg-no-ssh-from-internet" }
    let place = found?["locations"]?.array?.first?["physicalLocation"]
    #expect(place?["artifactLocation"]?["uri"] == "main.tf")
    #expect(place?["region"] == ["startLine": 8])
    let report = try JSONValue(parsing: try scan("json").output)
    let result = report["results"]?.array?.first {
      $0["rule"] == "aws.ec2.sg-no-ssh-from-internet"
    }
    #expect(result?["resource"]?["source"] == ["file": "main.tf", "line": 8])
    #expect(try scan("text").output.contains("  main.tf:8\n"))
    #expect(try scan("html").output.contains("main.tf:8"))
  }
}
