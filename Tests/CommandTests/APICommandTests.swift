import Foundation
import JSON
import Model
import TestSupport
import Testing

/// `plumb api`: calls that no other command makes.
struct APICommandTests {
  @Test func `lists, objects and changes go through, as text and as data`() async throws {
    try await ServedStore.with { served in
      let ids = try served.remoteJSON(["api", "/rules", "kind=s3/bucket"]).array?.compactMap {
        $0["id"]?.string
      }
      let all = try served.remoteJSON(["rules", "list"]).array ?? []
      #expect(all.count > 100, "more than a page")
      let expected = all.filter { $0["target"]?.text.contains("s3/bucket") == true }
      #expect(ids == expected.compactMap { $0["id"]?.string } && ids?.isEmpty == false)
      let few = try served.remote([
        "api", "/api/v1/rules", "severity=critical", "--limit", "2", "--format", "csv",
      ])
      #expect(few.output.hasPrefix("id,version,"), "\(few.errors)")
      #expect(few.output.split(separator: "\n").count == 3)
      let scope = ["api", "--method", "put", "/scopes/east%20%26%20west", "--body", "-"]
      let body = #"{"includes": ["region=eu-*"]}"#
      let made = try served.remote(scope, input: body)
      #expect(made.exitCode == 0, "\(made.errors)")
      let shown = try served.remoteJSON(["api", "/scopes/east%20%26%20west"])
      #expect(shown["includes"] == ["region=eu-*"], "\(shown)")
      let path = ["api", "--method", "DELETE", "/scopes/east%20%26%20west"]
      let removed = try served.remote(path)
      #expect(removed.exitCode == 0, "\(removed.errors)")
      #expect(try served.localJSON(["scopes", "list"]) == [])
      let gone = try served.remote(path)
      #expect(gone.exitCode == 2 && gone.errors.contains("no scope"), "\(gone.errors)")
    }
  }

  @Test(arguments: [
    (["/nowhere"], "the API has no path /nowhere; plumb api lists those it has"),
    (["/rules", "colour=red"], "\"colour=red\" is no parameter of GET /rules; NAME=VALUE, of "),
    (["/rules", "kind"], "\"kind\" is no parameter of GET /rules"),
    (["--method", "DELETE", "/rules"], "/rules has no DELETE; it has GET, POST"),
    (["--method", "POST", "/rules"], "POST here takes a body: --body FILE"),
    (["/rules", "--body", "x.json"], "GET here takes no body"),
    (["/rules", "--limit", "0"], "--limit expects 1 or more, not 0"),
    (["/session", "--limit", "1"], "--limit is for lists"),
    (["--method", "POST", "/rules", "--body", "/nowhere.json"], "No such file"),
    (["/jobs/1/events"], "tells events; plumb jobs watch follows them"),
  ])
  func `what the API does not know is refused before it is asked`(
    arguments: [String],
    words: String
  ) throws {
    let run = try CommandRun(["api"] + arguments + ["--show-api"])
    #expect(run.exitCode == 2 && run.output.isEmpty)
    #expect(run.errors.contains(words), "\(run.errors)")
  }

  @Test func `a change, which may hold a secret, goes over TLS only`() throws {
    let run = try CommandRun(
      ["api", "--method", "DELETE", "/scopes/production"],
      environment: ["PLUMB_SERVER": "http://plumb.invalid", "PLUMB_TOKEN": "plumb_a"]
    )
    #expect(run.exitCode == 2)
    #expect(run.errors.contains("a secret goes over TLS only"), "\(run.errors)")
  }

  @Test func `without a path it lists the operations, and without a server it says so`() throws {
    let list = try CommandRun(["api"])
    #expect(list.exitCode == 0)
    let lines = list.output.split(separator: "\n")
    #expect(lines.count > 100)
    #expect(lines.contains { $0.hasPrefix("GET") && $0.contains(" /rules/{id} ") })
    let alone = try CommandRun(["api", "/rules"])
    #expect(alone.exitCode == 2)
    #expect(alone.errors.contains("name the server: --server URL, or PLUMB_SERVER"))
  }
}
