import Foundation
package import HTTP
import JSON
package import Model

/// Sends messages by the kind of their channel.
package struct ChannelSender: AlertSender {
  let client: any HTTPClient
  /// Whether private addresses may be connected to, and TLS be left out.
  let allowsPrivate: Bool
  let host: String
  let authorities: String?

  /// A sender.
  ///
  /// - Parameters:
  ///   - client: sends requests, with connections that nothing else uses.
  ///   - allowsPrivate: whether private addresses may be connected to, and TLS be left out.
  ///   - host: how this machine is called in syslog and mail.
  ///   - authorities: a PEM file with the certificate authorities to trust instead of the system's.
  package init(
    _ client: any HTTPClient,
    allowsPrivate: Bool,
    host: String = ProcessInfo.processInfo.hostName,
    authorities: String? = nil
  ) {
    (self.client, self.allowsPrivate, self.host) = (client, allowsPrivate, host)
    self.authorities = authorities
  }

  /// Sends a message by the kind of the channel.
  package func send(
    _ message: AlertMessage,
    to channel: Channel,
    secrets: [String: Secret]
  ) async throws {
    try check(channel, secrets: secrets)
    switch channel.kind {
    case .webhook: try await post(Webhook.request(message, channel.address, secrets["key"]))
    case .slack: try await post(Chat.slack(message, secrets["url"]))
    case .teams: try await post(Chat.teams(message, secrets["url"]))
    case .email:
      let mail = Mail(message, channel, host: host)
      let link = try link(channel.address)
      try await Blocking.run { try link.send(mail, user: channel.user, secrets["password"]) }
    case .syslog:
      let lines = Syslog.lines(message, host: host)
      let link = try link(channel.address)
      try await Blocking.run { try link.send(lines) }
    }
  }

  /// Looks at address, people and secrets; connects to nothing.
  package func check(_ channel: Channel, secrets: [String: Secret]) throws {
    let text: String
    switch channel.kind {
    case .slack, .teams:
      guard let url = secrets["url"] else {
        throw AlertFailure("its URL is missing", isFinal: true)
      }
      text = url.revealed
    case .webhook, .email, .syslog: text = channel.address
    }
    guard let url = URLComponents(string: text), let scheme = url.scheme, let host = url.host,
      !host.isEmpty, url.user == nil, url.password == nil
    else { throw AlertFailure("its address is no URL with a host", isFinal: true) }
    let (good, bare): ([String], [String]) =
      switch channel.kind {
      case .webhook, .slack, .teams: (["https"], ["http"])
      case .email: (["smtps", "smtp+starttls"], ["smtp"])
      case .syslog: (["syslog+tls", "syslog+tcp", "syslog+udp"], [])
      }
    guard good.contains(scheme) || (allowsPrivate && bare.contains(scheme)) else {
      let words =
        "its address has to begin with \(good.joined(separator: ":// or "))://, not \(scheme)://"
      guard bare.contains(scheme) else { throw AlertFailure(words, isFinal: true) }
      // Another start of the server may allow it.
      throw AlertFailure("\(words), unless --allow-private-channels is given")
    }
    if channel.kind == .syslog, url.port == nil, scheme == "syslog+tcp" {
      throw AlertFailure("a syslog server over TCP needs a port", isFinal: true)
    }
    if channel.kind == .webhook, secrets["key"].flatMap(Webhook.keyBytes) == nil {
      throw AlertFailure(Webhook.noKey, isFinal: true)
    }
    guard channel.kind == .email else { return }
    guard !channel.sender.isEmpty, !channel.recipients.isEmpty else {
      throw AlertFailure("mail needs from and to", isFinal: true)
    }
    for address in [channel.sender] + channel.recipients where !Mail.isAddress(address) {
      throw AlertFailure("\"\(address)\" is no mail address", isFinal: true)
    }
  }

  private func link(_ address: String) throws -> Link {
    try Link(address, isPublicOnly: !allowsPrivate, authorities: authorities, host: host)
  }

  private func post(_ request: HTTPRequest) async throws {
    var request = request
    request.isPublicOnly = !allowsPrivate
    request.timeout = 15
    let response: HTTPResponse
    do {
      response = try await client.send(request)
    } catch let error as HTTPError {
      // What a URL holds is secret; of errors only the kind and the host are told.
      if case .privateAddress(let host) = error { throw Link.privacy(host) }
      throw AlertFailure("\(error)")
    }
    guard !(200..<300).contains(response.status) else { return }
    // Too early, too much at once, or too slow: another try may do. Other refusals stay.
    let isFinal =
      (400..<500).contains(response.status) && ![408, 409, 425, 429].contains(response.status)
    throw AlertFailure("it answered with status \(response.status)", isFinal: isFinal)
  }
}

/// Runs what waits on a socket on a thread of its own.
enum Blocking {
  static func run(_ body: @escaping @Sendable () throws -> Void) async throws {
    try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
      DispatchQueue.global().async { done.resume(with: Result { try body() }) }
    }
  }
}
