/// What a value is: a scalar, or a shape.
enum AWSType: Sendable, Hashable {
  case string
  case integer
  case float
  case boolean
  case blob
  /// An instant, and the form in which it is written where that is not the protocol's usual one.
  case timestamp(AWSTimestampForm?)
  /// The shape at a place among the service's.
  case shape(Int)
}

/// The shape of a value that holds others.
enum AWSShape: Sendable {
  case structure(AWSStructure)
  case list(AWSList)
  case map(AWSMap)
}

/// Named members.
struct AWSStructure: Sendable {
  let name: String
  let members: [AWSMember]
  /// The member that is the whole body of an answer.
  let payload: String?

  /// The name without the service before it.
  var localName: String { String(name.drop { $0 != "." }.dropFirst()) }

  /// The members that stand in the body of an answer.
  var inBody: [AWSMember] {
    members.filter { ![.header, .headers, .statusCode].contains($0.location) }
  }
}

/// Values of one type in a row.
struct AWSList: Sendable {
  let member: AWSType
  let memberWire: String?
  /// Whether the elements stand directly in the structure around the list.
  let isFlattened: Bool
}

/// Values under keys that the model does not name.
struct AWSMap: Sendable {
  let key: AWSType
  let value: AWSType
  let keyWire: String
  let valueWire: String
  /// Whether the entries stand directly in the structure around the map.
  let isFlattened: Bool
}

/// Where a member stands that is not in the body.
enum AWSLocation: String, Sendable, CaseIterable {
  case uri
  case querystring
  case header
  /// Every header whose name begins with the member's.
  case headers
  case statusCode
}

/// A member of a structure.
struct AWSMember: Sendable {
  let name: String
  let type: AWSType
  let wire: String?
  let queryName: String?
  let location: AWSLocation?
  let isFlattened: Bool
  /// Whether it is an attribute of the structure's XML element.
  let isAttribute: Bool
  /// Whether its value must not be shown.
  let isSensitive: Bool

  /// The name on the wire.
  var wireName: String { wire ?? name }

  /// The name of the member's XML elements: a flattened list may take that of its elements.
  func elementName(_ shapes: [AWSShape]) -> String {
    guard wire == nil, !isFlattened, case .shape(let place) = type,
      case .list(let list) = shapes[place], list.isFlattened
    else { return wireName }
    return list.memberWire ?? name
  }
}
