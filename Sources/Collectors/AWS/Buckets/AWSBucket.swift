package import HTTP
package import Model
import Synchronization

/// The two calls that read what lies in a bucket, of S3 or of a server that speaks as S3 does, and no
/// other.
///
/// It shares signature, endpoints, credentials and the remedies for refusals with what collects.
package final class AWSBucket: Sendable {
  /// What a bucket's list says of an object.
  package struct Object: Sendable, Hashable {
    package var key: String
    package var size: Int64
    /// Changes whenever the content does.
    package var tag: String

    package init(key: String, size: Int64, tag: String) {
      (self.key, self.size, self.tag) = (key, size, tag)
    }
  }

  /// Objects in the order of their keys.
  package struct Page: Sendable {
    package var objects: [Object]
    /// Where the next page goes on; nil for the last one.
    package var next: String?
  }

  package let name: String
  private let service: AWSService
  private let endpoints: AWSEndpoints
  private let credentials: any AWSCredentialProvider
  private let client: any HTTPClient
  private let rates: APIRates
  private let clock: @Sendable () -> Instant
  private let sleep: @Sendable (Double) async throws -> Void
  private let state: Mutex<State>

  private struct State {
    var region: String
    /// How far the server's clock is ahead of ours, in milliseconds.
    var skew: Int64 = 0
  }

  /// A bucket that is called in a region until it says that it is in another.
  ///
  /// - Throws: ``AWSFactsError``, and ``AWSCredentialError`` for an endpoint that is none.
  package init(
    _ name: String,
    _ facts: AWSFacts,
    _ endpoints: AWSEndpoints,
    region: String,
    credentials: any AWSCredentialProvider,
    client: any HTTPClient,
    rates: APIRates = APIRates(ceiling: 1000),
    clock: @escaping @Sendable () -> Instant,
    pause: @escaping @Sendable (Double) async throws -> Void = {
      try await Task.sleep(for: .seconds($0))
    }
  ) throws {
    guard let service = try facts.service("s3") else {
      throw AWSFactsError(path: "services.s3", reason: "is missing")
    }
    _ = try endpoints.endpoint(service, region: region)
    self.name = name
    self.service = service
    self.endpoints = endpoints
    self.credentials = credentials
    self.client = client
    self.rates = rates
    self.clock = clock
    sleep = pause
    state = Mutex(State(region: region))
  }

  /// A page of the list of the objects whose keys begin with a prefix.
  ///
  /// - Throws: ``AWSBucketError``; `CancellationError`.
  package func objects(_ prefix: String, from next: String? = nil) async throws -> Page {
    // Keys may hold what XML cannot: they are asked for in percent codes.
    var query = [("list-type", "2"), ("encoding-type", "url"), ("prefix", prefix)]
    if let next { query.append(("continuation-token", next)) }
    let text = query.map { "\($0)=\(PercentEncoding.encoded(Array($1.utf8)))" }
    let call = Call(operation: "ListObjectsV2", query: text.joined(separator: "&"))
    return try await send(call) { try AWSBucketList(parsing: $0.body).page }
  }

  /// A part of an object as it is stored.
  ///
  /// - Throws: ``AWSBucketError``, where the object is no longer what the list said too;
  ///   `CancellationError`.
  package func bytes(of object: Object, from start: Int64, count: Int) async throws -> [UInt8] {
    let segments = object.key.split(separator: "/")
    guard !segments.contains(where: { $0 == "." || $0 == ".." }) else {
      throw error(object.key, "has . or .. for a name in its key, and cannot be asked for")
    }
    let count = Int(min(Int64(count), object.size - start))
    guard count > 0 else { return [] }
    let call = Call(
      operation: "GetObject",
      key: object.key,
      headers: [
        ("Range", "bytes=\(start)-\(start + Int64(count) - 1)"), ("If-Match", object.tag),
      ]
    )
    return try await send(call) { response in
      // Some servers know no ranges and answer with all.
      let body = response.body
      let part =
        response.status == 206 || body.count == count
        ? body[...] : body.dropFirst(Int(start)).prefix(count)
      guard part.count == count else {
        throw AWSMisfit("\(part.count) of \(count) bytes came")
      }
      return Array(part)
    }
  }

  private struct Call {
    var operation: String
    var key: String?
    var query = ""
    var headers: [(name: String, value: String)] = []
  }

  /// Makes a call, again where that may help.
  private func send<R>(
    _ call: Call,
    _ read: (HTTPResponse) throws -> R
  ) async throws -> R {
    var tried: Set<Remedy> = []
    for attempt in 1... {
      let region = state.withLock(\.region)
      let (refusal, response): (APIRefusal, HTTPResponse?)
      do {
        return try await read(self.attempt(call, region))
      } catch let fault as Refused {
        (refusal, response) = (fault.refusal, fault.response)
      } catch let misfit as AWSMisfit {
        (refusal, response) = (self.refusal(.malformed, call, region, misfit.text), nil)
      } catch let fault as AWSCredentialError {
        throw error(call.key, "\(fault)")
      }
      guard attempt < APIRetry.most,
        let remedy = Remedy(refusal, response, isOfBucket: true, attempt: attempt),
        remedy.isRepeatable || !tried.contains(remedy)
      else { throw error(call.key, reason(refusal)) }
      tried.insert(remedy)
      try await apply(remedy, response, region, attempt)
    }
    throw CancellationError()
  }

  private struct Refused: Error {
    var refusal: APIRefusal
    var response: HTTPResponse?
  }

  private func attempt(_ call: Call, _ region: String) async throws -> HTTPResponse {
    try await rates.wait(account: "", region: region, service: service.id)
    let response: HTTPResponse
    do {
      response = try await client.send(request(call, region))
    } catch let error as HTTPError {
      throw Refused(refusal: refusal(.init(error), call, region, "\(error)"))
    }
    guard (200..<300).contains(response.status) else {
      let fault = AWSResponseReader().fault(response, of: service)
      var refusal = refusal(.init(fault), call, region, fault.message)
      refusal.code = fault.code
      throw Refused(refusal: refusal, response: response)
    }
    return response
  }

  private func request(_ call: Call, _ region: String) async throws -> HTTPRequest {
    let endpoint = try endpoints.endpoint(service, region: region)
    var url = endpoint.url
    if endpoint.isExplicit || !AWSAddress.isHostLabel(name) {
      url += "/" + PercentEncoding.encoded(Array(name.utf8))
    } else if let mark = url.firstRange(of: "://") {
      url.insert(contentsOf: "\(name).", at: mark.upperBound)
    }
    url += "/" + PercentEncoding.encoded(Array((call.key ?? "").utf8), keeping: "/")
    if !call.query.isEmpty { url += "?" + call.query }
    var request = HTTPRequest("GET", url, headers: call.headers + [("User-Agent", "plumb")])
    request.inflates = false
    return try AWSSigner().signed(
      request,
      try await credentials.credentials(),
      service: service.signingName,
      region: endpoint.signingRegion,
      at: clock().advanced(milliseconds: state.withLock(\.skew))
    )
  }

  private func apply(
    _ remedy: Remedy,
    _ response: HTTPResponse?,
    _ region: String,
    _ attempt: Int
  ) async throws {
    switch remedy {
    case .redirect(let region): state.withLock { $0.region = region }
    case .refresh: try await credentials.refresh()
    case .clock(let theirs):
      let skew = theirs.milliseconds - clock().milliseconds
      state.withLock { $0.skew = skew }
    case .slower, .again:
      if remedy == .slower { rates.refused(account: "", region: region, service: service.id) }
      let wish = response?[header: "Retry-After"]
      try await sleep(APIRetry.wait(attempt: attempt, retryAfter: wish, now: clock()))
    }
  }

  private func refusal(
    _ cause: APIRefusal.Cause,
    _ call: Call,
    _ region: String,
    _ message: String
  ) -> APIRefusal {
    APIRefusal(cause, message: message, operation: "s3:\(call.operation)", region: region)
  }

  // MARK: - Words

  private func error(_ key: String?, _ reason: String) -> AWSBucketError {
    AWSBucketError(place: "s3://\(name)" + (key.map { "/\($0)" } ?? ""), reason: reason)
  }

  /// What happened, and the way out.
  private func reason(_ refusal: APIRefusal) -> String {
    switch (refusal.code, refusal.cause) {
    case ("NoSuchBucket", _): "there is no such bucket; \(refusal)"
    case ("NoSuchKey", _): "is gone since the bucket was listed"
    case ("PreconditionFailed", _):
      "was replaced since the bucket was listed; another run reads it as it is now"
    case ("InvalidObjectState", _): "is archived, and has to be restored first; \(refusal)"
    case (_, .denied):
      "\(refusal); the credentials have to allow s3:ListBucket for the bucket and s3:GetObject for its "
        + "objects"
    default: "\(refusal)"
    }
  }
}

/// Why a bucket, or an object in it, cannot be read.
package struct AWSBucketError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The bucket or object, as `s3://bucket/key`.
  package let place: String
  package let reason: String

  /// The place and the reason.
  package var description: String { "\(place): \(reason)" }
}
