import Foundation
import HTTP
import Model
import TestSupport
import Testing

@testable import Web

/// The dashboard in a real browser, with axe-core on each main page.
struct BrowserTests {
  /// With `PLUMB_SCREENSHOTS` the main pages are kept there as pictures, at two widths, light and dark.
  @Test func `two people find a proof and grant an exception`() async throws {
    try await TestServer.with(assets: Assets(folder: Fixtures.root.path + "/.build/assets")) {
      server in
      let world = try await World(server)
      #expect(world.sides.count == 2)
      try await PageKit.decisions(server, world.administrator)
      let editor = try await server.code(of: server.person("ed", .editor))
      let administrator = try await server.code(of: server.person("ann", .administrator))
      let screenshots = ProcessInfo.processInfo.environment["PLUMB_SCREENSHOTS"] ?? ""
      let url = server.url
      let run = try await aside {
        try CommandRun(
          Fixtures.root.appendingPathComponent(".build/tools/bin/python"),
          [
            Fixtures.root.appendingPathComponent("Tests/WebTests/Pages/browse_dashboard.py").path,
            url, editor, administrator, screenshots,
          ]
        )
      }
      #expect(run.exitCode == 0, "\(run.output.suffix(8000)) \(run.errors.suffix(4000))")
    }
  }
}
