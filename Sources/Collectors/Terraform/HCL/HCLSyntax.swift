import JSON

/// A place in a file, line and column from 1; columns count characters as code points.
struct HCLPosition: Sendable, Hashable {
  var line: Int
  var column: Int
}

/// What is wrong with a file's text.
struct HCLFault: Error, Sendable, Equatable {
  var message: String
  var position: HCLPosition
}

/// A file as it was read; with faults it is not whole.
struct HCLFile: Sendable {
  var name: String
  var body = HCLBody()
  var faults: [HCLFault] = []
}

/// What stands between braces, or in a whole file.
struct HCLBody: Sendable {
  var attributes: [HCLAttribute] = []
  var blocks: [HCLBlock] = []

  /// The attribute of a name.
  subscript(name: String) -> HCLAttribute? { attributes.first { $0.name == name } }

  /// The blocks of a type.
  func blocks(_ type: String) -> [HCLBlock] { blocks.filter { $0.type == type } }
}

/// `name = expression`.
struct HCLAttribute: Sendable {
  var name: String
  var expression: HCLExpression
  var position: HCLPosition
  /// The expression as written.
  var text = ""
}

/// `type "label" { … }`.
struct HCLBlock: Sendable {
  var type: String
  var labels: [String]
  var body: HCLBody
  var position: HCLPosition
}

/// An expression and where it begins.
struct HCLExpression: Sendable {
  var kind: Kind
  var position: HCLPosition

  indirect enum Kind: Sendable {
    case literal(JSONValue)
    case template([HCLTemplatePart])
    case variable(String)
    case access(HCLExpression, [Step])
    case call(String, [HCLExpression], expandsLast: Bool)
    case negation(HCLExpression)
    case not(HCLExpression)
    /// Operators of one precedence, from the left.
    case operation(HCLExpression, [(operation: Operation, operand: HCLExpression)])
    case conditional(HCLExpression, then: HCLExpression, otherwise: HCLExpression)
    case tuple([HCLExpression])
    case object([(key: HCLExpression, value: HCLExpression)])
    case loop(Loop)
  }

  /// A step from a value to a part of it.
  enum Step: Sendable {
    case attribute(String)
    case index(HCLExpression)
    /// `.*`: the attributes that follow are taken from each element.
    case attributeSplat
    /// `[*]`: all that follows is taken from each element.
    case splat
  }

  enum Operation: String, Sendable, CaseIterable {
    case or = "||"
    case and = "&&"
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case plus = "+"
    case minus = "-"
    case times = "*"
    case divide = "/"
    case modulo = "%"

    var precedence: Int {
      switch self {
      case .or: 0
      case .and: 1
      case .equal, .notEqual: 2
      case .less, .lessOrEqual, .greater, .greaterOrEqual: 3
      case .plus, .minus: 4
      case .times, .divide, .modulo: 5
      }
    }
  }

  /// `for key, value in collection : …`.
  struct Loop: Sendable {
    var keyName: String?
    var valueName: String
    var collection: HCLExpression
    /// The key of an object's member; nil where the loop makes a tuple.
    var key: HCLExpression?
    var value: HCLExpression
    var condition: HCLExpression?
    /// Whether values of one key are gathered in a list.
    var isGrouping: Bool
  }
}

/// A part of a quoted text or heredoc.
indirect enum HCLTemplatePart: Sendable {
  case literal(String)
  case interpolation(HCLExpression)
  case choice(HCLExpression, then: [HCLTemplatePart], otherwise: [HCLTemplatePart])
  case loop(
    keyName: String?,
    valueName: String,
    collection: HCLExpression,
    body: [HCLTemplatePart]
  )
}

extension HCLExpression {
  /// The text of an expression that is nothing but a text, or a bare word.
  var literalText: String? {
    switch kind {
    case .literal(.string(let text)): text
    default: nil
    }
  }
}
