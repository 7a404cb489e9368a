import Foundation
import Model
import Store

/// By which tags and words every resource is found.
struct WordColumns: EstateColumns {
  /// A tag with its value.
  struct Tag: Hashable, Sendable {
    var name: String
    var value: String
  }

  private var tags = Numbered<Tag>()
  /// Tags by how they are written, so that each is read once.
  private var written: [Substring: Int32] = [:]
  /// By the number of a resource where its tags begin in `lists`; 0 for none.
  private var listOf: [UInt32] = []
  /// How many tags a resource has, and then their numbers.
  private var lists: [Int32] = [0]
  /// By the number of a resource its line; less than 0 for none.
  private var lineOf: [Int32] = []
  private var blocks: [Block] = []
  private var lines = 0
  private var present = 0

  /// Lines of resources: their ids and names in lower case.
  fileprivate struct Block: Sendable {
    var bytes: [UInt8] = []
    /// Where each line ends.
    var ends: [Int32] = []
    var resources: [Int32] = []
    /// Whether a line has other letters than those of ASCII, which may be written in several ways.
    var isOther: [Bool] = []
  }

  private static let blockLines = 1 << 14

  /// Every tag that some resource had.
  var allTags: [Tag] { tags.values }
  var isWorn: Bool { lines > 2 * present + 1000 }

  mutating func set(_ row: EstateRow) {
    let place = Int(row.resource)
    if place >= lineOf.count {
      lineOf += Array(repeating: -1, count: place + 1 - lineOf.count)
      listOf += Array(repeating: 0, count: place + 1 - listOf.count)
    }
    if lineOf[place] < 0 { present += 1 }
    setTags(row.tags, of: place)
    if blocks.isEmpty || blocks[blocks.count - 1].ends.count == Self.blockLines {
      blocks.append(Block())
    }
    lineOf[place] = Int32(lines)
    lines += 1
    blocks[blocks.count - 1].append(row.id, row.name, Int32(place))
  }

  mutating func remove(_ resource: Int64) {
    guard Int(resource) < lineOf.count, lineOf[Int(resource)] >= 0 else { return }
    lineOf[Int(resource)] = -1
    listOf[Int(resource)] = 0
    present -= 1
  }

  private mutating func setTags(_ text: String, of place: Int) {
    guard !text.isEmpty, text != "{}" else { return listOf[place] = 0 }
    let numbers =
      plain(text) ?? Places.tags(text).map { tags.number(Tag(name: $0.key, value: $0.value)) }
    listOf[place] = UInt32(lists.count)
    lists.append(Int32(numbers.count))
    lists += numbers
  }

  /// The tags of a text with nothing but names and values, which most are; nil for one that has to be read as
  /// JSON.
  private mutating func plain(_ text: String) -> [Int32]? {
    // Without a backslash every quote begins or ends a name or a value.
    guard !text.utf8.contains(UInt8(ascii: "\\")) else { return nil }
    let parts = text.split(separator: "\"", omittingEmptySubsequences: false)
    guard parts.count % 4 == 1, parts[0] == "{", parts[parts.count - 1] == "}" else { return nil }
    var numbers: [Int32] = []
    for index in stride(from: 1, to: parts.count - 3, by: 4) {
      guard parts[index + 1] == ":", index + 4 == parts.count || parts[index + 3] == "," else {
        return nil
      }
      let pair = text[parts[index].startIndex..<parts[index + 2].endIndex]
      if let known = written[pair] {
        numbers.append(known)
      } else {
        let tag = tags.number(Tag(name: String(parts[index]), value: String(parts[index + 2])))
        written[Substring(String(pair))] = tag
        numbers.append(tag)
      }
    }
    // What a name that stands twice is worth is said where JSON is read.
    let names = numbers.map { tags.values[Int($0)].name }
    return Set(names).count == names.count ? numbers : nil
  }

  /// Hands over the numbers of a resource's tags, which are their places in ``allTags``.
  func eachTag(of resource: Int, _ body: (Int) -> Void) {
    guard resource < listOf.count else { return }
    let start = Int(listOf[resource])
    for place in start..<start + Int(lists[start]) { body(Int(lists[place + 1])) }
  }

  /// By the number of a resource whether its id and name hold words, each somewhere and in any case.
  func resources(with words: [String]) -> [Bool] {
    var found = Array(repeating: false, count: lineOf.count)
    let asked = words.map { $0.lowercased() }
    for (number, block) in blocks.enumerated() {
      block.find(asked) { line, resource in
        if lineOf[Int(resource)] == Int32(number * Self.blockLines + line) {
          found[Int(resource)] = true
        }
      }
    }
    return found
  }
}

extension WordColumns.Block {
  fileprivate mutating func append(_ id: String, _ name: String, _ resource: Int32) {
    let start = bytes.count
    bytes += id.utf8
    bytes.append(UInt8(ascii: " "))
    bytes += name.utf8
    isOther.append(bytes[start...].contains { $0 >= 0x80 })
    if isOther.last == false {
      for place in start..<bytes.count where (0x41...0x5A).contains(bytes[place]) {
        bytes[place] += 0x20
      }
    } else {
      bytes.removeLast(bytes.count - start)
      bytes += "\(id) \(name)".lowercased().utf8
    }
    ends.append(Int32(bytes.count))
    resources.append(resource)
  }

  private func line(_ number: Int) -> Range<Int> {
    (number == 0 ? 0 : Int(ends[number - 1]))..<Int(ends[number])
  }

  /// Hands over lines that hold all words.
  fileprivate func find(_ words: [String], _ body: (_ line: Int, _ resource: Int32) -> Void) {
    let isPlain = words.allSatisfy { $0.utf8.allSatisfy { $0 < 0x80 } }
    // How a letter is written differs only where it is none of ASCII.
    for number in ends.indices where !isPlain || isOther[number] {
      let text = String(decoding: bytes[line(number)], as: UTF8.self)
      if words.allSatisfy({ text.contains($0) }) { body(number, resources[number]) }
    }
    guard isPlain, let first = words.max(by: { $0.utf8.count < $1.utf8.count }) else { return }
    let needles = words.map { Array($0.utf8) }
    let needle = Array(first.utf8)
    var (from, number) = (0, 0)
    while let hit = place(of: needle, from: from, to: bytes.count) {
      number = self.number(ofLineAt: hit, from: number)
      let range = line(number)
      if !isOther[number], hit + needle.count <= range.upperBound,
        needles.allSatisfy({ place(of: $0, from: range.lowerBound, to: range.upperBound) != nil })
      {
        body(number, resources[number])
        from = range.upperBound
      } else {
        from = hit + 1
      }
    }
  }

  /// The line in which a byte lies, at or after a line.
  private func number(ofLineAt place: Int, from: Int) -> Int {
    var (low, high) = (from, ends.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if Int(ends[middle]) > place { high = middle } else { low = middle + 1 }
    }
    return low
  }

  /// Where bytes stand first within a range; nil where they do not.
  private func place(of needle: [UInt8], from: Int, to end: Int) -> Int? {
    // Names end in what they differ by, so fewer have the last byte than the first.
    let behind = needle.count - 1
    guard from + behind < end, let last = needle.last else { return nil }
    return unsafe bytes.withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress else { return nil }
      var next = from + behind
      while next < end, let hit = unsafe memchr(base + next, Int32(last), end - next) {
        let start = unsafe UnsafeRawPointer(hit) - base - behind
        if unsafe memcmp(base + start, needle, behind) == 0 { return start }
        next = start + behind + 1
      }
      return nil
    }
  }
}
