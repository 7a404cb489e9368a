import Foundation
import HTTP
import JSON
import Model
import TestSupport
import Testing

@testable import Channels

struct ChannelsTests {
  private static let now = Instant(milliseconds: 1_772_445_600_000)

  private static func message(_ count: Int = 1, title: String = "Root was used") -> AlertMessage {
    AlertMessage(
      id: "8d1b6f0a-0000-5000-8000-000000000001",
      occasion: count == 1 ? .finding : .digest,
      at: now,
      items: (1...count).map { number in
        AlertMessage.Item(
          change: number == 1 ? "opened" : "raised",
          severity: .high,
          title: title,
          entity: "root \"\\]<&>",
          account: "111122223333",
          lastSeen: now,
          count: number,
          finding: Int64(number),
          json: ["id": .integer(Int64(number)), "title": .string(title)]
        )
      }
    )
  }

  private static func sender(allowsPrivate: Bool = true) throws -> ChannelSender {
    ChannelSender(try CurlClient(), allowsPrivate: allowsPrivate, host: "plumb.example.org")
  }

  private static func send(
    _ kind: Channel.Kind,
    _ address: String,
    _ secrets: [String: Secret] = [:],
    _ message: AlertMessage = Self.message(),
    _ change: (inout Channel) -> Void = { _ in }
  ) async throws {
    var channel = Channel(name: "c", kind: kind, address: address)
    change(&channel)
    try await sender().send(message, to: channel, secrets: secrets)
  }

  @Test func `a webhook is a CloudEvent, signed over id, time and body`() async throws {
    let server = try ReplayServer { _ in .init(202) }
    defer { server.stop() }
    let bytes: [UInt8] = (0..<32).map { $0 }
    try await Self.send(.webhook, server.url + "/in", ["key": Webhook.key(bytes)])
    let request = try #require(server.requests.first)
    #expect(request.line == "POST /in")
    #expect(request[header: "content-type"] == "application/cloudevents+json; charset=utf-8")
    let id = try #require(request[header: "webhook-id"])
    #expect(id == Self.message().id && request[header: "webhook-timestamp"] == "1772445600")
    // openssl is another's reading of HMAC with SHA-256.
    let signed = Data("\(id).1772445600.".utf8) + Data(request.body)
    let key = bytes.map { String(format: "%02x", $0) }.joined()
    let openssl = try CommandRun(
      URL(fileURLWithPath: "/usr/bin/env"),
      ["openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", "hexkey:\(key)", "-hex"],
      input: signed
    )
    let hexadecimal = Array(openssl.output.split(separator: " ").last?.prefix(64) ?? "")
    let digest = stride(from: 0, to: hexadecimal.count, by: 2).compactMap {
      UInt8(String(hexadecimal[$0...($0 + 1)]), radix: 16)
    }
    #expect(
      request[header: "webhook-signature"] == "v1,\(Data(digest).base64EncodedString())"
    )
    let event = try JSONParser().parse(request.body)
    for (name, value) in [
      ("specversion", "1.0"), ("id", id), ("type", "dev.plumbline.finding.opened"),
      ("subject", "findings/1"), ("datacontenttype", "application/json"),
    ] { #expect(event[name]?.string == value) }
    #expect(event["data"]?["finding"]?["title"] == "Root was used")
    #expect(Webhook.event(Self.message(3))["data"]?["findings"]?.array?.count == 3)
  }

  @Test func `chats get their shapes, a digest as many lines as they take`() async throws {
    let server = try ReplayServer { _ in .init(200) }
    defer { server.stop() }
    let url = ["url": Secret(server.url + "/services/T/B/x")]
    try await Self.send(.slack, "", url)
    try await Self.send(.slack, "", url, Self.message(100))
    try await Self.send(.teams, "", url, Self.message(2))
    let bodies = try server.requests.map { try JSONParser().parse($0.body) }
    let text = bodies[0]["blocks"]?.array?.first?["text"]?["text"]?.string
    #expect(text?.hasPrefix("HIGH: Root was used: root \"\\]&lt;&amp;&gt; in 111122223333") == true)
    #expect(bodies[1]["blocks"]?.array?.count == 31)
    #expect(bodies[1]["blocks"]?.array?.last?["text"]?["text"]?.string?.hasPrefix("and 70") == true)
    let card = bodies[2]["attachments"]?.array?.first
    #expect(card?["contentType"] == "application/vnd.microsoft.card.adaptive")
    #expect(card?["content"]?["type"] == "AdaptiveCard")
    #expect(card?["content"]?["body"]?.array?.count == 3)
  }

  @Test func `a refusal that stays is final, one that passes is not`() async throws {
    for (status, isFinal) in [(400, true), (404, true), (429, false), (500, false), (302, false)] {
      let server = try ReplayServer { _ in .init(status) }
      defer { server.stop() }
      let failure = await #expect(throws: AlertFailure.self) {
        try await Self.send(.slack, "", ["url": Secret(server.url + "/secret-path")])
      }
      #expect(failure?.isFinal == isFinal, "\(status)")
      #expect(failure?.description.contains("secret-path") == false)
      #expect(server.requests.count == 1)
    }
  }

  @Test func `mail is handed in with its words, and a refused recipient is told`() async throws {
    try await Listeners.with { listeners in
      let address = listeners.address("smtp", "mail")
      func mail(_ to: String, user: String = "", _ password: String? = nil) async throws {
        let secrets = password.map { ["password": Secret($0)] } ?? [:]
        try await Self.send(.email, address, secrets, Self.message(title: "Schlüssel gelöscht")) {
          ($0.sender, $0.recipients, $0.user) = ("plumb@example.org", [to, "b@example.org"], user)
        }
      }
      try await mail("a@example.org", user: "plumb", "pass word")
      let got = try listeners.next()
      #expect(got["sender"] == "plumb@example.org" && got["user"] == "plumb")
      #expect(got["to"] == ["a@example.org", "b@example.org"])
      let text = try #require(got["text"]?.string).replacing("\r\n", with: "\n")
      let parts = text.split(separator: "\n\n", maxSplits: 1).map(String.init)
      #expect(parts[0].contains("Message-ID: <\(Self.message().id)@plumb.example.org>"))
      #expect(parts[0].contains("Subject: =?utf-8?B?"))
      #expect(parts[0].contains("Date: Mon, 02 Mar 2026 10:00:00 +0000"))
      let body = Data(base64Encoded: parts[1].filter { !$0.isNewline }).map {
        String(decoding: $0, as: UTF8.self)
      }
      #expect(body?.hasPrefix("HIGH: Schlüssel gelöscht: root") == true)
      let refused = await #expect(throws: AlertFailure.self) {
        try await mail("nobody@example.org")
      }
      #expect(refused?.isFinal == true)
      let wrong = await #expect(throws: AlertFailure.self) {
        try await mail("a@example.org", user: "plumb", "guess")
      }
      #expect(wrong?.description.contains("guess") == false)
      await #expect(throws: AlertFailure.self) { try await mail("a@x\r\nBcc: c@example.org") }
    }
  }

  @Test func `syslog is RFC 5424, framed over TCP and a datagram each over UDP`() async throws {
    try await Listeners.with { listeners in
      try await Self.send(.syslog, listeners.address("syslog+tcp", "tcp"), [:], Self.message(2))
      let lines = [try listeners.next(), try listeners.next()]
      #expect(lines.allSatisfy { $0["kind"] == "tcp" })
      let text = try #require(lines[0]["text"]?.string)
      #expect(text.hasPrefix("<107>1 2026-03-02T10:00:00Z plumb.example.org plumb "))
      #expect(
        text.contains(
          #"[finding@32473 id="1" change="opened" severity="high" account="111122223333" "#
            + #"entity="root \"\\\]<&>" count="1"]"#
        )
      )
      #expect(text.contains("\u{FEFF}HIGH: Root was used"))
      #expect(lines[1]["text"]?.string?.contains("id=\"2\" change=\"raised\"") == true)
      let udp = listeners.address("syslog+udp", "udp")
      try await Self.send(.syslog, udp, [:], Self.message(title: "two\nlines"))
      let datagram = try listeners.next()
      #expect(datagram["kind"] == "udp")
      #expect(datagram["text"]?.string?.contains("two lines") == true)
    }
  }

  /// Addresses of this machine as they may be written, and others that only a network of one's own has.
  private static let loopback = ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "0.0.0.0"]
  private static let inside = [
    "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "[::1]",
    "[::ffff:127.0.0.1]", "[fd00::1]", "[fe80::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::1]",
  ]

  @Test(arguments: loopback + inside)
  func `a private address is not connected to, and that is said`(host: String) async throws {
    let server = try ReplayServer { _ in .init(200) }
    defer { server.stop() }
    let port = server.url.split(separator: ":").last.map(String.init) ?? ""
    let sender = try Self.sender(allowsPrivate: false)
    let key = ["key": Webhook.key(Array(repeating: 7, count: 32))]
    for (kind, address) in [
      (Channel.Kind.webhook, "https://\(host):\(port)/"),
      (.syslog, "syslog+tcp://\(host):\(port)"), (.syslog, "syslog+udp://\(host):\(port)"),
      (.syslog, "syslog+tls://\(host):\(port)"), (.email, "smtps://\(host):\(port)"),
    ] {
      var channel = Channel(name: "c", kind: kind, address: address)
      (channel.sender, channel.recipients) = ("a@example.org", ["b@example.org"])
      let asked = channel
      let refused = await #expect(throws: AlertFailure.self, "\(address)") {
        try await sender.send(Self.message(), to: asked, secrets: key)
      }
      #expect(refused?.description.contains("has a private address") == true, "\(refused)")
    }
    #expect(server.connectionCount == 0)
    // The same addresses lead here where that is allowed: it was the refusal that kept them away.
    guard Self.loopback.contains(host) else { return }
    try await Self.send(.syslog, "syslog+tcp://\(host):\(port)")
    #expect(try await eventually { server.connectionCount == 1 })
  }

  @Test func `a failure of another cause says nothing of private addresses`() async throws {
    // A port that was free a moment ago.
    let server = try ReplayServer { _ in .init(200) }
    let url = server.url
    server.stop()
    let failure = await #expect(throws: AlertFailure.self) {
      try await Self.send(.slack, "", ["url": Secret(url + "/x")])
    }
    #expect(failure?.description.contains("cannot be reached") == true)
    #expect(failure?.description.contains("private") == false)
  }

  @Test func `what cannot be sent to is refused before it is kept`() throws {
    let sender = try Self.sender(allowsPrivate: false)
    let key = ["key": Webhook.key(Array(repeating: 7, count: 32))]
    for (kind, address) in [
      (Channel.Kind.webhook, "http://example.org/"), (.webhook, "file:///etc/passwd"),
      (.webhook, "https://user:word@example.org/"), (.webhook, ""), (.email, "smtp://example.org"),
      (.syslog, "syslog+tcp://example.org"), (.email, "smtps://example.org"),
    ] {
      #expect(throws: AlertFailure.self, "\(address)") {
        try sender.check(Channel(name: "c", kind: kind, address: address), secrets: key)
      }
    }
    let good = Channel(name: "c", kind: .webhook, address: "https://example.org/in")
    #expect(throws: Never.self) { try sender.check(good, secrets: key) }
    for bad in [
      "short", "", "whsec_", "whsec_" + Data(repeating: 1, count: 15).base64EncodedString(),
    ] {
      #expect(throws: AlertFailure.self, "\(bad)") {
        try sender.check(good, secrets: ["key": Secret(bad)])
      }
    }
    #expect(throws: AlertFailure.self) { try sender.check(good, secrets: [:]) }
  }
}
