import ArgumentParser
import Collectors
import Foundation
import Insights
import Operations

/// The logs that a command reads, wherever they are.
final class LogPlaces {
  private let paths: [String]
  private let names: LogNames
  private let reach: BucketReach?
  /// How often buckets are listed where logs are followed; nil where they are read once.
  private let listingEvery: Duration?
  private var listings: [String: (LogNames.Listing, at: ContinuousClock.Instant)] = [:]
  private var hasListed = false
  /// The paths that could not be read; the others are.
  private(set) var unread: Set<String> = []

  static let help = ArgumentHelp(
    "Logs: files, folders, s3://bucket/prefix, or - for standard input.",
    valueName: "path"
  )

  /// Signs in where a path is in a bucket.
  init(
    _ paths: [String],
    _ names: LogNames,
    _ buckets: BucketOptions,
    _ store: StoreOptions,
    listingEvery: Duration? = nil
  ) async throws {
    (self.paths, self.names, self.listingEvery) = (paths, names, listingEvery)
    reach = paths.contains(where: BucketPath.isOne) ? try await buckets.reach(store) : nil
  }

  /// The logs; asked again they may be more.
  ///
  /// What is passed over by its name, and a path that cannot be read beside others, are told once.
  func inputs() async throws -> [LogInput] {
    var all = LogNames.Listing()
    for path in paths {
      do {
        let listing = try await BucketPath.isOne(path) ? look(BucketPath(path), path) : look(path)
        all.inputs += listing.inputs
        all.passedOver += listing.passedOver
      } catch let error as LogError {
        guard paths.count > 1, unread.count < paths.count - 1 || unread.contains(path) else {
          throw error
        }
        if unread.insert(path).inserted { complain("\(error)") }
      }
    }
    if !hasListed, !all.passedOver.isEmpty {
      complain(
        "\(counted(all.passedOver.count, "file")) passed over, by the name no log "
          + "(\(names.endings.map { ".\($0)" }.joined(separator: ", "))): "
          + LogNames.text(all.passedOver)
      )
    }
    hasListed = true
    return all.inputs
  }

  private func look(_ path: String) throws -> LogNames.Listing {
    do { return try names.at(path) } catch {
      // What is followed may be away for a moment, as when it is set aside, and a folder empty for now.
      if listingEvery != nil, hasListed { return LogNames.Listing() }
      var isFolder: ObjCBool = false
      let isThere = unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      if listingEvery != nil, isThere, isFolder.boolValue { return LogNames.Listing() }
      throw error
    }
  }

  private func look(_ place: BucketPath, _ path: String) async throws -> LogNames.Listing {
    if let (listing, time) = listings[path] {
      guard let listingEvery, ContinuousClock.now - time > listingEvery else { return listing }
      // What is followed may be out of reach for a while.
      do { try await list(place, path) } catch let error as LogError {
        complain("\(error); it is tried again")
        listings[path] = (listing, ContinuousClock.now)
      }
    } else {
      try await list(place, path)
    }
    return listings[path]?.0 ?? LogNames.Listing()
  }

  private func list(_ place: BucketPath, _ path: String) async throws {
    guard let reach else { return }
    let bucket = try reach.bucket(place.bucket)
    var objects: [AWSBucket.Object] = []
    var next: String?
    do {
      repeat {
        let page = try await withoutSecrets(of: reach.credential) {
          try await bucket.objects(place.prefix, from: next)
        }
        objects += page.objects
        next = page.next
      } while next != nil
    } catch let error as AWSBucketError {
      throw LogError.unreadable(error.place, error.reason)
    }
    func name(_ object: AWSBucket.Object) -> String { "s3://\(place.bucket)/\(object.key)" }
    // One that is named as a whole is read whatever its name, as a file is.
    let isNamed = objects.count == 1 && objects[0].key == place.prefix
    let (logs, others) = isNamed ? (objects, []) : names.sorted(objects) { $0.key }
    if logs.isEmpty, listingEvery == nil { throw names.none(in: path, others.map(name)) }
    var listing = LogNames.Listing()
    listing.inputs = logs.map { object in
      LogInput(name: name(object), object: BucketLog(bucket: bucket, object: object))
    }
    listing.passedOver = others.map(name)
    listings[path] = (listing, ContinuousClock.now)
  }
}

/// An object of a bucket as a log.
private struct BucketLog: LogObject {
  let bucket: AWSBucket
  let object: AWSBucket.Object

  var size: Int64 { object.size }
  var version: String { object.tag }

  func bytes(from start: Int64, count: Int) async throws -> [UInt8] {
    do {
      return try await bucket.bytes(of: object, from: start, count: count)
    } catch let error as AWSBucketError {
      throw LogError.unreadable(error.place, error.reason)
    }
  }
}
