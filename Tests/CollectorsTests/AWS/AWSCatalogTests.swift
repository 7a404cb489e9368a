import Collectors
import Foundation
import Model
import TestSupport
import Testing

struct AWSCatalogTests {
  @Test func `each kind stands once, and about seventy are there`() throws {
    let kinds = try AWSCatalog().kinds.map(\.kind)
    #expect(Set(kinds).count == kinds.count)
    #expect(kinds.count >= 70)
  }

  /// The script proves every name in the data against botocore's models, and every property that a
  /// rule reads against what is collected.
  @Test(.enabled(if: MotoServer.isExpected))
  func `data, facts and rules agree`() throws {
    let python = Fixtures.root.appendingPathComponent(".build/moto/bin/python")
    let script = Fixtures.root.appendingPathComponent("script/aws-facts").path
    let run = try CommandRun(python, [script, "--check"])
    #expect(run.exitCode == 0, "\(run.output)\(run.errors)")
  }
}
