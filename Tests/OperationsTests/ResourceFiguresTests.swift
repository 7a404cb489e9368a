import Foundation
import JSON
import Model
import Operations
import Store
import Synchronization
import TestSupport
import Testing

/// Counts of resources are those of the resources, whatever is asked for and as of when.
struct ResourceFiguresTests {
  private static let names = [
    "web", "Web Shop", "büro", "BÜRO 2", "bu\u{308}ro 3", "a.b*c", "web\"shop\"", "日本", "ALL", "x",
  ]
  private static let values = [
    "prod", "test", "", "a\"b", "back\\slash", "ä", "x\",\"y\":\"z", "PROD",
  ]
  private static let questions: [[String]] = [
    [], ["web"], ["WEB", "shop"], ["büro"], ["bu\u{308}ro"], ["u"], ["r-1"], ["b*"], ["\"shop"],
    ["日"],
    ["r-1", "l"], ["none at all"], ["ä"],
  ]

  private static func lines(_ random: inout SplitMix64, _ some: ClosedRange<Int>) -> [String] {
    func pick<Choice>(_ choices: [Choice]) -> Choice {
      choices[Int.random(in: choices.indices, using: &random)]
    }
    return some.map { number in
      var tags: [(String, String)] = []
      for name in ["stage", "owner", "a=b", "k\"ey"] where Bool.random(using: &random) {
        tags.append((name, pick(values)))
      }
      return Resource(
        provider: "test",
        account: "a",
        region: pick(["east", "west"]),
        kind: ResourceKind(service: "store", kind: pick(["bucket", "key"])),
        id: "R-\(number)",
        name: pick(names),
        tags: tags,
        configuration: ["n": .integer(Int64.random(in: 0...3, using: &random))]
      ).inventoryLine.text
    }
  }

  @Test(arguments: TestDatabase.all)
  func `figures are the sums of the resources that a filter selects`(database: TestDatabase)
    async throws
  {
    try await Bench.with(database) { bench in
      var random = SplitMix64(seed: 5)
      let cache = PostureCache()
      for round in 0..<12 {
        // Some come, change and go; then one scan after the other changes all of them, which wears columns out.
        let some = round < 8 ? Int.random(in: 0...20, using: &random)...60 : 0...60
        try await bench.scan(Self.lines(&random, some), at: hour(round))
        let seed = random.next()
        let faults = try await bench.store.read { transaction -> [String] in
          var random = SplitMix64(seed: seed)
          return try (0..<25).flatMap { _ in
            try Self.compare(transaction, round, cache, &random)
          }
        }
        #expect(faults == [], "\(faults.first ?? "")")
      }
    }
  }

  @Test func `tags that are no texts, or that stand twice, count as they are listed`() async throws
  {
    try await Bench.with(.sqlite) { bench in
      let tags = [
        #"{"n":1,"stage":"prod","l":["p","q"],"z":null}"#, #"{"stage":"prod","stage":"test"}"#,
        #"{"o":{"stage":"deep"},"stage":"x"}"#, #"{"stage":true}"#, "{}",
        #"{ "stage" : "prod" , "k" : "" }"#,
      ]
      let lines = tags.enumerated().map { number, tags in
        #"{"provider":"test","account":"a","region":"","service_name":"store","resource_kind":"bucket","#
          + #""id":"R-\#(number)","name":"x","tags":\#(tags),"attributes":{},"configuration":{}}"#
      }
      try await bench.scan(lines, at: hour(0))
      let faults = try await bench.store.read { transaction -> [String] in
        var random = SplitMix64(seed: 3)
        let cache = PostureCache()
        return try (0..<60).flatMap { _ in try Self.compare(transaction, 0, cache, &random) }
      }
      #expect(faults == [], "\(faults.first ?? "")")
    }
  }

  @Test(arguments: TestDatabase.all)
  func `who began to read before a change counts what was there before it`(database: TestDatabase)
    async throws
  {
    try await Bench.with(database) { bench in
      var random = SplitMix64(seed: 9)
      let cache = PostureCache()
      let hasBegun = Mutex(false)
      let hasPassed = Mutex(false)
      @Sendable func faults(_ transaction: StoreTransaction, _ seed: UInt64) throws -> [String] {
        var random = SplitMix64(seed: seed)
        return try (0..<25).flatMap { _ in try Self.compare(transaction, 2, cache, &random) }
      }
      try await bench.scan(Self.lines(&random, 0...40), at: hour(0))
      try await bench.scan(Self.lines(&random, 5...50), at: hour(1))
      #expect(try await bench.store.read { try faults($0, 1) } == [])
      async let before = bench.store.read { transaction -> [String] in
        // With the first look it sees what is there now, and no more.
        _ = try transaction.changeCount()
        hasBegun.withLock { $0 = true }
        for _ in 0..<18_000 where !hasPassed.withLock({ $0 }) {
          Thread.sleep(forTimeInterval: 0.01)
        }
        return try faults(transaction, 2) + faults(transaction, 3)
      }
      #expect(try await eventually { hasBegun.withLock { $0 } })
      // Some come, change and go, and others count them.
      try await bench.scan(Self.lines(&random, 10...70), at: hour(2))
      try await bench.scan(Self.lines(&random, 8...60), at: hour(3))
      #expect(try await bench.store.read { try faults($0, 4) } == [])
      hasPassed.withLock { $0 = true }
      #expect(try await before == [])
      #expect(try await bench.store.read { try faults($0, 5) } == [])
    }
  }

  private static func compare(
    _ transaction: StoreTransaction,
    _ round: Int,
    _ cache: PostureCache,
    _ random: inout SplitMix64
  ) throws -> [String] {
    var filter = ResourceFilter()
    filter.words = questions[Int.random(in: questions.indices, using: &random)]
    if Int.random(in: 0..<3, using: &random) == 0 { filter.regions = ["ea*"] }
    if Int.random(in: 0..<3, using: &random) == 0 { filter.kinds = ["store/key"] }
    if Int.random(in: 0..<3, using: &random) == 0 {
      filter.tags["stage"] = ["*", "prod", "?*"].randomElement(using: &random)
    }
    if Int.random(in: 0..<5, using: &random) == 0 { filter.tags["k\"ey"] = "*" }
    let isPresent = Bool.random(using: &random)
    let past = hour(Int.random(in: 0...round, using: &random)).advanced(milliseconds: 60_000)
    let instant = isPresent ? hour(1000) : past
    let reader = try ResourceReader(transaction, at: instant, sight: .everything)
    var (total, tags, regions): (Int, [String: Int], [String: Int]) = (0, [:], [:])
    var last: Int64? = 0
    while let after = last {
      let page = try reader.page(filter, after: after, limit: 500)
      for resource in page.resources {
        total += 1
        regions[resource.place.region, default: 0] += 1
        for (name, value) in resource.place.tags where !name.contains("=") {
          tags["\(name)=\(value)", default: 0] += 1
        }
      }
      last = page.end
    }
    let found = try reader.figures(filter, isPresent: isPresent, cache).json(at: instant)
    func counts(_ member: String) -> [String: Int] {
      var counts: [String: Int] = [:]
      for entry in found[member]?.array ?? [] {
        counts[entry["name"]?.string ?? "", default: 0] += entry["total"]?.whole ?? 0
      }
      return counts
    }
    let isSame =
      found["total"]?.whole == total && counts("tags") == tags && counts("regions") == regions
    return isSame ? [] : ["\(filter) at \(instant): \(found.text), not \(total) \(tags) \(regions)"]
  }
}
