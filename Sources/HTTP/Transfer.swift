import CCurl
import Glibc

/// One exchange on the loop's thread.
@safe final class Transfer {
  let easy: UnsafeMutableRawPointer
  let number: Int
  let waiter: CheckedContinuation<HTTPResponse, any Error>
  private let request: HTTPRequest
  private let limit: Int
  private var list: UnsafeMutablePointer<curl_slist>?
  private var response = HTTPResponse(0)
  private var isTooLarge = false
  private let reason: UnsafeMutablePointer<CChar>
  /// Whether an address was private that must not be.
  private let isRefused: UnsafeMutablePointer<Bool>

  /// - Throws: ``HTTPError/invalid(reason:)``.
  init(
    _ request: HTTPRequest,
    _ number: Int,
    _ waiter: CheckedContinuation<HTTPResponse, any Error>,
    _ authorities: String?,
    _ limit: Int
  ) throws {
    for (name, value) in request.headers
    where (name + value).utf8.contains(where: { $0 == 0x0A || $0 == 0x0D || $0 == 0 }) {
      throw HTTPError.invalid(reason: "header \(name) holds a line end")
    }
    guard let easy = unsafe curl_easy_init() else {
      throw HTTPError.invalid(reason: "there is no memory for libcurl")
    }
    unsafe self.easy = unsafe easy
    unsafe reason = .allocate(capacity: Int(CURL_ERROR_SIZE))
    unsafe reason.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    unsafe isRefused = .allocate(capacity: 1)
    unsafe isRefused.initialize(to: false)
    (self.request, self.number, self.waiter, self.limit) = (request, number, waiter, limit)
    configure(authorities)
  }

  deinit {
    unsafe curl_easy_cleanup(easy)
    unsafe curl_slist_free_all(list)
    unsafe reason.deallocate()
    unsafe isRefused.deallocate()
  }

  private func configure(_ authorities: String?) {
    text(CURLOPT_URL, request.url)
    text(CURLOPT_PROTOCOLS_STR, "http,https")
    text(CURLOPT_CUSTOMREQUEST, request.method)
    if request.method == "HEAD" { number(CURLOPT_NOBODY, 1) }
    if !request.body.isEmpty || ["POST", "PUT", "PATCH"].contains(request.method) {
      _ = unsafe plumb_curl_set_size(
        easy,
        CURLOPT_POSTFIELDSIZE_LARGE,
        curl_off_t(request.body.count)
      )
      unsafe request.body.withUnsafeBytes { bytes in
        // libcurl copies what it is told to copy.
        _ = unsafe plumb_curl_set_pointer(
          easy,
          CURLOPT_COPYPOSTFIELDS,
          bytes.baseAddress ?? UnsafeRawPointer(easy)
        )
      }
    }
    number(CURLOPT_NOSIGNAL, 1)
    number(CURLOPT_CONNECTTIMEOUT_MS, Int(min(request.timeout, 15) * 1000))
    number(CURLOPT_TIMEOUT_MS, Int(request.timeout * 1000))
    // An answer that was cut off is an error, never a short answer.
    number(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
    if request.inflates { text(CURLOPT_ACCEPT_ENCODING, "") }
    if let authorities { text(CURLOPT_CAINFO, authorities) }
    if request.isPublicOnly { _ = unsafe plumb_curl_refuse_private(easy, isRefused) }
    if !request.usesProxy || request.isPublicOnly { text(CURLOPT_NOPROXY, "*") }
    _ = unsafe plumb_curl_set_pointer(easy, CURLOPT_ERRORBUFFER, reason)
    // curl would send these of its own accord; a signature may not cover them.
    var lines = request.headers.map { $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)" }
    for name in ["Expect", "Content-Type", "Accept"] where request[header: name] == nil {
      lines.append("\(name):")
    }
    for line in lines { unsafe list = curl_slist_append(list, line) }
    _ = unsafe plumb_curl_set_list(easy, CURLOPT_HTTPHEADER, list)
    let context = unsafe Unmanaged.passUnretained(self).toOpaque()
    _ = unsafe plumb_curl_set_receiver(easy, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
      guard let bytes = unsafe bytes, let context = unsafe context else { return 0 }
      let transfer = unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
      return unsafe transfer.take(UnsafeRawBufferPointer(start: bytes, count: size * count))
    }
    _ = unsafe plumb_curl_set_pointer(easy, CURLOPT_WRITEDATA, context)
    _ = unsafe plumb_curl_set_receiver(easy, CURLOPT_HEADERFUNCTION) {
      bytes,
      size,
      count,
      context in
      guard let bytes = unsafe bytes, let context = unsafe context else { return 0 }
      let transfer = unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
      unsafe transfer.takeHeader(UnsafeRawBufferPointer(start: bytes, count: size * count))
      return size * count
    }
    _ = unsafe plumb_curl_set_pointer(easy, CURLOPT_HEADERDATA, context)
  }

  private func text(_ option: CURLoption, _ text: String) {
    _ = unsafe plumb_curl_set_text(easy, option, text)
  }

  private func number(_ option: CURLoption, _ number: Int) {
    _ = unsafe plumb_curl_set_number(easy, option, number)
  }

  private func take(_ bytes: UnsafeRawBufferPointer) -> Int {
    if let receive = request.receive, (200..<300).contains(status) {
      unsafe receive(Array(bytes))
      return bytes.count
    }
    guard response.body.count + bytes.count <= limit else {
      isTooLarge = true
      return 0
    }
    unsafe response.body.append(contentsOf: bytes)
    return bytes.count
  }

  private func takeHeader(_ bytes: UnsafeRawBufferPointer) {
    let line = unsafe String(decoding: bytes, as: UTF8.self)
    // The head of a later response, after a 100 Continue or a proxy's answer, replaces the former.
    if line.hasPrefix("HTTP/") { return response.headers = [] }
    guard let colon = line.firstIndex(of: ":") else { return }
    let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
    response.headers.append((String(line[..<colon]), String(value.filter { !$0.isNewline })))
  }

  /// Tells whoever waits how the exchange ended.
  func finish(_ outcome: CURLcode) {
    guard outcome == CURLE_OK else { return waiter.resume(throwing: error(outcome)) }
    response.status = status
    waiter.resume(returning: response)
  }

  private var status: Int {
    var status = 0
    _ = unsafe plumb_curl_status(easy, &status)
    return status
  }

  private func error(_ outcome: CURLcode) -> HTTPError {
    let told = unsafe String(cString: reason)
    let reason = told.isEmpty ? unsafe String(cString: curl_easy_strerror(outcome)) : told
    let rest = request.url.split(separator: "/", omittingEmptySubsequences: true).dropFirst()
    let host = rest.first.map(String.init) ?? request.url
    if outcome == CURLE_COULDNT_CONNECT, unsafe isRefused.pointee {
      return .privateAddress(host: host)
    }
    return switch outcome {
    case CURLE_OPERATION_TIMEDOUT: .timedOut(host: host, seconds: request.timeout)
    case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM,
      CURLE_SSL_CACERT_BADFILE:
      .tls(host: host, reason: reason)
    case _ where isTooLarge: .tooLarge(host: host, limit: limit)
    case CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT: .invalid(reason: reason)
    default: .unreachable(host: host, reason: reason)
    }
  }
}
