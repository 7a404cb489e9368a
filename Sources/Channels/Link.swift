import CCurl
import Foundation
import Glibc
import Model

/// Where mail and syslog go: an address, and what may be connected to.
///
/// Calls block.
struct Link: Sendable {
  private let scheme: String
  private let name: String
  private let port: Int
  private let isPublicOnly: Bool
  private let authorities: String?
  private let ownName: String

  /// What is said of a host to which nothing is sent because its address is private.
  static func privacy(_ host: String) -> AlertFailure {
    AlertFailure(
      "\(host) has a private address, and those are refused unless plumb runs with "
        + "--allow-private-channels"
    )
  }

  init(_ address: String, isPublicOnly: Bool, authorities: String?, host: String) throws {
    guard let url = URLComponents(string: address), let scheme = url.scheme, let name = url.host
    else { throw AlertFailure("its address is no URL", isFinal: true) }
    let ports = [
      "smtp": 25, "smtps": 465, "smtp+starttls": 587, "syslog+tls": 6514, "syslog+udp": 514,
    ]
    (self.scheme, self.name, port) = (scheme, name, url.port ?? ports[scheme] ?? 0)
    (self.isPublicOnly, self.authorities, ownName) = (isPublicOnly, authorities, host)
  }

  // MARK: - Mail

  /// Hands in a mail.
  func send(_ mail: Mail, user: String, _ password: Secret?) throws {
    let easy = try Easy("\(scheme == "smtps" ? "smtps" : "smtp")://\(name):\(port)/\(hello)")
    prepare(easy)
    easy.set(CURLOPT_PROTOCOLS_STR, "smtp,smtps")
    if scheme == "smtp+starttls" { easy.set(CURLOPT_USE_SSL, Int(CURLUSESSL_ALL.rawValue)) }
    if let password, !user.isEmpty {
      easy.set(CURLOPT_USERNAME, user)
      easy.set(CURLOPT_PASSWORD, password.revealed)
    }
    easy.set(CURLOPT_MAIL_FROM, "<\(mail.sender)>")
    easy.add(CURLOPT_MAIL_RCPT, mail.recipients.map { "<\($0)>" })
    easy.upload(mail.text)
    try easy.perform { code, reason in failure(code, reason, easy) }
  }

  private var hello: String {
    let good = ownName.filter { $0.isASCII && ($0.isLetter || $0.isNumber || ".-".contains($0)) }
    return good.isEmpty ? "localhost" : good
  }

  private func failure(_ code: CURLcode, _ reason: String, _ easy: Easy) -> AlertFailure {
    if code == CURLE_COULDNT_CONNECT, easy.isRefused { return Self.privacy(name) }
    let isFinal = (500..<600).contains(easy.status)
    return AlertFailure(
      "\(name): \(reason)\(isFinal ? ", status \(easy.status)" : "")",
      isFinal: isFinal
    )
  }

  private func prepare(_ easy: Easy) {
    if isPublicOnly {
      easy.refusePrivate()
      easy.set(CURLOPT_NOPROXY, "*")
    }
    if let authorities { easy.set(CURLOPT_CAINFO, authorities) }
    easy.set(CURLOPT_NOSIGNAL, 1)
    easy.set(CURLOPT_CONNECTTIMEOUT_MS, 10_000)
    easy.set(CURLOPT_TIMEOUT_MS, 30_000)
  }

  // MARK: - Syslog

  /// Sends lines of syslog: framed by their length over a stream, one a datagram over UDP.
  func send(_ lines: [String]) throws {
    if scheme == "syslog+udp" { return try sendDatagrams(lines.map { Array($0.utf8) }) }
    // libcurl connects, and does TLS where it is for; what is said then is none of HTTP.
    let easy = try Easy("\(scheme == "syslog+tls" ? "https" : "http")://\(name):\(port)/")
    prepare(easy)
    easy.set(CURLOPT_CONNECT_ONLY, 1)
    easy.set(CURLOPT_SSL_ENABLE_ALPN, 0)
    easy.set(CURLOPT_NOPROXY, "*")
    try easy.perform { code, reason in failure(code, reason, easy) }
    let bytes = lines.flatMap { line in Array("\(line.utf8.count) \(line)".utf8) }
    try easy.send(bytes) { reason in AlertFailure("\(name): \(reason)") }
  }

  private func sendDatagrams(_ datagrams: [[UInt8]]) throws {
    var hints = unsafe addrinfo()
    unsafe hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    // An address of IPv6 stands in brackets in a URL only.
    let host = name.hasPrefix("[") ? String(name.dropFirst().dropLast()) : name
    guard unsafe getaddrinfo(host, "\(port)", &hints, &list) == 0 else {
      throw AlertFailure("\(name): is no host that is known")
    }
    defer { unsafe freeaddrinfo(list) }
    var isRefused = false
    var next = unsafe list
    while let entry = unsafe next {
      defer { unsafe next = entry.pointee.ai_next }
      guard let address = unsafe entry.pointee.ai_addr else { continue }
      guard unsafe !isPublicOnly || !plumb_is_private(address) else {
        isRefused = true
        continue
      }
      let descriptor = unsafe socket(
        entry.pointee.ai_family,
        Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue),
        0
      )
      guard descriptor >= 0 else { continue }
      defer { close(descriptor) }
      guard unsafe connect(descriptor, address, entry.pointee.ai_addrlen) == 0 else { continue }
      for datagram in datagrams {
        let sent = unsafe datagram.withUnsafeBytes { bytes in
          unsafe Glibc.send(descriptor, bytes.baseAddress, bytes.count, 0)
        }
        guard sent == datagram.count else {
          throw AlertFailure("\(name): \(unsafe String(cString: strerror(errno)))")
        }
      }
      return
    }
    throw isRefused ? Self.privacy(name) : AlertFailure("\(name): cannot be reached")
  }
}

/// One handle of libcurl, used by one thread.
@safe private final class Easy {
  private let handle: UnsafeMutableRawPointer
  private let reason: UnsafeMutablePointer<CChar>
  private let refusal: UnsafeMutablePointer<Bool>
  private var list: UnsafeMutablePointer<curl_slist>?
  private var upload: [UInt8] = []
  private var sent = 0

  init(_ url: String) throws {
    guard let handle = unsafe curl_easy_init() else {
      throw AlertFailure("there is no memory for libcurl")
    }
    unsafe self.handle = unsafe handle
    unsafe reason = .allocate(capacity: Int(CURL_ERROR_SIZE))
    unsafe reason.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    unsafe refusal = .allocate(capacity: 1)
    unsafe refusal.initialize(to: false)
    _ = unsafe plumb_curl_set_pointer(handle, CURLOPT_ERRORBUFFER, reason)
    set(CURLOPT_URL, url)
  }

  deinit {
    unsafe curl_easy_cleanup(handle)
    unsafe curl_slist_free_all(list)
    unsafe reason.deallocate()
    unsafe refusal.deallocate()
  }

  func set(_ option: CURLoption, _ text: String) {
    _ = unsafe plumb_curl_set_text(handle, option, text)
  }

  func set(_ option: CURLoption, _ number: Int) {
    _ = unsafe plumb_curl_set_number(handle, option, number)
  }

  func refusePrivate() { _ = unsafe plumb_curl_refuse_private(handle, refusal) }

  /// Whether an address was private that must not be.
  var isRefused: Bool { unsafe refusal.pointee }

  func add(_ option: CURLoption, _ texts: [String]) {
    for text in texts { unsafe list = curl_slist_append(list, text) }
    _ = unsafe plumb_curl_set_list(handle, option, list)
  }

  /// Sends bytes as the body.
  func upload(_ bytes: [UInt8]) {
    upload = bytes
    set(CURLOPT_UPLOAD, 1)
    let context = unsafe Unmanaged.passUnretained(self).toOpaque()
    _ = unsafe plumb_curl_set_receiver(handle, CURLOPT_READFUNCTION) {
      target,
      size,
      count,
      context in
      guard let target = unsafe target, let context = unsafe context else { return 0 }
      let easy = unsafe Unmanaged<Easy>.fromOpaque(context).takeUnretainedValue()
      return unsafe easy.read(
        into: UnsafeMutableRawBufferPointer(start: target, count: size * count)
      )
    }
    _ = unsafe plumb_curl_set_pointer(handle, CURLOPT_READDATA, context)
  }

  private func read(into target: UnsafeMutableRawBufferPointer) -> Int {
    let piece = upload[sent...].prefix(target.count)
    unsafe target.copyBytes(from: piece)
    sent += piece.count
    return piece.count
  }

  /// The last status of the server.
  var status: Int {
    var status = 0
    _ = unsafe plumb_curl_status(handle, &status)
    return status
  }

  func perform(_ failure: (CURLcode, String) -> AlertFailure) throws {
    let code = unsafe curl_easy_perform(handle)
    guard code != CURLE_OK else { return }
    let told = unsafe String(cString: reason)
    throw failure(code, told.isEmpty ? unsafe String(cString: curl_easy_strerror(code)) : told)
  }

  /// Sends bytes over a connection that was only opened.
  func send(_ bytes: [UInt8], _ failure: (String) -> AlertFailure) throws {
    var rest = bytes[...]
    var pauses = 0
    while !rest.isEmpty {
      var count = 0
      let code = unsafe rest.withUnsafeBytes { buffer in
        unsafe curl_easy_send(handle, buffer.baseAddress, buffer.count, &count)
      }
      if code == CURLE_AGAIN, pauses < 1000 {
        pauses += 1
        usleep(10_000)
        continue
      }
      guard code == CURLE_OK else {
        throw failure(unsafe String(cString: curl_easy_strerror(code)))
      }
      rest = rest.dropFirst(count)
    }
  }
}
