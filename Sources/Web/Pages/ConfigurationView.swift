import JSON
import Model
import Reports

/// A configuration as numbered lines, of which those are marked that a verdict rests on.
///
/// A long one is cut to what is around the marked lines and its beginning.
struct ConfigurationView {
  private struct Line {
    var text: String
    var mark: ProofTree.Mark?
  }

  private let lines: [Line]
  /// How many lines are shown of one without marks, and at most of any.
  private static let most = 240
  /// How many lines around a marked one are shown of a long configuration.
  private static let around = 6
  /// How many characters of a line are shown.
  private static let width = 400

  init(_ configuration: JSONValue, marks: [ProofTree.Mark] = []) {
    var writer = Writer(places: Self.places(of: marks, in: configuration))
    writer.write(configuration, at: [], label: "", end: "", depth: 0)
    lines = writer.lines
  }

  /// The lines as a list.
  var html: HTML {
    let shown = shownLines
    var pieces: [HTML] = []
    var hidden = 0
    func cut() {
      guard hidden > 0 else { return }
      pieces.append("<li class=\"cut\">\(hidden.of("line"))</li>")
      hidden = 0
    }
    for (index, line) in lines.enumerated() {
      guard shown.contains(index) else {
        hidden += 1
        continue
      }
      let wasCut = hidden > 0
      cut()
      let place: HTML = wasCut ? " value=\"\(index + 1)\"" : ""
      let text = line.text.count > Self.width ? "\(line.text.prefix(Self.width))…" : line.text
      if let mark = line.mark {
        pieces.append(
          "<li class=\"hit\(mark.isUnread ? " unread" : "")\"\(place)><mark>\(text)</mark></li>"
        )
      } else {
        pieces.append("<li\(place)>\(text)</li>")
      }
    }
    cut()
    return """
      <div class="code" tabindex="0" role="region" aria-label="Configuration"><ol class="lines">\(HTML(pieces))</ol></div>
      """
  }

  private var shownLines: Set<Int> {
    guard lines.count > Self.most else { return Set(lines.indices) }
    var shown = Set(0..<12)
    for (index, line) in lines.enumerated() where line.mark != nil {
      shown.formUnion(max(0, index - Self.around)...min(lines.count - 1, index + Self.around))
      if shown.count > Self.most { break }
    }
    if shown.count == 12 { shown = Set(0..<Self.most) }
    return shown
  }

  /// The places of a configuration that marks mean: what is there of each path, with every index
  /// written out.
  private static func places(of marks: [ProofTree.Mark], in configuration: JSONValue)
    -> [[PropertyPath.Component]: ProofTree.Mark]
  {
    var found: [[PropertyPath.Component]: ProofTree.Mark] = [:]
    func find(
      _ value: JSONValue,
      _ rest: ArraySlice<PropertyPath.Component>,
      _ place: [PropertyPath.Component],
      _ mark: ProofTree.Mark
    ) {
      guard let next = rest.first, found.count < 200 else {
        found[place] = mark
        return
      }
      switch next {
      case .key(let key):
        // What is missing is marked where it would be.
        guard let inner = value[key] else { return place.isEmpty ? () : (found[place] = mark) }
        find(inner, rest.dropFirst(), place + [next], mark)
      case .index(let index):
        guard let elements = value.array, elements.indices.contains(index) else { return }
        find(elements[index], rest.dropFirst(), place + [next], mark)
      case .each:
        for (index, element) in (value.array ?? []).enumerated() {
          find(element, rest.dropFirst(), place + [.index(index)], mark)
        }
      }
    }
    for mark in marks { find(configuration, mark.path[...], [], mark) }
    return found
  }

  private struct Writer {
    let places: [[PropertyPath.Component]: ProofTree.Mark]
    var lines: [Line] = []

    mutating func write(
      _ value: JSONValue,
      at place: [PropertyPath.Component],
      label: String,
      end: String,
      depth: Int
    ) {
      let indent = String(repeating: "  ", count: depth)
      let mark = places[place]
      func line(_ text: String, _ mark: ProofTree.Mark?) -> Line {
        Line(text: indent + text, mark: mark)
      }
      switch value {
      case .object(let object) where !object.isEmpty:
        lines.append(line("\(label){", mark))
        for (index, member) in object.members.enumerated() {
          write(
            member.value,
            at: place + [.key(member.key)],
            label: "\(JSONValue.string(member.key).text): ",
            end: index == object.members.count - 1 ? "" : ",",
            depth: depth + 1
          )
        }
        lines.append(line("}\(end)", nil))
      case .array(let elements) where !elements.isEmpty:
        lines.append(line("\(label)[", mark))
        for (index, element) in elements.enumerated() {
          write(
            element,
            at: place + [.index(index)],
            label: "",
            end: index == elements.count - 1 ? "" : ",",
            depth: depth + 1
          )
        }
        lines.append(line("]\(end)", nil))
      default: lines.append(line("\(label)\(value.text)\(end)", mark))
      }
    }
  }
}
