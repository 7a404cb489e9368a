import Foundation
import TestSupport
import Testing

/// A server is set up and a scan of moto watched in a real browser, with the server's own worker.
struct DashboardScanTests {
  /// With `PLUMB_SCREENSHOTS` the pages are kept there as pictures.
  @Test(.enabled(if: MotoServer.isExpected))
  func `a scan is scheduled, run and watched in the dashboard`() async throws {
    let moto = try MotoServer.required()
    try await ServedStore.with { served in
      let code = try served.local(["people", "code", "administrator"])
      #expect(code.exitCode == 0, "\(code.errors)")
      let word = try #require(
        code.output.split(whereSeparator: \.isWhitespace).map(String.init).max {
          $0.count < $1.count
        }
      )
      let screenshots = ProcessInfo.processInfo.environment["PLUMB_SCREENSHOTS"] ?? ""
      let run = try CommandRun(
        Fixtures.root.appendingPathComponent(".build/tools/bin/python"),
        [
          Fixtures.root.appendingPathComponent("Tests/WebTests/Pages/schedule_scan.py").path,
          served.address, word, MotoServer.account, moto.endpoint, screenshots,
        ]
      )
      #expect(run.exitCode == 0, "\(run.output.suffix(8000)) \(run.errors.suffix(4000))")
    }
  }
}
