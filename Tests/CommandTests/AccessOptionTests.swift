import Foundation
import TestSupport
import Testing

/// What scans are told about whom to trust and who signs in.
struct AccessOptionTests {
  private func scan(
    _ arguments: [String],
    _ variables: [String: String] = [:]
  ) throws -> CommandRun {
    let environment = [
      "no_proxy": "*", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
      "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "eu-west-1",
      "AWS_CA_BUNDLE": "", "IBMCLOUD_API_KEY": "a-key",
    ]
    return try CommandRun(["scan"] + arguments, environment: environment.merging(variables) { $1 })
  }

  @Test(arguments: ["aws", "ibm"])
  func `authorities that are not there are told before anything is asked`(
    provider: String
  ) throws {
    let run = try scan([provider, "--ca-bundle", "/nowhere.pem"])
    #expect(run.exitCode == 2)
    #expect(run.errors == "plumb: /nowhere.pem: No such file or directory\n")
  }

  @Test func `the variable of AWS's tools is told where its file cannot be read`() throws {
    let run = try scan(["aws"], ["AWS_CA_BUNDLE": "/nowhere.pem"])
    #expect(run.exitCode == 2)
    #expect(
      run.errors
        == "plumb: /nowhere.pem, which AWS_CA_BUNDLE names: No such file or directory\n"
    )
    // Nobody listens there, and IBM's tools know no such variable.
    let ibm = try scan(
      ["ibm", "--endpoint-url", "http://127.0.0.1:1"],
      ["AWS_CA_BUNDLE": "/nowhere.pem"]
    )
    #expect(ibm.exitCode == 2)
    #expect(!ibm.errors.contains("/nowhere.pem"), "\(ibm.errors)")
    #expect(ibm.errors.contains("--endpoint-url"), "\(ibm.errors)")
  }

  @Test(arguments: ["two words", "{\"name\": \"x\"}", "{"])
  func `what is no API key is told without it`(text: String) throws {
    let run = try scan(["ibm"], ["IBMCLOUD_API_KEY": text])
    #expect(run.exitCode == 2)
    #expect(run.errors.contains("IBMCLOUD_API_KEY holds no secret"), "\(run.errors)")
    #expect(!run.errors.contains("words") && !run.errors.contains("name"))
  }
}
