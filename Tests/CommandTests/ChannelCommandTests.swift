import Foundation
import JSON
import Model
import Synchronization
import TestSupport
import Testing

/// Channels of a server, from a log that is read to a webhook that is told.
struct ChannelCommandTests {
  @Test func `a webhook is told within seconds, and what it refuses is retried by command`()
    async throws
  {
    let answers = Answers()
    let hook = try ReplayServer { _ in .init(answers.status) }
    defer { hook.stop() }
    try await ServedStore.with(["--allow-private-channels"]) { served in
      let refused = try served.local([
        "channels", "add", "x", "--kind", "webhook", "--address", hook.url,
      ])
      #expect(refused.exitCode == 2 && refused.errors.contains("has to begin with https://"))
      let add = ["channels", "add", "soc", "--kind", "webhook", "--address", hook.url + "/in"]
      let added = try served.local(add + ["--allow-private-channels"])
      #expect(added.output.contains("its key, told this once: whsec_"), "\(added.errors)")
      let here = try served.localJSON(["channels", "list"])
      #expect(try served.remoteJSON(["channels", "list"]) == here)
      #expect(!here.text.contains("whsec_"))
      #expect(try served.localJSON(["credentials", "list"]) == [])
      let tried = try served.remote(["channels", "test", "1"])
      #expect(tried.output == "channel 1 works: it was taken\n", "\(tried.errors)")
      #expect(hook.requests.map(\.line) == ["POST /in"])
      let log = served.folder.appendingPathComponent("trail.json")
      try Data(stopped.utf8).write(to: log)
      _ = try served.local(["detect", "--save", "--threshold", "high", log.path])
      #expect(try await eventually { hook.requests.count >= 2 })
      let event = try JSONParser().parse(try #require(hook.requests.last).body)
      #expect(event["type"] == "dev.plumbline.finding.opened")
      #expect(event["data"]?["finding"]?["title"] == "A CloudTrail trail was stopped or deleted")
      let delivered = ["alerts", "list", "--state", "delivered"]
      #expect(try await eventually { try served.localJSON(delivered) != [] })
      let alert = try #require(try served.remoteJSON(["alerts", "list"]).array?.first)
      #expect(alert["state"] == "delivered")
      let seconds = try #require(alert["seconds_from_notice"]?.double)
      #expect(seconds >= 0 && seconds < 180)
      answers.status = 404
      let other = stopped.replacing("kim", with: "lee").replacing("e-1", with: "e-2")
      try Data(other.utf8).write(to: log)
      _ = try served.local(["detect", "--save", "--threshold", "high", log.path])
      let dead = ["alerts", "list", "--state", "dead"]
      #expect(try await eventually { try served.localJSON(dead) != [] })
      answers.status = 200
      let retried = try served.remote(["alerts", "retry", "2"])
      #expect(retried.output == "alert 2 waits\n", "\(retried.errors)")
      let second = ["alerts", "show", "2"]
      #expect(try await eventually { try served.localJSON(second)["state"] == "delivered" })
      // Another secret: the alerts stay, what is signed next is signed with the new key.
      let rotated = try served.remote(["channels", "rotate", "1"])
      #expect(rotated.output.contains("its key, told this once: whsec_"), "\(rotated.errors)")
      let made = String(rotated.output.split(separator: "\n").last ?? "").suffix(50)
      #expect(!added.output.contains(made))
      let again = try served.remote(["channels", "test", "1"])
      #expect(again.exitCode == 0, "\(again.errors)")
      let test = try #require(hook.requests.last)
      let key = try #require(Data(base64Encoded: String(made.drop { $0 != "_" }.dropFirst())))
      let signed = Array(
        "\(test[header: "webhook-id"] ?? "").\(test[header: "webhook-timestamp"] ?? "").".utf8
      )
      let signature = Data(HMAC.sha256(key: Array(key), signed + test.body)).base64EncodedString()
      #expect(test[header: "webhook-signature"] == "v1,\(signature)")
      let own = "whsec_" + Data((0..<32).map { UInt8($0) }).base64EncodedString()
      let secret = served.folder.appendingPathComponent("secret")
      try Data(own.utf8).write(to: secret)
      let given = try served.local(
        ["channels", "rotate", "1", "--secret-file", secret.path, "--allow-private-channels"]
      )
      #expect(given.output == "channel 1 has a new secret; plumb channels test 1 tries it\n")
      #expect(try served.localJSON(["alerts", "show", "2"])["state"] == "delivered")
      let audit = try served.localJSON(["audit", "list"]).array ?? []
      #expect(audit.filter { $0["action"] == "channel.rotate" }.count == 2)
      let removed = try served.remote(["channels", "remove", "1"])
      #expect(removed.output == "channel 1 is removed\n", "\(removed.errors)")
    }
  }
}

/// What the webhook answers with now.
private final class Answers: Sendable {
  private let now = Mutex(200)

  var status: Int {
    get { now.withLock { $0 } }
    set { now.withLock { $0 = newValue } }
  }
}

private let stopped = #"""
  {"eventSource":"cloudtrail.amazonaws.com","eventName":"StopLogging","eventTime":"2026-03-02T10:00:00Z","eventID":"e-1","recipientAccountId":"111122223333","userIdentity":{"type":"IAMUser","userName":"kim"},"requestParameters":{"name":"main"}}
  """#
